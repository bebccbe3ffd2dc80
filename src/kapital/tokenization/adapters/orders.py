"""Subscription orders and their fills."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable, changed_rows, plain
from kapital.tokenization.domain.order import Order

ORDER_TABLE: Final = VersionedTable(
    Order,
    "subscription_order",
    "order_id",
    {
        "order_id": "uuid",
        "issue_id": "uuid",
        "participant_id": "uuid",
        "wallet_id": "uuid",
        "units": "bigint",
        "reserved_kopecks": "bigint",
        "state": "text",
        "version": "bigint",
        "actor_id": "text",
        "command_id": "text",
        "item": "integer",
        "fingerprint": "text",
        "created_at": "timestamptz",
        "reserve_seq": "bigint",
        "reserved_at": "timestamptz",
        "accepted_at": "timestamptz",
        "release_due": "boolean",
        "release_seq": "bigint",
        "refusal_code": "text",
        "refusal_detail": "text",
        "refusal_facts": "jsonb",
        "entry_seq": "bigint",
        "act_file_sha256": "text",
        "max_price_kopecks": "bigint",
        "limit_kopecks": "bigint",
        "limit_on": "date",
        "rule_book_version": "text",
        "funds_until_at": "timestamptz",
        "awaited_at": "timestamptz",
        "funds_look_at": "timestamptz",
        "reserve_asked": "boolean",
        "broker_id": "uuid",
        "mandate_id": "uuid",
        "mandate_kopecks": "bigint",
        "mandate_on": "date",
    },
)

_OF_COMMANDS: Final = """
    WHERE (actor_id, command_id) IN (
        SELECT * FROM unnest(CAST(:actors AS text[]), CAST(:commands AS text[]))
    ) ORDER BY actor_id, command_id, item
"""
_READ: Final = "WHERE order_id = ANY(CAST(:ids AS uuid[]))"
_LOCK: Final = "WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id FOR NO KEY UPDATE"
_VERSIONS: Final = text("SELECT order_id, version FROM subscription_order WHERE order_id = ANY(CAST(:ids AS uuid[]))")
_UNDECIDED: Final = "WHERE state = 'checked' AND created_at <= :before ORDER BY order_id LIMIT :limit"
_UNDECIDED_OF: Final = """
    WHERE issue_id = ANY(CAST(:ids AS uuid[])) AND (state = 'checked' OR (state = 'awaiting_funds' AND reserve_asked))
    ORDER BY order_id LIMIT :limit
"""
_RELEASE_DUE: Final = "WHERE release_due AND order_id > :after ORDER BY order_id LIMIT :limit"
_ACCEPTED: Final = """
    WHERE issue_id = ANY(CAST(:ids AS uuid[])) AND state = 'accepted' ORDER BY issue_id, reserve_seq
