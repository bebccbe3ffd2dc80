"""Use case: keep an audit copy of the log up to date, and notice when the two tell different histories."""

from typing import Final

import asyncpg

from kapital.ledger.domain.problems import AuditDiverged
from kapital.ledger.ports import AuditAdapter, AuditReceipt
from kapital.ledger.queries.entries import entries
from kapital.ledger.queries.holdings import require_size
from kapital.ledger.queries.proofs import ProofReader, TileSource

CHUNK: Final = 4_096


async def mirror(
    connection: asyncpg.Connection, tiles: TileSource, proofs: ProofReader, audit: AuditAdapter
) -> AuditReceipt:
    """Append what the copy lacks and return its receipt, which then equals the log's own root at that size.

    The comparison comes first: a copy that diverged, or a log that was rolled back behind its copy, is left as it
    is – it is the evidence. Raises: AuditDiverged.
    """
    receipt = await audit.append([])
    size = await require_size(connection, None)
    if receipt.size > size:
        raise AuditDiverged("the log is shorter than its copy", {"held": receipt.size, "log": size})
    if await proofs.root(tiles, receipt.size) != receipt.root:
        raise AuditDiverged(
            "the log has another history than its copy", {"seq": await _first_difference(connection, audit, receipt)}
        )
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
        for mine, copied in zip(ours, theirs, strict=False):
            if mine != copied:
                return mine.seq
    return receipt.size
