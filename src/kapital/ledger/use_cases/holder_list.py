"""Use case: sign who held an asset at a record moment, so that issuer and holders can prove it offline.

The register after a number of entries never changes, so the list is read twice – once to hash it, once to write it –
and is the same both times.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from kapital.kernel.canonical import canonical_bytes
from kapital.ledger.adapters.store import Connection, read_tiles
from kapital.ledger.api import NoteSigner, RegisterRow
from kapital.ledger.domain.problems import WalletHeldNothing
from kapital.ledger.queries.proofs import ProofReader, inclusion_path
from kapital.ledger.queries.register_pages import PAGE_MAX, register_page
from kapital.ledger.use_cases.checkpoint import Checkpointer, verifier_key
from kapital.verify.holder_list import FORMAT, KIND_HOLDING, KIND_LIST
from kapital.verify.rfc9162 import leaf_hash, root_from_leaf_hashes
from kapital.verify.signed_note import encode_base64, parse_checkpoint, split_note

Snapshot = Callable[[], AbstractAsyncContextManager[Connection]]
_INSTANT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


class HolderLists:
    """Makes the files that `kapital.verify.holder_list` describes."""

    def __init__(
        self, snapshot: Snapshot, session: Snapshot, checkpointer: Checkpointer, proofs: ProofReader
    ) -> None:
        self._snapshot, self._session = snapshot, session
        self._checkpointer, self._proofs = checkpointer, proofs

    async def whole(
        self, asset: UUID, *, size: int, at: datetime, made_at: datetime, signer: NoteSigner
    ) -> AsyncIterator[bytes]:
        """Yield the lines of the file of everybody who held the asset after `size` entries.

        Law: 259-FZ art. 6 and 8; domain.md 3.6 (list at the record moment).
        Raises: AssetNotFound, SizeAheadOfLog, CheckpointKeyMissing.
        """
        leaves: list[bytes] = []
        units = 0
        async for row in self._rows(asset, size):
            leaves.append(leaf_hash(_line(row)))
            units += row.balance
        yield await self._header(KIND_LIST, asset, size, leaves, units, at, made_at, signer)
        async for row in self._rows(asset, size):
            yield _line(row) + b"\n"

    async def of_wallet(
        self, asset: UUID, wallet: UUID, *, size: int, at: datetime, made_at: datetime, signer: NoteSigner
    ) -> bytes:
        """Return the file of one holder: its own lines with their proofs, and nothing of the others.

        Raises: AssetNotFound, SizeAheadOfLog, WalletHeldNothing, CheckpointKeyMissing.
        """
        leaves: list[bytes] = []
        own: list[tuple[int, RegisterRow]] = []
        units = 0
        async for row in self._rows(asset, size):
            if row.wallet == wallet:
                own.append((len(leaves), row))
            leaves.append(leaf_hash(_line(row)))
            units += row.balance
        if not own:
            raise WalletHeldNothing(facts={"wallet": str(wallet), "size": size})
        file = [await self._header(KIND_HOLDING, asset, size, leaves, units, at, made_at, signer)]
        for index, row in own:
            proof = [root_from_leaf_hashes(leaves[a:b]) for a, b in inclusion_path(index, len(leaves))]
            shown = {"index": index, "line": _said(row), "proof": [encode_base64(step) for step in proof]}
            file.append(canonical_bytes(shown) + b"\n")
        return b"".join(file)

    async def _rows(self, asset: UUID, size: int) -> AsyncIterator[RegisterRow]:
        after = None
        while True:
            async with self._snapshot() as connection:
                page = await register_page(connection, asset, size, after, PAGE_MAX)
            for row in page.rows:
                yield row
            if (after := page.last_wallet) is None:
                return

    async def _header(
        self,
        kind: str,
        asset: UUID,
        size: int,
        leaves: Sequence[bytes],
        units: int,
        at: datetime,
        made_at: datetime,
        signer: NoteSigner,
    ) -> bytes:
        async with self._session() as connection:
            note, _ = await self._checkpointer.checkpoint(connection)
            tiles = partial(read_tiles, connection)
            newest = parse_checkpoint(split_note(note)[0]).size
            root = await self._proofs.root(tiles, size)
            consistency = await self._proofs.consistency(tiles, size, newest)
        manifest: dict[str, Any] = {
            "asset": str(asset),
            "at": at.astimezone(UTC).strftime(_INSTANT),
            "checkpoint": note,
            "consistency_proof": [encode_base64(step) for step in consistency],
            "format": FORMAT,
            "lines": len(leaves),
            "list_root": encode_base64(root_from_leaf_hashes(leaves)),
            "made_at": made_at.astimezone(UTC).strftime(_INSTANT),
            "root": encode_base64(root),
            "size": size,
            "units": units,
        }
        said = {
            "format": FORMAT,
            "key": verifier_key(signer),
            "kind": kind,
            "log_key": self._checkpointer.keys[0],
            "manifest": manifest,
            "signature": encode_base64(await signer.sign(canonical_bytes(manifest))),
        }
        return canonical_bytes(said) + b"\n"


def _said(row: RegisterRow) -> dict[str, Any]:
    return {"position": row.position.value, "units": row.balance, "wallet": str(row.wallet)}


def _line(row: RegisterRow) -> bytes:
    return canonical_bytes(_said(row))
