"""The table of full rescreenings."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.screening_run import ComparedList, ScreeningRun
from kapital.kernel.problems import ensure

_OPEN: Final = text("SELECT * FROM screening_run WHERE finished_at IS NULL FOR UPDATE SKIP LOCKED")
# A client's first comparison is that of its recording.
_LAST_BEGAN: Final = text(
    """
    SELECT COALESCE((SELECT max(started_at) FROM screening_run), (SELECT min(recorded_at) FROM screening_client))
    """
)
_BEGIN: Final = text(
    """
    INSERT INTO screening_run (run_id, started_at, after_client, clients, new_hits, lists)
    VALUES (:run_id, :started_at, :after_client, 0, 0, '[]') ON CONFLICT DO NOTHING
    """
)
_SAVE: Final = text(
    """
    UPDATE screening_run SET after_client = :after_client, clients = :clients, new_hits = :new_hits,
        lists = CAST(:lists AS jsonb), finished_at = :finished_at
    WHERE run_id = :run_id
    """
)


class RunTable:
    """RunStore on PostgreSQL."""

    async def lock_open(self, conn: AsyncConnection) -> ScreeningRun | None:
        """The run that goes on, locked; None when there is none or somebody else is at it."""
        row = (await conn.execute(_OPEN)).one_or_none()
        return None if row is None else run_of(row)

    async def last_began_at(self, conn: AsyncConnection) -> datetime | None:
        """When the last run began; before the first, when the first client was recorded; None without clients."""
        began: datetime | None = (await conn.execute(_LAST_BEGAN)).scalar_one()
        return began

    async def begin(self, conn: AsyncConnection, run: ScreeningRun) -> bool:
        """Enter a run, unless one goes on."""
        values = {"run_id": run.run_id, "started_at": run.started_at, "after_client": run.after_client}
        return bool((await conn.execute(_BEGIN, values)).rowcount)

    async def save(self, conn: AsyncConnection, run: ScreeningRun) -> None:
        """Write the progress of a locked run."""
        values = {
            "run_id": run.run_id,
            "after_client": run.after_client,
            "clients": run.clients,
            "new_hits": run.new_hits,
            "lists": msgspec.json.encode(sorted(run.lists)).decode(),
            "finished_at": run.finished_at,
        }
        ensure((await conn.execute(_SAVE, values)).rowcount == 1, "a locked run has gone")


def run_of(row: Any) -> ScreeningRun:
    """The run in a row of the table."""
    lists = row.lists if isinstance(row.lists, list) else msgspec.json.decode(row.lists)
    return ScreeningRun(
        run_id=UUID(str(row.run_id)),
        started_at=row.started_at,
        after_client=UUID(str(row.after_client)),
        clients=row.clients,
        new_hits=row.new_hits,
        lists=frozenset(msgspec.convert(lists, list[ComparedList])),
        finished_at=row.finished_at,
    )