"""
_LIVE_OF: Final = text(
    """
    SELECT order_id, participant_id FROM subscription_order
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND state IN ('checked', 'awaiting_funds', 'accepted')
    ORDER BY order_id
    """
)
_ISSUES_UNDECIDED: Final = text(
    """
    SELECT DISTINCT issue_id FROM subscription_order
    WHERE issue_id = ANY(CAST(:ids AS uuid[])) AND (state = 'checked' OR (state = 'awaiting_funds' AND reserve_asked))
    """
)
_RELEASED: Final = text(
    """
    UPDATE subscription_order SET release_due = false, release_seq = r.seq
    FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[])) AS r(order_id, seq)
    WHERE subscription_order.order_id = r.order_id AND release_due
    """
)
_ADD_FILLS: Final = text(
    """
    INSERT INTO fill (order_id, issue_id, part, units, pay_kopecks, refund_kopecks)
    SELECT order_id, issue_id, part, units, pay_kopecks, refund_kopecks
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(order_id uuid, issue_id uuid, part integer, units bigint, pay_kopecks bigint, refund_kopecks bigint)
    """
)
# The sums before the change: RETURNING tells of the rows after it.
_EMPTY_FILLS: Final = text(
    """
    WITH given AS (
        SELECT order_id, units, pay_kopecks FROM fill WHERE order_id = ANY(CAST(:ids AS uuid[])) FOR UPDATE
    ), emptied AS (
        UPDATE fill SET units = 0, pay_kopecks = 0, refund_kopecks = fill.refund_kopecks + given.pay_kopecks
        FROM given WHERE fill.order_id = given.order_id
    )
    SELECT coalesce(sum(units), 0)::bigint AS units, coalesce(sum(pay_kopecks), 0)::bigint AS kopecks FROM given
    """
)
_UNSETTLED: Final = text(
    """
    SELECT EXISTS (
        SELECT FROM subscription_order WHERE issue_id = :issue_id AND state IN ('settling', 'refunding')
    )
    """
)
_EVER_ACCEPTED: Final = text(
    "SELECT EXISTS (SELECT FROM subscription_order WHERE issue_id = :issue_id AND accepted_at IS NOT NULL)"
)


class OrderTables:
    """Adapter of the port `Orders` on PostgreSQL."""

    async def of_commands(self, conn: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Order]:
        """The orders kept for (actor id, command id) pairs."""
        values = {"actors": [actor for actor, _ in keys], "commands": [command for _, command in keys]}
        return await ORDER_TABLE.select(conn, _OF_COMMANDS, values)

    async def add(self, conn: AsyncConnection, orders: Sequence[Order]) -> set[UUID]:
        """Insert orders; return the ids of those whose (actor, command, item) was not there."""
        return await ORDER_TABLE.insert(conn, orders)

    async def save(
        self, conn: AsyncConnection, orders: Sequence[Order], changed: Iterable[str], *, steps: int = 1
    ) -> None:
        """Write the fields that were changed by so many steps, each a version. Raises: StaleVersion."""
        await ORDER_TABLE.update(conn, orders, changed, steps=steps)

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id."""
        return {order.order_id: order for order in await ORDER_TABLE.select(conn, _READ, {"ids": list(ids)})}

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id, locked. The issue's row is locked before."""
        return {order.order_id: order for order in await ORDER_TABLE.select(conn, _LOCK, {"ids": sorted(ids)})}

    async def versions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, int]:
        """The present version of those that exist. Stands while the issue's row is locked."""
        rows = await conn.execute(_VERSIONS, {"ids": list(ids)})
        return dict(rows.tuples().all())  # the driver's UUIDs are equal to ours and hash alike

    async def undecided(self, conn: AsyncConnection, before: datetime, limit: int) -> list[Order]:
        """Orders whose reserve was perhaps asked for and not decided, older than `before`."""
        return await ORDER_TABLE.select(conn, _UNDECIDED, {"before": before, "limit": limit})

    async def undecided_of(self, conn: AsyncConnection, issue_ids: Iterable[UUID], limit: int) -> list[Order]:
        """The same for issues that close, whatever the age."""
        return await ORDER_TABLE.select(conn, _UNDECIDED_OF, {"ids": list(issue_ids), "limit": limit})

    async def issues_undecided(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have undecided orders."""
        result = await conn.execute(_ISSUES_UNDECIDED, {"ids": list(issue_ids)})
        return {plain(issue_id) for issue_id in result.scalars()}

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Order]:
        """Orders whose reserve has to go back, with ids above `after`."""
        return await ORDER_TABLE.select(conn, _RELEASE_DUE, {"after": after, "limit": limit})

    async def accepted(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> list[Order]:
        """Live orders of issues, by time priority. They stand while the issues' rows are locked."""
        return await ORDER_TABLE.select(conn, _ACCEPTED, {"ids": list(issue_ids)})

    async def live_of(self, conn: AsyncConnection, participant_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """Order and participant of each order that is under way or accepted."""
        rows = await conn.execute(_LIVE_OF, {"ids": list(participant_ids)})
        return [(plain(row.order_id), plain(row.participant_id)) for row in rows]

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> int:
        """Note the ledger entry with which each reserve went back."""
        values = {"ids": list(entries), "seqs": list(entries.values())}
        return changed_rows(await conn.execute(_RELEASED, values))

    async def add_fills(self, conn: AsyncConnection, fills: Sequence[Mapping[str, Any]]) -> None:
        """Keep what each order got."""
        if fills:
            await conn.execute(_ADD_FILLS, {"rows": msgspec.json.encode(fills).decode()})

    async def empty_fills(self, conn: AsyncConnection, order_ids: Iterable[UUID]) -> tuple[int, int]:
        """Note that nothing was delivered to these orders; returns the units and kopecks that they had."""
        row = (await conn.execute(_EMPTY_FILLS, {"ids": list(order_ids)})).one()
        return row.units, row.kopecks

    async def any_unsettled(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue still waits for its ledger entry."""
        return bool((await conn.execute(_UNSETTLED, {"issue_id": issue_id})).scalar_one())

    async def any_ever_accepted(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue was ever accepted, withdrawn since or not."""
        return bool((await conn.execute(_EVER_ACCEPTED, {"issue_id": issue_id})).scalar_one())
