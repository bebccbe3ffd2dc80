"""The yearly limit as it is used: sums by person and day, kept beside the orders they come from."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import plain

# The lock is on the row of the investor, which everybody has who may buy; the sums are read by another statement,
# whose snapshot is taken after the lock: one statement would see the sums of before it waited.
_LOCK: Final = text(
    """
    SELECT participant_id FROM investor WHERE participant_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY participant_id FOR NO KEY UPDATE
    """
)
_READ: Final = text(
    """
    SELECT participant_id, used_on, kopecks FROM retail_use
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND used_on >= :since
    """
)
# Rows of one statement are distinct and written in one order, so that two transactions never wait for each other.
_ADD: Final = text(
    """
    INSERT INTO retail_use AS u (participant_id, used_on, kopecks)
    SELECT participant_id, used_on, kopecks FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(participant_id uuid, used_on date, kopecks bigint)
    ORDER BY participant_id, used_on
    ON CONFLICT (participant_id, used_on) DO UPDATE SET kopecks = u.kopecks + excluded.kopecks
    """
)


class RetailUseTable:
    """Adapter of the port `RetailUse` on PostgreSQL."""

    async def lock(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on; nobody else takes of theirs until the transaction ends."""
        ids = sorted(set(participant_ids))
        await conn.execute(_LOCK, {"ids": ids})
        return await self.read(conn, ids, since)

    async def read(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on, as it stands now."""
        ids = sorted(set(participant_ids))
        used: dict[UUID, dict[date, int]] = {}
        for row in await conn.execute(_READ, {"ids": ids, "since": since}):
            used.setdefault(plain(row.participant_id), {})[row.used_on] = row.kopecks
        return used

    async def add(self, conn: AsyncConnection, changes: Mapping[tuple[UUID, date], int]) -> None:
        """Add to (or, below zero, take from) what persons have used on days."""
        rows = [
            {"participant_id": participant_id, "used_on": used_on, "kopecks": kopecks}
            for (participant_id, used_on), kopecks in changes.items()
            if kopecks
        ]
        if rows:
            await conn.execute(_ADD, {"rows": msgspec.json.encode(rows).decode()})
