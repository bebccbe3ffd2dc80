"""Read models: an investor's own orders with what they got, and what a broker placed for others."""

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.tokenization import OrderPage, OrderRow
from kapital.kernel.actor import Actor
from kapital.platform import access

_PAGE: Final = """
    SELECT o.order_id, o.issue_id, o.units, o.state, o.version, o.created_at, o.refusal_code,
           o.entry_seq, o.max_price_kopecks, o.accepted_at, o.funds_until_at,
           CASE WHEN o.awaited_at IS NOT NULL AND o.reserve_seq IS NULL THEN 0 ELSE o.reserved_kopecks END
               AS reserved_kopecks,
           CASE WHEN o.state = 'awaiting_funds' THEN o.reserved_kopecks END AS awaited_kopecks,
           CASE WHEN o.accepted_at IS NOT NULL THEN o.reserve_seq END AS accepted_seq,
           CASE WHEN r.state = 'proposed' THEN 'held' ELSE r.state END AS review,
           f.units AS allocated_units, f.pay_kopecks, f.refund_kopecks, {more}
    FROM subscription_order o LEFT JOIN fill f USING (order_id)
    LEFT JOIN order_review r
        ON r.issue_id = o.issue_id AND r.actor_id = o.actor_id AND r.command_id = o.command_id
        AND r.state IN ('held', 'proposed', 'goes_on', 'not_allocated')
        AND o.accepted_at IS NOT NULL AND o.state NOT IN ('withdrawn', 'rejected')
    WHERE {which}
      AND (CAST(:issue_id AS uuid) IS NULL OR o.issue_id = :issue_id)
      AND (CAST(:after AS uuid) IS NULL OR o.order_id > :after)
    ORDER BY o.order_id LIMIT :limit
"""
# What somebody ordered in its name without a mandate is none of its orders.
_OWN: Final = text(
    _PAGE.format(
        more="o.rule_book_version, o.broker_id AS placed_by_participant_id",
        which="o.participant_id = :participant_id AND (o.broker_id IS NULL OR o.mandate_id IS NOT NULL)",
    )
)
# Not which rule book the principal had accepted: it would tell why an order was refused, or that there is such a one.
_PLACED: Final = text(
    _PAGE.format(
        more="o.participant_id AS for_participant_id",
        which="o.broker_id = :participant_id"
        " AND (CAST(:principal_id AS uuid) IS NULL OR o.participant_id = :principal_id)",
    )
)


async def list_own_orders(
    conn: AsyncConnection, actor: Actor, *, issue_id: UUID | None, after: UUID | None, limit: int
) -> OrderPage:
    """The actor's own orders by id above `after`, and by whom each was placed. Raises: NotPermitted."""
    access.require(actor, "list_own_orders", access.Resource("Order", owner=actor.participant_id))
    values = {
        "participant_id": actor.participant_id,
        "issue_id": issue_id,
        "after": after,
        "limit": limit + 1,
    }
    return await _page(conn, _OWN, values, limit)


async def list_placed_orders(
    conn: AsyncConnection,
    actor: Actor,
    *,
    principal_id: UUID | None,
    issue_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> OrderPage:
    """Orders that the actor, a broker, placed for others, or for one of them; also where the mandate has ended since.

    Raises: NotPermitted.
    """
    own = actor.participant_id
    agents = frozenset() if own is None else frozenset({own})
    access.require(actor, "list_placed_orders", access.Resource("Order", agents=agents))
    values = {
        "participant_id": own,
        "principal_id": principal_id,
        "issue_id": issue_id,
        "after": after,
        "limit": limit + 1,
    }
    return await _page(conn, _PLACED, values, limit)


async def _page(conn: AsyncConnection, statement: TextClause, values: dict[str, Any], limit: int) -> OrderPage:
    rows = (await conn.execute(statement, values)).mappings().all()
    items = [_row({name: value for name, value in row.items() if value is not None}) for row in rows[:limit]]
    return OrderPage(items=items, next_after=items[-1].order_id if len(rows) > limit else msgspec.UNSET)


def _row(values: dict[str, Any]) -> OrderRow:
    return msgspec.convert(values, OrderRow)
