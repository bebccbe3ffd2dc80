"""Use case: keep an audit copy of the log up to date, and notice when the two tell different histories."""

from itertools import zip_longest
from typing import Final

import asyncpg

from kapital.ledger.domain.problems import AuditDiverged
from kapital.ledger.ports import AuditAdapter, AuditReceipt
from kapital.ledger.queries.entries import entries
from kapital.ledger.queries.holdings import require_size
from kapital.ledger.queries.proofs import ProofReader, TileSource

CHUNK: Final = 4_096


async def mirror(
    connection: asyncpg.Connection, tiles: TileSource, audit: AuditAdapter, *, whole: bool = False
) -> AuditReceipt:
    """Append what the copy lacks and return its receipt, which then equals the log's own root at that size.

    The comparison comes first: a copy that diverged, or a log that was rolled back behind its copy, is left as it
    is – it is the evidence. With `whole` every entry is compared too, which also finds an entry whose hash was left
    as it was. Raises: AuditDiverged.
    """
    proofs = ProofReader()  # not the one that serves proofs: what that one keeps would hide what was changed
    receipt = await audit.append([])
    size = await require_size(connection, None)
    if receipt.size > size:
        raise AuditDiverged("the log is shorter than its copy", {"held": receipt.size, "log": size})
    same_root = await proofs.root(tiles, receipt.size) == receipt.root
    if whole or not same_root:
        seq = await _first_difference(connection, audit, receipt)
        if seq < receipt.size or not same_root:
            raise AuditDiverged("the log has another history than its copy", {"seq": seq})
    while receipt.size < size:
        batch = await entries(connection, receipt.size, min(size, receipt.size + CHUNK))
        receipt = await audit.append(batch)
    await audit.verify(AuditReceipt(receipt.size, await proofs.root(tiles, receipt.size)))
    return receipt


async def _first_difference(connection: asyncpg.Connection, audit: AuditAdapter, receipt: AuditReceipt) -> int:
    """Return the number of the first entry that differs; the copy's size if only the tiles do."""
    for start in range(0, receipt.size, CHUNK):
        stop = min(start + CHUNK, receipt.size)
        ours, theirs = await entries(connection, start, stop), await audit.get(start, stop)
        for mine, copied in zip_longest(ours, theirs):
            if mine != copied:
                return mine.seq if copied is None else copied.seq
    return receipt.size
