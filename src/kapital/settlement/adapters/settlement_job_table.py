"""Table settlement_job."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports import SettlementJob

_FIND: Final = text(
    """
    SELECT kind, subject_id, part, content_sha256, state, lines, attempts FROM settlement_job
    WHERE kind = :kind AND subject_id = :subject AND part = :part FOR UPDATE
    """
)
# Settled is settled: the condition makes an overwriting save fail to change a row, which is then reported.
_SAVE: Final = text(
    """
    INSERT INTO settlement_job (kind, subject_id, part, content_sha256, state, lines, attempts, changed_at)
    VALUES (:kind, :subject, :part, :content, :state, :lines, :attempts, :now)
    ON CONFLICT (kind, subject_id, part) DO UPDATE
    SET content_sha256 = excluded.content_sha256, state = excluded.state, lines = excluded.lines,
        attempts = excluded.attempts, changed_at = excluded.changed_at
    WHERE settlement_job.state <> 'settled'
    """
)


class SettlementJobTable:
    """Implements `ports.SettlementJobs`."""

    async def find(self, conn: AsyncConnection, kind: str, subject_id: UUID, part: int) -> SettlementJob | None:
        """The job of this part, locked until the commit."""
        found = await conn.execute(_FIND, {"kind": kind, "subject": subject_id, "part": part})
        row = found.one_or_none()
        if row is None:
            return None
        return SettlementJob(
            kind=row.kind,
            subject_id=UUID(str(row.subject_id)),
            part=row.part,
            content_sha256=row.content_sha256,
            state=DvpState(row.state),
            lines=row.lines,
            attempts=row.attempts,
        )

    async def save(self, conn: AsyncConnection, job: SettlementJob, now: datetime) -> bool:
        """Keep a job, new or changed; False when it was settled by another in the meantime."""
        values = {
            "kind": job.kind,
            "subject": job.subject_id,
            "part": job.part,
            "content": job.content_sha256,
            "state": job.state.value,
            "lines": job.lines,
            "attempts": job.attempts,
        }
        return (await conn.execute(_SAVE, {**values, "now": now})).rowcount == 1
