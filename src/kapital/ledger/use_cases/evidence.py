"""Use case: make an evidence package that `kapital verify` accepts without asking us."""

from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from kapital.ledger.adapters.store import read_tiles
from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.problems import StatementTooLong
from kapital.ledger.queries.entries import entries_of
from kapital.ledger.queries.holdings import statement
from kapital.ledger.queries.proofs import ProofReader
from kapital.ledger.use_cases.checkpoint import Checkpointer
from kapital.verify.account_index import AccountProof, wallet_key
from kapital.verify.package import Document, Package, PackageEntry, encode
from kapital.verify.signed_note import parse_checkpoint, split_note

MAX_STATEMENT_ENTRIES: Final = 20_000


async def entry_evidence(
    connection: asyncpg.Connection,
    checkpointer: Checkpointer,
    proofs: ProofReader,
    seq: int,
    *,
    documents: Sequence[Document] = (),
) -> bytes:
    """Return a package for one entry: its text, its place in the log, a signed checkpoint.

    Raises: EntryNotFound.
    """
    entries = await entries_of(connection, [seq])
    note, _ = await checkpointer.checkpoint(connection)
    return await _package(connection, checkpointer, proofs, note, entries, kind="entry", documents=tuple(documents))


async def statement_evidence(
    connection: asyncpg.Connection, checkpointer: Checkpointer, proofs: ProofReader, wallet: UUID
) -> bytes:
    """Return a package with every entry that touches a wallet, and the proof that none was left out.

    Raises: WalletNotFound, StatementTooLong.
    """
    note, index = await checkpointer.checkpoint(connection)
    seqs = await statement(connection, wallet, _size(note))
    if len(seqs) > MAX_STATEMENT_ENTRIES:
        raise StatementTooLong(facts={"most": MAX_STATEMENT_ENTRIES, "entries": len(seqs)})
    entries = await entries_of(connection, seqs)
    completeness = index.prove(wallet_key(str(wallet)))
    return await _package(
        connection,
        checkpointer,
        proofs,
        note,
        entries,
        kind="statement",
        wallet=str(wallet),
        completeness=completeness,
    )


async def _package(
    connection: asyncpg.Connection,
    checkpointer: Checkpointer,
    proofs: ProofReader,
    note: str,
    entries: Sequence[StoredEntry],
    *,
    kind: str,
    wallet: str | None = None,
    completeness: AccountProof | None = None,
    documents: tuple[Document, ...] = (),
) -> bytes:
    checkpoint = parse_checkpoint(split_note(note)[0])
    tiles = partial(read_tiles, connection)
    paths = await proofs.inclusion(tiles, [entry.seq for entry in entries], checkpoint.size)
    # The note before this one ties the package to what others may have kept.
    earlier = await connection.fetchrow(
        "SELECT size, note FROM checkpoint WHERE size > 0 AND size < $1 ORDER BY size DESC LIMIT 1", checkpoint.size
    )
    consistency = await proofs.consistency(tiles, earlier["size"], checkpoint.size) if earlier else None
    return encode(
        Package(
            kind=kind,
            origin=checkpoint.origin,
            keys=tuple(checkpointer.keys),
            checkpoint=note,
            entries=tuple(
                PackageEntry(entry.body.decode(), entry.seq, tuple(path))
                for entry, path in zip(entries, paths, strict=True)
            ),
            earlier_checkpoint=earlier["note"] if earlier else None,
            consistency_proof=tuple(consistency) if consistency is not None else None,
            wallet=wallet,
            completeness=completeness,
            documents=documents,
        )
    )


def _size(note: str) -> int:
    return parse_checkpoint(split_note(note)[0]).size
