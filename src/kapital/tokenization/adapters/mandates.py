"""Mandates of brokers as the registry told of them, and what of each day is used."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import as_plain, plain
from kapital.tokenization.domain.mandate import Mandate

_COLUMNS: Final = (
    "mandate_id, participant_id, broker_id, powers, order_limit_kopecks, day_limit_kopecks, valid_from, valid_until"
)
_BETWEEN: Final = """
    WHERE (broker_id, participant_id) IN (
        SELECT * FROM unnest(CAST(:brokers AS uuid[]), CAST(:principals AS uuid[]))
    ) AND valid_from <= :at AND valid_until > :at ORDER BY mandate_id
"""
_IN_FORCE: Final = text(f"SELECT {_COLUMNS} FROM mandate {_BETWEEN}")  # noqa: S608 - constants of this module
_READ: Final = text(f"SELECT {_COLUMNS} FROM mandate WHERE mandate_id = ANY(CAST(:ids AS uuid[]))")  # noqa: S608
_NOTE: Final = text(
    f"""
    INSERT INTO mandate ({_COLUMNS}, changed_at)
    SELECT mandate_id, participant_id, broker_id, ARRAY(SELECT jsonb_array_elements_text(powers)),
        order_limit_kopecks, day_limit_kopecks, valid_from, valid_until, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(mandate_id uuid, participant_id uuid, broker_id uuid,
        powers jsonb, order_limit_kopecks bigint, day_limit_kopecks bigint, valid_from timestamptz,
        valid_until timestamptz)
    ORDER BY mandate_id
    ON CONFLICT (mandate_id) DO UPDATE SET valid_until = excluded.valid_until, changed_at = excluded.changed_at
    """  # noqa: S608 - constants of this module; values are bound
)
# Read by another statement than that which locks the principals: its snapshot is taken after the wait.
_USED: Final = text(
    "SELECT mandate_id, kopecks FROM mandate_use WHERE mandate_id = ANY(CAST(:ids AS uuid[])) AND used_on = :on"
)
_ADD: Final = text(
    """
    INSERT INTO mandate_use AS u (mandate_id, used_on, kopecks)
    SELECT mandate_id, used_on, kopecks FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(mandate_id uuid, used_on date, kopecks bigint)
    ORDER BY mandate_id, used_on
    ON CONFLICT (mandate_id, used_on) DO UPDATE SET kopecks = u.kopecks + excluded.kopecks
    """
)


class MandateTables:
    """Adapter of the port `Mandates` on PostgreSQL."""

    async def note(self, conn: AsyncConnection, mandates: Sequence[Mandate], now: datetime) -> None:
        """Take in what the registry told; what it told last of one stands."""
        rows = list({one.mandate_id: one for one in mandates}.values())
        if rows:
            await conn.execute(_NOTE, {"rows": msgspec.json.encode(rows).decode(), "now": now})

    async def in_force(
        self, conn: AsyncConnection, pairs: Collection[tuple[UUID, UUID]], at: datetime
    ) -> dict[tuple[UUID, UUID], Mandate]:
        """By broker and principal, those in force at an instant."""
        if not pairs:
            return {}
        asked: dict[str, Any] = {
            "brokers": [broker for broker, _ in pairs],
            "principals": [principal for _, principal in pairs],
            "at": at,
        }
        found = [_mandate(row) for row in (await conn.execute(_IN_FORCE, asked)).mappings()]
        return {(one.broker_id, one.participant_id): one for one in found}

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Mandate]:
        """Those mandates, in force or not."""
        if not (wanted := list(set(ids))):
            return {}
        found = [_mandate(row) for row in (await conn.execute(_READ, {"ids": wanted})).mappings()]
        return {one.mandate_id: one for one in found}

    async def used(self, conn: AsyncConnection, ids: Iterable[UUID], on: date) -> dict[UUID, int]:
        """What orders count of a day's limit, by mandate; none is missing for nothing."""
        rows = await conn.execute(_USED, {"ids": list(ids), "on": on})
        return {plain(row.mandate_id): row.kopecks for row in rows}

    async def add(self, conn: AsyncConnection, changes: Mapping[tuple[UUID, date], int]) -> None:
        """Add to (or, below zero, take from) what is used of mandates on days."""
        rows = [
            {"mandate_id": mandate_id, "used_on": used_on, "kopecks": kopecks}
            for (mandate_id, used_on), kopecks in changes.items()
            if kopecks
        ]
        if rows:
            await conn.execute(_ADD, {"rows": msgspec.json.encode(rows).decode()})


def _mandate(row: RowMapping) -> Mandate:
    return msgspec.convert(as_plain(row), Mandate)
