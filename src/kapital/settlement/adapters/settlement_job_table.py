"""Table settlement_job."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.instructions import AllocationDecided
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
    INSERT INTO settlement_job (kind, subject_id, part, content_sha256, state, lines, attempts, changed_at, waiting)
    VALUES (:kind, :subject, :part, :content, :state, :lines, :attempts, :now, CAST(:waiting AS jsonb))
    ON CONFLICT (kind, subject_id, part) DO UPDATE
    SET content_sha256 = excluded.content_sha256, state = excluded.state, lines = excluded.lines,
        attempts = excluded.attempts, changed_at = excluded.changed_at, waiting = excluded.waiting
    WHERE settlement_job.state <> 'settled'
    """
)

_WAITED_FOR: Final = text(
    """
    SELECT CAST(waiting ->> 'issuer_wallet_id' AS uuid) AS wallet_id, count(*) AS jobs
    FROM settlement_job WHERE waiting IS NOT NULL GROUP BY 1
    """
)
_WAITING: Final = text(
    """
    SELECT CAST(waiting AS text) AS told FROM settlement_job
    WHERE waiting IS NOT NULL AND waiting ->> 'issuer_wallet_id' = CAST(:wallet AS text)
    ORDER BY subject_id, part LIMIT :limit
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
            "waiting": None if job.waiting is None else msgspec.json.encode(job.waiting).decode(),
        }
        return (await conn.execute(_SAVE, {**values, "now": now})).rowcount == 1

    async def issuers_waited_for(self, conn: AsyncConnection) -> dict[UUID, int]:
        """The wallets for which allocations wait, and how many do."""
        return {UUID(str(row.wallet_id)): row.jobs for row in await conn.execute(_WAITED_FOR)}

    async def waiting(self, conn: AsyncConnection, issuer_wallet_id: UUID, limit: int) -> list[AllocationDecided]:
        """Allocations that wait for this wallet, in order."""
        rows = await conn.execute(_WAITING, {"wallet": str(issuer_wallet_id), "limit": limit})
        return [msgspec.json.decode(row.told, type=AllocationDecided) for row in rows]
