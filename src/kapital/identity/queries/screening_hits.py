"""Read model: hits, for the AML officer."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.screening_texts import officer_message
from kapital.identity.domain.states import HitState
from kapital.identity.ports import HitRows
from kapital.kernel.actor import Actor
from kapital.platform import access

_PAGE: Final = text(
    """
    SELECT h.*, p.participant_id AS party_of
    FROM screening_hit h LEFT JOIN kyc_party p ON p.party_id = h.participant_id
    WHERE hit_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))
    ORDER BY hit_id LIMIT :limit
    """
)
_OVERDUE: Final = text(
    "SELECT count(*) FROM screening_hit WHERE state = 'suspected' AND decide_by <= CAST(:now AS timestamptz)"
)


async def list_screening_hits(
    conn: AsyncConnection,
    *,
    actor: Actor,
    hit_of: HitRows,
    now: datetime,
    state: HitState | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.ScreeningHitPage:
    """A page in the order of ids. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_screening_hits")
    rows = (await conn.execute(_PAGE, {"after": after, "state": state, "limit": limit + 1})).all()
    shown = [hit_of(row) for row in rows[:limit]]
    return contract.ScreeningHitPage(
        hits=[_told(hit, row.party_of, now=now) for hit, row in zip(shown, rows, strict=False)],
        next_after=shown[-1].hit_id if len(rows) > limit else None,
    )


async def count_overdue_hits(conn: AsyncConnection, *, now: datetime) -> int:
    """How many hits wait for a decision whose term has passed."""
    return int((await conn.execute(_OVERDUE, {"now": now})).scalar_one())


def _told(hit: ScreeningHit, party_of: UUID | None, *, now: datetime) -> contract.ScreeningHit:
    return contract.ScreeningHit(
        hit_id=hit.hit_id,
        hit_sha256=hit.sha256,
        participant_id=hit.participant_id,
        source=contract.ListSource(hit.source.value),
        list_number=hit.list_number,
        entry_uid=hit.entry_uid,
        purpose=contract.ListPurpose(hit.purpose.value),
        grade=contract.HitGrade(hit.grade.value),
        score_ppm=hit.score_ppm,
        reasons=list(hit.reasons),
        state=contract.HitState(hit.state.value),
        raised_at=hit.raised_at,
        decide_by=hit.decide_by,
        is_overdue=hit.is_overdue(now),
        proposed_by=hit.proposed_by,
        proposal_reason=hit.proposal_reason,
        decided_by=hit.decided_by,
        decided_at=hit.decided_at,
        officer_message=officer_message(hit),
        party_of=None if party_of is None else UUID(str(party_of)),
    )
