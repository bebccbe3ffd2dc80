"""Read model: cases, for staff."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.states import CaseState
from kapital.kernel.actor import Actor
from kapital.platform import access

_PAGE: Final = text(
    """
    SELECT c.case_id, c.participant_id, c.number, c.version, c.state, c.opened_at, c.decided_by, c.decided_at,
        c.valid_until, i.document_kind, i.document_sha256, i.category,
        i.category_evidence_reference, i.screening_list_version, i.screening_result, i.identified_by, i.identified_at,
        i.identification_sha256
    FROM kyc_case c LEFT JOIN identification i USING (case_id)
    WHERE c.case_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        AND (CAST(:state AS text) IS NULL OR c.state = CAST(:state AS text))
    ORDER BY c.case_id LIMIT :limit
    """
)


async def list_kyc_cases(
    conn: AsyncConnection,
    *,
    actor: Actor,
    state: CaseState | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.KycCasePage:
    """A page in the order of ids. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_kyc_cases")
    rows = (await conn.execute(_PAGE, {"after": after, "state": state, "limit": limit + 1})).all()
    shown = rows[:limit]
    return contract.KycCasePage(
        cases=[_case(row) for row in shown],
        next_after=UUID(str(shown[-1].case_id)) if len(rows) > limit else None,
    )


def _case(row: Any) -> contract.KycCase:
    identification = None
    if row.identified_by is not None:
        identification = contract.Identification(
            document_kind=contract.DocumentKind(row.document_kind),
            document_sha256=row.document_sha256,
            category=contract.InvestorCategory(row.category),
            category_evidence_reference=row.category_evidence_reference,
            screening_list_version=row.screening_list_version,
            screening_result=contract.ScreeningResult(row.screening_result),
            identified_by=row.identified_by,
            identified_at=row.identified_at,
            identification_sha256=row.identification_sha256,
        )
    return contract.KycCase(
        case_id=UUID(str(row.case_id)),
        participant_id=UUID(str(row.participant_id)),
        number=row.number,
        version=row.version,
        state=contract.CaseState(row.state),
        opened_at=row.opened_at,
        identification=identification,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        valid_until=row.valid_until,
    )
