"""The table `participant_status`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.row_versions import row_version
from kapital.registry.domain.status import Status, status_of

COLUMNS: Final = """
    status_id, participant_id, status, source, state, basis_reference, asked_from, valid_from, valid_until,
    recognised_by, evidence_sha256, proposed_by, proposed_at, decided_by, held_at, ended_by, ended_at, "end",
    end_reference
"""
_RECORDS: Final = """
    jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(status_id uuid, participant_id uuid, status text, source text,
        state text, basis_reference text, asked_from timestamptz, valid_from timestamptz, valid_until timestamptz,
        recognised_by text, evidence_sha256 text, proposed_by text, proposed_at timestamptz, decided_by text,
        held_at timestamptz, ended_by text, ended_at timestamptz, "end" text, end_reference text)
"""
_PROPOSE: Final = text(
    f"""
    INSERT INTO participant_status ({COLUMNS}) SELECT {COLUMNS} FROM {_RECORDS}
    ON CONFLICT (participant_id, status) WHERE state = 'proposed' DO NOTHING
    """  # noqa: S608 - constants of this module; values are bound
)
# Ends before what takes their place: the index that admits one held status of a kind is checked row by row.
_SAVE: Final = text(
    f"""
    INSERT INTO participant_status AS s ({COLUMNS}) SELECT {COLUMNS} FROM {_RECORDS} ORDER BY state = 'held'
    ON CONFLICT (status_id) DO UPDATE SET state = excluded.state, valid_from = excluded.valid_from,
        decided_by = excluded.decided_by, held_at = excluded.held_at, ended_by = excluded.ended_by,
        ended_at = excluded.ended_at, "end" = excluded."end", end_reference = excluded.end_reference
    """  # noqa: S608 - constants of this module; values are bound
)
_FIND: Final = text(f"SELECT {COLUMNS} FROM participant_status WHERE status_id = :id")  # noqa: S608
_HELD: Final = text(
    f"""
    SELECT {COLUMNS} FROM participant_status
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND state = 'held' ORDER BY participant_id, status
    """  # noqa: S608 - constants of this module; values are bound
)
_DUE: Final = text(
    """
    SELECT participant_id FROM participant_status WHERE state = 'held' AND valid_until <= :now
    GROUP BY participant_id ORDER BY min(valid_until), participant_id LIMIT :limit
    """
)


class StatusTable:
    """StatusStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, status_id: UUID) -> int:
        """The version of the status; 0 without one."""
        return await row_version(conn, "participant_status", "status_id", status_id)

    async def propose(self, conn: AsyncConnection, status: Status) -> bool:
        """Enter a proposal; False when one for the same status waits already."""
        return (await conn.execute(_PROPOSE, {"rows": _rows([status])})).rowcount == 1

    async def save(self, conn: AsyncConnection, statuses: Sequence[Status]) -> None:
        """Enter new statuses and write what became of old ones; their participants are locked."""
        if statuses:
            await conn.execute(_SAVE, {"rows": _rows(statuses)})

    async def find(self, conn: AsyncConnection, status_id: UUID) -> Status | None:
        """Read one; decided on only while its participant is locked."""
        row = (await conn.execute(_FIND, {"id": status_id})).one_or_none()
        return None if row is None else status_of(row)

    async def held_by(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, list[Status]]:
        """What each of these participants holds; every id has a list."""
        held: dict[UUID, list[Status]] = {participant_id: [] for participant_id in participant_ids}
        for row in await conn.execute(_HELD, {"ids": list(held)}):
            status = status_of(row)
            held[status.participant_id].append(status)
        return held

    async def due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[UUID]:
        """Participants of whom a held status has come to its end."""
        return [UUID(str(row.participant_id)) for row in await conn.execute(_DUE, {"now": now, "limit": limit})]


def _rows(statuses: Sequence[Status]) -> str:
    named = [msgspec.to_builtins(status) for status in statuses]
    return msgspec.json.encode([one | {"status": one["name"]} for one in named]).decode()
