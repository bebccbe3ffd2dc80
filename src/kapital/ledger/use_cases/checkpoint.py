"""Use case: sign what the log is now.

A checkpoint commits to the log's size and root (C2SP tlog-checkpoint) and, in an extension line, to the index by
account that makes a holder's statement complete (kapital.verify.account_index). The index is brought up to date
here and not in `post`: it is a function of the entries, so it may lag without being wrong.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import asyncpg
import msgspec

from kapital.kernel.clock import Clock
from kapital.kernel.problems import ensure
from kapital.ledger.adapters import store
from kapital.ledger.api import NoteSigner, StoredEntry
from kapital.ledger.domain.problems import CheckpointKeyMissing
from kapital.ledger.queries.entries import entries
from kapital.ledger.queries.proofs import ProofReader
from kapital.verify.account_index import AccountIndex, AccountRecord, index_extension
from kapital.verify.entry import touched_keys
from kapital.verify.rfc9162 import leaf_hash
from kapital.verify.signed_note import (
    Algorithm,
    Checkpoint,
    checkpoint_text,
    key_id,
    parse_checkpoint,
    sign_note_line,
    split_note,
    vkey,
)

CHUNK: Final = 5_000

_IS_BEHIND: Final = "SELECT i.size < h.size FROM checkpoint_index AS i, head AS h"
_UPSERT_DIGESTS: Final = """
    INSERT INTO account_digest (key_hash, count, chain)
    SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])
    ON CONFLICT (key_hash) DO UPDATE SET count = excluded.count, chain = excluded.chain
"""


def verifier_key(signer: NoteSigner) -> str:
    """Return the C2SP verifier key of a signer: what a verifier must be given by a way it trusts."""
    return vkey(signer.key_name, Algorithm.ED25519, signer.public_key)


class Checkpointer:
    """Signs checkpoints and keeps the index by account in memory between them."""

    def __init__(self, origin: str, clock: Clock, signers: Sequence[NoteSigner], proofs: ProofReader) -> None:
        self._origin, self._clock, self._signers, self._proofs = origin, clock, signers, proofs
        self._index: AccountIndex | None = None
        self._generation = -1
        self._turn = asyncio.Lock()

    @property
    def keys(self) -> list[str]:
        """Verifier keys of all signers."""
        return [verifier_key(signer) for signer in self._signers]

    async def checkpoint(self, connection: asyncpg.Connection) -> tuple[str, AccountIndex]:
        """Return a signed note over the present log and the index it commits to. Same size, same note.

        Promise: a note that was returned is kept for ever.
        """
        async with self._turn:
            size, index = await self._catch_up(connection)
            kept = await connection.fetchval("SELECT note FROM checkpoint WHERE size = $1", size)
            if kept is None:
                kept = await self._sign(connection, size, index)
            return kept, index.copy()

    async def follow(self, connection: asyncpg.Connection) -> None:
        """Bring the index up to the present log, so that the next checkpoint finds little to do."""
        async with self._turn:
            # Asked every second: without a row lock, which would write even when the house is idle.
            if await connection.fetchval(_IS_BEHIND):
                await self._catch_up(connection)

    async def _catch_up(self, connection: asyncpg.Connection) -> tuple[int, AccountIndex]:
        wanted: int | None = None
        while True:
            async with connection.transaction():
                done = await connection.fetchval("SELECT size FROM checkpoint_index FOR UPDATE")
                size, generation = await connection.fetchrow("SELECT size, generation FROM head")
                if generation != self._generation:  # rebuilt since: what was read before may have been damaged
                    self._generation, self._index = generation, None
                    self._proofs.forget()
                index = self._index
                if index is None or index.next_seq != done:
                    self._index = index = await _load_index(connection, done)
                # The log as it was when we were asked: one that grows all the time would never be caught up with.
                wanted = size if wanted is None else wanted
                if done >= wanted:
                    return done, index
                try:
                    await _advance(connection, index, done, min(size, done + CHUNK))
                except BaseException:
                    self._index = None
                    raise

    async def _sign(self, connection: asyncpg.Connection, size: int, index: AccountIndex) -> str:
        if not self._signers:
            raise CheckpointKeyMissing
        # Not from the partial tiles: meanwhile the log may have grown past `size`.
        root = await self._proofs.root(partial(store.read_tiles, connection), size)
        await self._require_continuation(connection, size)
        note = checkpoint_text(Checkpoint(self._origin, size, root, (index_extension(index.root()),)))
        lines = [
            sign_note_line(
                signer.key_name,
                key_id(signer.key_name, Algorithm.ED25519, signer.public_key),
                await signer.sign(note.encode()),
            )
            for signer in self._signers
        ]
        signed = note + "\n" + "".join(lines)
        await connection.execute(
            "INSERT INTO checkpoint VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING",
            size,
            self._clock.now(),
            signed,
        )
        # Another process may have signed the same size a moment ago: the first note is the one that counts.
        kept: str = await connection.fetchval("SELECT note FROM checkpoint WHERE size = $1", size)
        return kept

    async def _require_continuation(self, connection: asyncpg.Connection, size: int) -> None:
        """Never sign two histories: the log must still begin with what the note before this one says.

        Raises: InvariantBroken.
        """
        row = await connection.fetchrow(
            "SELECT size, note FROM checkpoint WHERE size > 0 AND size < $1 ORDER BY size DESC LIMIT 1", size
        )
        if row is not None:
            # Read anew: what is kept in memory would hide what was changed in the database.
            root = await ProofReader().root(partial(store.read_tiles, connection), row["size"])
            signed = parse_checkpoint(split_note(row["note"])[0]).root
            ensure(root == signed, f"the log contradicts its signed checkpoint of size {row['size']}")


async def _load_index(connection: asyncpg.Connection, size: int) -> AccountIndex:
    rows = await connection.fetch("SELECT key_hash, count, chain FROM account_digest")
    return AccountIndex.from_records((AccountRecord(*row) for row in rows), next_seq=size)


async def _advance(connection: asyncpg.Connection, index: AccountIndex, start: int, stop: int) -> None:
    # In a thread, so that who waits for an answer of this process gets a turn in between.
    records = await asyncio.to_thread(_applied, index, await entries(connection, start, stop))
    await connection.execute(
        _UPSERT_DIGESTS, [r.key_hash for r in records], [r.count for r in records], [r.chain for r in records]
    )
    await connection.execute("UPDATE checkpoint_index SET size = $1", stop)


def _applied(index: AccountIndex, more: Sequence[StoredEntry]) -> list[AccountRecord]:
    """Count these entries; the records that changed."""
    return index.apply_all(
        (entry.seq, leaf_hash(entry.body), touched_keys(msgspec.json.decode(entry.body))) for entry in more
    )
