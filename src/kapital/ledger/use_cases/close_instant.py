"""Use case: say what stood at an instant, so that it stays said.

An entry is planned a moment before it is committed. Without this an entry with an earlier instant could still
appear after somebody was told the holdings at that instant. Law: 259-FZ art. 4 (the right passes with the record).
"""

from datetime import datetime

import asyncpg

from kapital.kernel.clock import Clock
from kapital.ledger.adapters import store
from kapital.ledger.domain.problems import InstantInFuture
from kapital.ledger.queries.entries import size_before


async def size_at(connection: asyncpg.Connection, clock: Clock, at: datetime) -> int:
    """Return how many entries were recorded up to `at`; no later entry will bear that instant or an earlier one.

    Raises: InstantInFuture.
    """
    if at > clock.now():
        raise InstantInFuture(facts={"at": at.isoformat()})
    head = await store.read_head(connection)
    if at >= head.recorded_at and at > head.closed_at:
        async with connection.transaction():
            await store.read_head(connection, lock=True)
            await connection.execute("UPDATE head SET closed_at = greatest(closed_at, $1)", at)
            return await size_before(connection, at)
    return await size_before(connection, at)
