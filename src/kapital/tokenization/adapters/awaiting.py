"""Orders that await their money, in the table of orders."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.orders import ORDER_TABLE
from kapital.tokenization.adapters.versioned_table import plain
from kapital.tokenization.domain.order import Order
from kapital.tokenization.ports.awaiting import Awaited

# Rows are locked in the order of their ids, as everybody takes them; a row that was funded meanwhile is left alone.
# The version stays: nothing that another process decides about the order depends on when it is looked at.
_NOTE_MONEY: Final = text(
    """
    WITH told AS (
        SELECT order_id FROM subscription_order
        WHERE state = 'awaiting_funds' AND wallet_id = ANY(CAST(:wallets AS uuid[]))
        ORDER BY order_id FOR NO KEY UPDATE
    )
    UPDATE subscription_order AS o SET funds_look_at = least(o.funds_look_at, CAST(:at AS timestamptz))
    FROM told WHERE o.order_id = told.order_id
    """
)
_DUE: Final = """
    WHERE state = 'awaiting_funds' AND order_id > :after AND (
        reserve_asked OR (
            funds_look_at <= :now AND funds_until_at > :now
            AND issue_id IN (SELECT i.issue_id FROM issue i WHERE i.state = 'placement_open')
        )
    )
    ORDER BY order_id LIMIT :limit FOR NO KEY UPDATE
"""
# A cut-off is never later than the close by time: only a placement that is cancelled or ended early ends before.
_OVER: Final = """
    WHERE order_id IN (
        SELECT o.order_id FROM subscription_order o WHERE o.state = 'awaiting_funds' AND o.funds_until_at <= :now
        UNION ALL
        SELECT o.order_id FROM issue i JOIN subscription_order o USING (issue_id)
        WHERE (i.state = 'cancelled' OR i.ended_early_at IS NOT NULL) AND o.state = 'awaiting_funds'
    )
    ORDER BY order_id LIMIT :limit
"""
_COUNT: Final = text("SELECT count(*) FROM subscription_order WHERE state = 'awaiting_funds'")
_COUNT_OF: Final = text(
    """
    SELECT participant_id, count(*) AS orders FROM subscription_order
    WHERE state = 'awaiting_funds' AND participant_id = ANY(CAST(:ids AS uuid[])) GROUP BY participant_id
    """
)
_TOTALS: Final = text(
    """
    SELECT count(*) AS orders, coalesce(sum(units), 0)::bigint AS units,
           coalesce(sum(reserved_kopecks), 0)::bigint AS kopecks
    FROM subscription_order WHERE state = 'awaiting_funds' AND issue_id = :issue_id
    """
)


class AwaitedOrderTables:
    """Adapter of the port `AwaitedOrders` on PostgreSQL."""

    async def note_money(self, conn: AsyncConnection, wallets: Iterable[UUID], at: datetime) -> None:
        """Let the ledger be asked, from an instant on, for those that await money of the wallets."""
        await conn.execute(_NOTE_MONEY, {"wallets": sorted(set(wallets)), "at": at})

    async def lock_due(self, conn: AsyncConnection, now: datetime, after: UUID, limit: int) -> list[Order]:
        """Those that the ledger is to be asked for, by id above `after`, locked."""
        return await ORDER_TABLE.select(conn, _DUE, {"now": now, "after": after, "limit": limit})

    async def over(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Order]:
        """Those whose cut-off has come, or whose placement was cancelled or ended early."""
        return await ORDER_TABLE.select(conn, _OVER, {"now": now, "limit": limit})

    async def count(self, conn: AsyncConnection) -> int:
        """How many there are."""
        return int((await conn.execute(_COUNT)).scalar_one())

    async def count_of(self, conn: AsyncConnection, participant_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many each participant has; who has none is missing."""
        rows = await conn.execute(_COUNT_OF, {"ids": list(participant_ids)})
        return {plain(row.participant_id): row.orders for row in rows}

    async def totals(self, conn: AsyncConnection, issue_id: UUID) -> Awaited:
        """What those of an issue come to."""
        row = (await conn.execute(_TOTALS, {"issue_id": issue_id})).one()
        return Awaited(row.orders, row.units, row.kopecks)
