"""Read model: whether a participant's identification holds; nothing of screening or grounds."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.dossier import IdentificationMethod, operation_limit
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.domain.renewal import renewal_asked
from kapital.kernel.actor import Actor
from kapital.platform import access

# The last case that was ever approved, and no row for a participant without any case.
_STATUS: Final = text(
    """
    SELECT a.state, a.valid_until, a.decided_at, i.category, i.method
    FROM (SELECT 1) q
    LEFT JOIN LATERAL (
        SELECT * FROM kyc_case
        WHERE participant_id = CAST(:id AS uuid) AND state IN ('approved', 'expired', 'superseded')
        ORDER BY number DESC LIMIT 1
    ) a ON true
    LEFT JOIN identification i ON i.case_id = a.case_id
    WHERE EXISTS (SELECT FROM kyc_case WHERE participant_id = CAST(:id AS uuid))
    """
)


async def get_kyc_status(
    conn: AsyncConnection, participant_id: UUID, *, actor: Actor, now: datetime
) -> contract.KycStatus:
    """The status at `now`: for the participant itself and for staff that the policies let.

    Raises: NotPermitted for other staff; KycCaseNotFound – also for another participant's.
    """
    access.require(actor, "get_kyc_status", access.Resource("KycCase", owner=participant_id), hidden=KycCaseNotFound)
    row = (await conn.execute(_STATUS, {"id": participant_id})).one_or_none()
    if row is None:
        raise KycCaseNotFound
    approved = row.state is not None
    method = None if row.method is None else IdentificationMethod(row.method)
    renewal = renewal_asked(row.valid_until, now=now) if row.state in ("approved", "expired") else None
    return contract.KycStatus(
        participant_id=participant_id,
        is_identified=approved,
        # By the clock, not by the state: the approval ends at its instant, whenever the scheduler notes it.
        is_valid=row.state == "approved" and now < row.valid_until,
        category=contract.InvestorCategory(row.category) if approved else None,
        valid_until=row.valid_until if approved else None,
        limit_kopecks=operation_limit(method, on=day_of(row.decided_at)) if approved else None,
        renewal=None if renewal is None else contract.RenewalRequest(**renewal._asdict()),
    )
