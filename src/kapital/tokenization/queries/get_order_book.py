"""Read model: the progress of a placement and the totals of its orders, without names."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import OrderBook, OrderBookState
from kapital.kernel.actor import Actor
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import require_readable

_BASIS_POINTS: Final = 10_000
_BY_STATE: Final = text(
    """
    SELECT state, count(*) AS orders, sum(units)::bigint AS units, sum(reserved_kopecks)::bigint AS kopecks
    FROM subscription_order WHERE issue_id = :issue_id AND accepted_at IS NOT NULL GROUP BY state ORDER BY state
    """
)
"""Orders that were accepted: one that never was is nobody's business but its investor's (115-FZ art. 4)."""


async def get_order_book(conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID) -> OrderBook:
    """The totals, for staff and the issuer. Raises: IssueNotFound."""
    issue = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    issue = require_readable(issue, actor, "get_order_book")
    rows = await conn.execute(_BY_STATE, {"issue_id": issue_id})
    awaiting = await parts.awaiting.totals(conn, issue_id)
    return OrderBook(
        issue_id=issue.issue_id,
        state=issue.state.value,
        quantity_min=issue.quantity_min,
        quantity_max=issue.quantity_max,
        accepted_orders=issue.accepted_orders,
        accepted_units=issue.accepted_units,
        accepted_kopecks=issue.accepted_kopecks,
        allocated_units=issue.allocated_units,
        paid_kopecks=issue.paid_kopecks,
        price_kopecks=issue.price_kopecks,
        placement_start_at=issue.placement_start_at,
        placement_end_at=issue.placement_end_at,
        ended_early_at=unset_if_none(issue.ended_early_at),
        remaining_units=max(0, issue.quantity_max - issue.accepted_units),
        placed_basis_points=issue.accepted_units * _BASIS_POINTS // issue.quantity_max if issue.quantity_max else 0,
        minimum_reached=issue.accepted_units >= issue.quantity_min,
        by_state=[
            OrderBookState(state=row.state, orders=row.orders, units=row.units, reserved_kopecks=row.kopecks)
            for row in rows
        ],
        awaiting_orders=awaiting.orders,
        awaiting_units=awaiting.units,
        awaiting_kopecks=awaiting.kopecks,
    )
