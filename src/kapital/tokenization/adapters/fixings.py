"""Recorded outside values: of a source, of an event, and what stands in for a missing one."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import VersionedTable, plain
from kapital.tokenization.domain.fixing import Fixing, FixingKind

FIXING_TABLE: Final = VersionedTable(
    Fixing,
    "fixing",
    "fixing_id",
    {
        "fixing_id": "uuid",
        "kind": "text",
        "series": "text",
        "observed_on": "date",
        "issue_id": "uuid",
        "value": "text",
        "state": "text",
        "version": "bigint",
        "evidence": "text",
        "document_sha256": "text",
        "recorded_by": "text",
        "recorded_at": "timestamptz",
        "decided_by": "text",
        "decided_at": "timestamptz",
        "contest_until_at": "timestamptz",
        "contested_by": "text",
        "contested_at": "timestamptz",
        "contest_reason": "text",
        "contest_document_sha256": "text",
        "verdict": "text",
        "verdict_by": "text",
        "taken_series": "text",
        "taken_from_on": "date",
        "reason": "text",
    },
)
_SAME: Final = """
    WHERE state <> 'rejected' AND kind = :kind
      AND (series = CAST(:series AS text) AND observed_on = CAST(:on AS date)
            AND (CAST(:issue_id AS uuid) IS NULL OR issue_id = CAST(:issue_id AS uuid))
        OR CAST(:series AS text) IS NULL AND issue_id = CAST(:issue_id AS uuid))
"""
_OF_DAYS: Final = """
    WHERE kind = 'fixing' AND state <> 'rejected' AND (series, observed_on) IN (
        SELECT * FROM unnest(CAST(:series AS text[]), CAST(:days AS date[])))
    ORDER BY series, observed_on
"""
_PAGE: Final = """
    WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:after AS uuid) IS NULL OR fixing_id > :after)
    ORDER BY fixing_id LIMIT :limit
"""
_VALUES: Final = text(
    """
    SELECT f.series, f.observed_on, f.value FROM fixing f
    JOIN unnest(CAST(:series AS text[]), CAST(:days AS date[])) AS n(series, observed_on)
        ON f.series = n.series AND f.observed_on = n.observed_on
    WHERE f.kind = 'fixing' AND f.state = 'confirmed'
    """
)
_SUBSTITUTES: Final = text(
    """
    SELECT issue_id, series, observed_on, value FROM fixing
    WHERE kind = 'substitute' AND state = 'confirmed' AND issue_id = ANY(CAST(:ids AS uuid[]))
    """
)
_OUTCOMES: Final = text(
    """
    SELECT issue_id, value FROM fixing
    WHERE kind = 'outcome' AND state = 'confirmed' AND issue_id = ANY(CAST(:ids AS uuid[]))
    """
)


class FixingTables:
    """Adapter of the port `Fixings` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, fixing: Fixing) -> bool:
        """Keep a recorded value; False if one waits or counts already."""
        return bool(await FIXING_TABLE.insert(conn, [fixing]))

    async def add_all(self, conn: AsyncConnection, fixings: Sequence[Fixing]) -> bool:
        """Keep recorded values; False, and then the caller undoes it, if one waits or counts already."""
        return len(await FIXING_TABLE.insert(conn, fixings)) == len(fixings)

    async def find_same(self, conn: AsyncConnection, fixing: Fixing) -> Fixing | None:
        """What waits or counts for the same series and day (of the same issue), or the same issue's event."""
        values = {
            "kind": fixing.kind.value,
            "series": fixing.series,
            "on": fixing.observed_on,
            "issue_id": fixing.issue_id,
        }
        rows = await FIXING_TABLE.select(conn, _SAME, values)
        return rows[0] if rows else None

    async def lock(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value, locked."""
        rows = await FIXING_TABLE.select(conn, "WHERE fixing_id = :id FOR NO KEY UPDATE", {"id": fixing_id})
        return rows[0] if rows else None

    async def save(self, conn: AsyncConnection, fixing: Fixing) -> None:
        """Write the next version. Raises: StaleVersion."""
        await FIXING_TABLE.update(conn, [fixing])

    async def read(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value as it stands."""
        rows = await FIXING_TABLE.select(conn, "WHERE fixing_id = :id", {"id": fixing_id})
        return rows[0] if rows else None

    async def undisputed(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Fixing]:
        """Outcomes whose term to contest is over, locked."""
        tail = """WHERE state = 'disputable' AND contest_until_at <= :now
            ORDER BY fixing_id LIMIT :limit FOR NO KEY UPDATE"""
        return await FIXING_TABLE.select(conn, tail, {"now": now, "limit": limit})

    async def page(self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int) -> list[Fixing]:
        """Values by id above `after`, in one state if it is given."""
        return await FIXING_TABLE.select(conn, _PAGE, {"state": state, "after": after, "limit": limit})

    async def confirmed(
        self, conn: AsyncConnection, needed: Iterable[tuple[str, date]]
    ) -> dict[tuple[str, date], Decimal]:
        """The confirmed values among those needed."""
        wanted = sorted(set(needed))
        values = {"series": [series for series, _ in wanted], "days": [on for _, on in wanted]}
        rows = await conn.execute(_VALUES, values)
        return {(row.series, row.observed_on): Decimal(row.value) for row in rows}

    async def published(self, conn: AsyncConnection, series: str, observed_on: date) -> Fixing | None:
        """The source's value of the day for all issues that waits or counts."""
        values = {"kind": FixingKind.FIXING.value, "series": series, "on": observed_on, "issue_id": None}
        rows = await FIXING_TABLE.select(conn, _SAME, values)
        return rows[0] if rows else None

    async def published_of(self, conn: AsyncConnection, keys: Iterable[tuple[str, date]]) -> list[Fixing]:
        """The sources' values of these days that wait or count."""
        wanted = sorted(set(keys))
        values = {"series": [series for series, _ in wanted], "days": [on for _, on in wanted]}
        return await FIXING_TABLE.select(conn, _OF_DAYS, values)

    async def substitutes(
        self, conn: AsyncConnection, issue_ids: Iterable[UUID]
    ) -> dict[UUID, dict[tuple[str, date], Decimal]]:
        """What stands in for missing values of these issues, confirmed, by issue."""
        found: dict[UUID, dict[tuple[str, date], Decimal]] = {}
        if not (wanted := list(issue_ids)):
            return found
        for row in await conn.execute(_SUBSTITUTES, {"ids": wanted}):
            found.setdefault(plain(row.issue_id), {})[row.series, row.observed_on] = Decimal(row.value)
        return found

    async def outcomes(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The confirmed outcomes of issues that depend on an event."""
        if not (wanted := list(issue_ids)):
            return {}
        rows = await conn.execute(_OUTCOMES, {"ids": wanted})
        return {plain(row.issue_id): row.value for row in rows}
