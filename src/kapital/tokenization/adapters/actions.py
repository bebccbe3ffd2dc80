"""Corporate actions and their payout lines."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable, as_plain, plain
from kapital.tokenization.domain.corporate_action import CorporateAction, OpenPart
from kapital.tokenization.domain.payoff import PayoutLine
from kapital.tokenization.domain.states import ActionState

ACTION_TABLE: Final = VersionedTable(
    CorporateAction,
    "corporate_action",
    "action_id",
    {
        "action_id": "uuid",
        "issue_id": "uuid",
        "number": "integer",
        "kind": "text",
        "nominal_on": "date",
        "pay_on": "date",
        "pay_by_on": "date",
        "record_at": "timestamptz",
        "fixing_at": "timestamptz",
        "pay_at": "timestamptz",
        "overdue_at": "timestamptz",
        "grace_until_at": "timestamptz",
        "needs": "jsonb",
        "needs_outcome": "boolean",
        "state": "text",
        "version": "bigint",
        "explanation": "text",
        "record_size": "bigint",
        "holders": "bigint",
        "total_kopecks": "bigint",
        "paid_kopecks": "bigint",
        "parts": "integer",
        "early": "jsonb",
        "reserved_kopecks": "bigint",
        "arrears": "jsonb",
        "rest_of": "uuid",
        "share_kopecks": "bigint",
        "late_on": "date",
        "late_kopecks": "bigint",
        "calendar_sha256": "text",
    },
)

# A cancelled or defaulted issue pays nothing by itself; what is set aside is paid and what is paid is closed whatever
# became of the issue.
_LIVE: Final = """(state IN ('funded', 'paid') OR issue_id IN (
    SELECT issue_id FROM issue WHERE state IN ('circulating', 'redeeming', 'technical_default')))"""
_DUE: Final = {
    column: f"""
        WHERE state = ANY(CAST(:states AS text[])) AND {column} <= :now AND {_LIVE}
        ORDER BY pay_on, issue_id, number LIMIT :limit
    """
    for column in ("fixing_at", "record_at", "pay_at", "overdue_at", "grace_until_at")
}

_PLANNED_OTHERWISE: Final = text(
    """
    SELECT DISTINCT issue_id FROM corporate_action
    WHERE state IN ('scheduled', 'fixing') AND calendar_sha256 IS DISTINCT FROM :calendar AND issue_id > :after
        AND issue_id IN (SELECT issue_id FROM issue WHERE state IN ('circulating', 'redeeming', 'technical_default'))
    ORDER BY issue_id LIMIT :limit
    """
)
_ADD_PARTS: Final = text(
    """
    INSERT INTO payout_part (action_id, part, state, amount_kopecks)
    SELECT :action_id, part, 'waiting', amount
    FROM unnest(CAST(:parts AS integer[]), CAST(:amounts AS bigint[])) AS p(part, amount)
    """
)
_ADD_LINES: Final = text(
    """
    INSERT INTO payout_line
        (action_id, part, line, wallet_id, position, units, amount_kopecks, extinguish_units)
    SELECT :action_id, r.*
    FROM unnest(CAST(:parts AS integer[]), CAST(:lines AS integer[]), CAST(:wallets AS uuid[]),
        CAST(:positions AS text[]), CAST(:units AS bigint[]), CAST(:amounts AS bigint[]),
        CAST(:extinguished AS bigint[])) AS r
    """
)
_OPEN_PARTS: Final = text(
    """
    SELECT action_id, part, amount_kopecks FROM payout_part
    WHERE action_id = ANY(CAST(:ids AS uuid[])) AND state IN ('waiting', 'refused') ORDER BY action_id, part
    LIMIT :limit
    """
)
_IDLE_RESERVES: Final = f"""
    WHERE reserved_kopecks > 0
        AND state IN ('cancelled', 'defaulted', 'funding_called', 'underfunded', 'grace')
        AND (state IN ('cancelled', 'defaulted')
            OR state IN ('funding_called', 'underfunded', 'grace') AND NOT {_LIVE})
        AND NOT EXISTS (SELECT FROM payout_part AS p
            WHERE p.action_id = corporate_action.action_id AND p.state = 'instructed')
    ORDER BY action_id LIMIT :limit
