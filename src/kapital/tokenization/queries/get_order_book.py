"""Read model: totals of an issue's orders, without names."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.tokenization import OrderBook
from kapital.kernel.actor import Actor
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import require_readable


async def get_order_book(conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID) -> OrderBook:
    """The totals, for staff and the issuer. Raises: IssueNotFound."""
    issue = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    issue = require_readable(issue, actor, "get_order_book")
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
    )
