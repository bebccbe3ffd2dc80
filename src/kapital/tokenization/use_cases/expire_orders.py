"""End the orders for which no money came in time."""

from datetime import datetime
from uuid import UUID

from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import PLACEMENT_LIVE, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.decide_orders import decide_orders
from kapital.tokenization.use_cases.steps import SCHEDULER, walk_orders

_BATCH = 1000


async def expire_orders(now: datetime, *, parts: Parts) -> int:
    """Move orders whose cut-off has come to EXPIRED and give back what they took of the limit; returns how many.

    So end those as well whose placement ended before their cut-off (cancelled, or early). One that the ledger was
    asked for is decided first: a reserve recorded before the cut-off counts, whenever this runs, and a later one goes
    back.
    Law: domain.md 3.4 (EXPIRED: no funds by cut-off), 1.6 (the limit is given back); scenarios 8, 9.
    Promise: once for each order, under the locks of its issue and of itself; money that comes later finds nothing.
    """
    expired = 0
    while True:
        async with parts.database.connect() as conn:
            over = await parts.awaiting.over(conn, now, _BATCH)
        if not over:
            return expired
        await decide_orders([order for order in over if order.reserve_asked], parts=parts)
        async with parts.uow.begin() as tx:
            done = await _expire(tx, parts, {order.order_id: order.issue_id for order in over}, now)
        expired += done
        if not done:
            return expired


async def _expire(tx: Transaction, parts: Parts, issue_of: dict[UUID, UUID], now: datetime) -> int:
    issues = await parts.issues.lock(tx.conn, set(issue_of.values()))
    orders = await parts.orders.lock(tx.conn, issue_of)
    ended = [
        order
        for order in orders.values()
        if order.state is OrderState.AWAITING_FUNDS
        and not order.reserve_asked
        and (order.is_cut_off(now) or _takes_none(issues[order.issue_id], now))
    ]
    walks = [(order, ("cut_off",), {"funds_look_at": None}) for order in ended]
    await walk_orders(tx, parts, walks, actor=SCHEDULER)
    return len(ended)


def _takes_none(issue: Issue, now: datetime) -> bool:
    return issue.state not in PLACEMENT_LIVE or issue.is_over(now)
