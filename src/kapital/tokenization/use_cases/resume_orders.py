"""Finish what a crash broke off: orders checked but not decided, and reserves that have to go back."""

from datetime import timedelta
from uuid import UUID

from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.decide_orders import decide_orders, release_reserves

_BATCH = 1000
_FIRST = UUID(int=0)


async def resume_orders(*, parts: Parts, older_than: timedelta = timedelta(0)) -> int:
    """Decide every order that has been CHECKED for `older_than`, give due reserves back; returns how many orders.

    Called at the start of a process, and by the schedule for orders that have waited too long. It may meet a
    process that is still at work on the same orders: both use the same ids, and one of them decides.
    Raises: Unavailable, when the ledger does not answer; call again.
    """
    resumed = 0
    before = parts.clock.now() - older_than
    while True:
        async with parts.database.connect() as conn:
            waiting = await parts.orders.undecided(conn, before, _BATCH)
        if not waiting:
            break
        await decide_orders(waiting, parts=parts)
        resumed += len(waiting)
    return resumed + await release_due_reserves(parts=parts)


async def release_due_reserves(*, parts: Parts) -> int:
    """Give back every reserve that is due; returns how many were due."""
    due, after = 0, _FIRST
    while True:
        async with parts.database.connect() as conn:
            orders = await parts.orders.release_due(conn, after, _BATCH)
        if not orders:
            return due
        await release_reserves(orders, parts=parts)
        due, after = due + len(orders), orders[-1].order_id