"""
_LINES: Final = text(
    """
    SELECT action_id, part, wallet_id, position, units, amount_kopecks, extinguish_units FROM payout_line
    WHERE (action_id, part) IN (SELECT * FROM unnest(CAST(:actions AS uuid[]), CAST(:parts AS integer[])))
    ORDER BY action_id, part, line
    """
)
_SET_PARTS: Final = text(
    """
    UPDATE payout_part SET state = :state
    FROM unnest(CAST(:actions AS uuid[]), CAST(:parts AS integer[])) AS p(action_id, part)
    WHERE payout_part.action_id = p.action_id AND payout_part.part = p.part AND state <> 'settled'
    RETURNING payout_part.action_id, payout_part.part, amount_kopecks
    """
)
_COUNT_PARTS: Final = text("SELECT count(*) FROM payout_part WHERE action_id = :action_id AND state = :state")
_UNSETTLED_PART: Final = text(
    "SELECT EXISTS (SELECT FROM payout_part WHERE action_id = :action_id AND state <> 'settled')"
)


class ActionTables:
    """Adapter of the port `Actions` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> set[UUID]:
        """Keep planned actions; those that are kept already stay as they are."""
        return await ACTION_TABLE.insert(conn, actions)

    async def save(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        await ACTION_TABLE.update(conn, actions)

    async def due(
        self, conn: AsyncConnection, states: Sequence[ActionState], by: str, now: datetime, limit: int
    ) -> list[CorporateAction]:
        """Actions of live issues in one of the states whose instant `by` has come, in order of payment."""
        values = {"states": [state.value for state in states], "now": now, "limit": limit}
        return await ACTION_TABLE.select(conn, _DUE[by], values)

    async def idle_reserves(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Actions that will not be paid any more and whose money is set aside, or may be; no part is under way."""
        return await ACTION_TABLE.select(conn, _IDLE_RESERVES, {"limit": limit})

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions by id, locked. The issue's row is locked before."""
        tail = "WHERE action_id = ANY(CAST(:ids AS uuid[])) ORDER BY action_id FOR NO KEY UPDATE"
        return {row.action_id: row for row in await ACTION_TABLE.select(conn, tail, {"ids": sorted(ids)})}

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions that exist, by id."""
        rows = await ACTION_TABLE.select(conn, "WHERE action_id = ANY(CAST(:ids AS uuid[]))", {"ids": list(ids)})
        return {row.action_id: row for row in rows}

    async def of_issue(self, conn: AsyncConnection, issue_id: UUID) -> list[CorporateAction]:
        """Every action of an issue in order of payment."""
        return await ACTION_TABLE.select(
            conn, "WHERE issue_id = :issue_id ORDER BY pay_on, number", {"issue_id": issue_id}
        )

    async def planned_otherwise(
        self, conn: AsyncConnection, calendar_sha256: str, *, after: UUID, limit: int
    ) -> list[UUID]:
        """Live issues above `after` with actions not calculated yet that another calendar planned."""
        values = {"calendar": calendar_sha256, "after": after, "limit": limit}
        return [plain(row.issue_id) for row in await conn.execute(_PLANNED_OTHERWISE, values)]

    async def add_lines(
        self, conn: AsyncConnection, action_id: UUID, parts: Sequence[Sequence[PayoutLine]], *, first: int = 1
    ) -> None:
        """Keep lines of an action, cut into parts with numbers from `first` on."""
        if not parts:
            return
        amounts = [sum(line.amount_kopecks for line in part) for part in parts]
        numbers = list(range(first, first + len(parts)))
        await conn.execute(_ADD_PARTS, {"action_id": action_id, "parts": numbers, "amounts": amounts})
        rows = [
            (number, index, line)
            for number, part in zip(numbers, parts, strict=True)
            for index, line in enumerate(part, start=1)
        ]
        await conn.execute(
            _ADD_LINES,
            {
                "action_id": action_id,
                "parts": [number for number, _, _ in rows],
                "lines": [index for _, index, _ in rows],
                "wallets": [line.wallet_id for _, _, line in rows],
                "positions": [line.position for _, _, line in rows],
                "units": [line.units for _, _, line in rows],
                "amounts": [line.amount_kopecks for _, _, line in rows],
                "extinguished": [line.extinguish_units for _, _, line in rows],
            },
        )

    async def open_parts(
        self, conn: AsyncConnection, ids: Iterable[UUID], *, limit: int | None = None
    ) -> list[OpenPart]:
        """The parts not yet instructed or refused, in order; the first `limit` of them."""
        rows = (await conn.execute(_OPEN_PARTS, {"ids": list(ids), "limit": limit})).mappings()
        return [msgspec.convert(as_plain(row), OpenPart) for row in rows]

    async def lines(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]]
    ) -> dict[tuple[UUID, int], list[PayoutLine]]:
        """The lines of parts, in order."""
        found: dict[tuple[UUID, int], list[PayoutLine]] = {key: [] for key in parts}
        for action_id, part, wallet, position, units, amount, extinguished in await conn.execute(
            _LINES, _columns(parts)
        ):
            found[plain(action_id), part].append(
                PayoutLine(
                    wallet_id=plain(wallet),
                    position=position,
                    units=units,
                    amount_kopecks=amount,
                    extinguish_units=extinguished,
                )
            )
        return found

    async def set_parts(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]], state: str
    ) -> dict[tuple[UUID, int], int]:
        """Note how parts stand; a settled part stays settled. Returns the amounts of those that changed."""
        rows = await conn.execute(_SET_PARTS, _columns(parts) | {"state": state})
        return {(plain(row.action_id), row.part): row.amount_kopecks for row in rows}

    async def count_parts(self, conn: AsyncConnection, action_id: UUID, state: str) -> int:
        """How many parts of the action stand so."""
        return int((await conn.execute(_COUNT_PARTS, {"action_id": action_id, "state": state})).scalar_one())

    async def any_part_unsettled(self, conn: AsyncConnection, action_id: UUID) -> bool:
        """Whether a part of the action is not paid yet."""
        return bool((await conn.execute(_UNSETTLED_PART, {"action_id": action_id})).scalar_one())


def _columns(parts: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    return {"actions": [action_id for action_id, _ in parts], "parts": [part for _, part in parts]}
