"""The tables `kyc_case` and `identification`: one statement per batch, never per row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.kyc_case import (
    DocumentKind,
    Identification,
    InvestorCategory,
    KycCase,
    ScreeningResult,
)
from kapital.identity.domain.states import CaseState
from kapital.kernel.problems import ensure

_OPEN: Final = text(
    """
    INSERT INTO kyc_case (case_id, participant_id, number, state, opened_at)
    SELECT id, participant, number, 'opened', opened
    FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:numbers AS integer[]),
                CAST(:opened AS timestamptz[])) AS c (id, participant, number, opened)
    ORDER BY participant
    ON CONFLICT (participant_id, number) DO NOTHING RETURNING case_id
    """
)
CASE_COLUMNS: Final = """
    c.case_id, c.participant_id, c.number, c.state, c.opened_at, c.decided_by, c.decided_at, c.decision_basis,
    c.valid_until, i.document_kind, i.document_sha256, i.category, i.category_evidence_reference,
    i.screening_list_version, i.screening_result, i.identified_by, i.identified_at
"""
# The first case of a participant stands for all of them: who holds its row holds the participant's cases.
# Locking the latest would not do: while waiting for it, another transaction may add a later one.
_LOCK_FIRST: Final = text(
    """
    SELECT participant_id FROM kyc_case
    WHERE number = 1 AND participant_id = ANY(CAST(:participants AS uuid[]))
    ORDER BY participant_id FOR UPDATE
    """
)
_LATEST: Final = text(
    f"""
    SELECT DISTINCT ON (c.participant_id) {CASE_COLUMNS}
    FROM kyc_case c LEFT JOIN identification i USING (case_id)
    WHERE c.participant_id = ANY(CAST(:participants AS uuid[])) ORDER BY c.participant_id, c.number DESC
    """  # noqa: S608 - a constant of this module
)
_APPROVED: Final = text(
    f"""
    SELECT {CASE_COLUMNS} FROM kyc_case c LEFT JOIN identification i USING (case_id)
    WHERE c.state = 'approved' AND c.participant_id = ANY(CAST(:participants AS uuid[]))
    """  # noqa: S608 - a constant of this module
)
_ENDED: Final = text(
    """
    SELECT f.participant_id FROM kyc_case f
    WHERE f.number = 1 AND f.participant_id IN (
        SELECT participant_id FROM kyc_case WHERE state = 'approved' AND valid_until <= :now
        ORDER BY valid_until LIMIT :limit
    )
    ORDER BY f.participant_id FOR UPDATE SKIP LOCKED
    """
)
_APPROVED_AND_ENDED: Final = text(f"{_APPROVED.text} AND c.valid_until <= :now")
_UNDER_MEASURES: Final = text(
    """
    SELECT participant_id FROM screening_client
    WHERE measure <> 'free' AND participant_id = ANY(CAST(:participants AS uuid[]))
    """
)
_ADD_IDENTIFICATIONS: Final = text(
    """
    INSERT INTO identification (case_id, document_kind, document_sha256, category,
        category_evidence_reference, screening_list_version, screening_result, identified_by,
        identified_at, identification_sha256)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:documents AS text[]),
        CAST(:categories AS text[]), CAST(:evidence AS text[]), CAST(:lists AS text[]),
        CAST(:results AS text[]), CAST(:makers AS text[]), CAST(:instants AS timestamptz[]),
        CAST(:sha256s AS text[]))
    """
)
_SAVE: Final = text(
    """
    UPDATE kyc_case k
    SET state = c.state, decided_by = c.decided_by, decided_at = c.decided_at, decision_basis = c.basis,
        valid_until = c.valid_until
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:officers AS text[]),
                CAST(:decided AS timestamptz[]), CAST(:bases AS text[]), CAST(:terms AS timestamptz[]))
        AS c (id, state, decided_by, decided_at, basis, valid_until)
    WHERE k.case_id = c.id
    """
)


class CaseTable:
    """CaseStore on PostgreSQL."""

    async def open(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> set[UUID]:
        """Enter new cases, except where the participant has a case of that number; return the ids entered."""
        if not cases:
            return set()
        rows = await conn.execute(
            _OPEN,
            {
                "ids": [c.case_id for c in cases],
                "participants": [c.participant_id for c in cases],
                "numbers": [c.number for c in cases],
                "opened": [c.opened_at for c in cases],
            },
        )
        return {UUID(str(row.case_id)) for row in rows}

    async def lock_latest(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the latest case of each participant, and lock all of that participant's cases."""
        who = {"participants": list(participant_ids)}
        await conn.execute(_LOCK_FIRST, who)
        # A statement of its own: its snapshot is taken after the locks, and so sees what the others
        # committed.
        return _by_participant(await conn.execute(_LATEST, who))

    async def lock_approved(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the case whose approval is in force, of each participant that has one."""
        return _by_participant(await conn.execute(_APPROVED, {"participants": list(participant_ids)}))

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[KycCase]:
        """Read and lock approvals whose term has come, leaving out those that somebody works on."""
        locked = [row.participant_id for row in await conn.execute(_ENDED, {"now": now, "limit": limit})]
        rows = await conn.execute(_APPROVED_AND_ENDED, {"participants": locked, "now": now})
        return list(_by_participant(rows).values())

    async def under_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants whose operations are held or frozen because of a hit."""
        rows = await conn.execute(_UNDER_MEASURES, {"participants": list(participant_ids)})
        return {UUID(str(row.participant_id)) for row in rows}

    async def save_identifications(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write the identification just recorded in each case, and the case's state."""
        if not cases:
            return
        recorded = [case.recorded for case in cases]
        await conn.execute(
            _ADD_IDENTIFICATIONS,
            {
                "ids": [i.case_id for i in recorded],
                "kinds": [i.document_kind.value for i in recorded],
                "documents": [i.document_sha256 for i in recorded],
                "categories": [i.category.value for i in recorded],
                "evidence": [i.category_evidence_reference for i in recorded],
                "lists": [i.screening_list_version for i in recorded],
                "results": [i.screening_result.value for i in recorded],
                "makers": [i.identified_by for i in recorded],
                "instants": [i.identified_at for i in recorded],
                "sha256s": [i.sha256 for i in recorded],
            },
        )
        await self.save(conn, cases)

    async def save(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write state and decision of locked cases."""
        if not cases:
            return
        saved = await conn.execute(
            _SAVE,
            {
                "ids": [c.case_id for c in cases],
                "states": [c.state.value for c in cases],
                "officers": [c.decided_by for c in cases],
                "decided": [c.decided_at for c in cases],
                "bases": [c.decision_basis for c in cases],
                "terms": [c.valid_until for c in cases],
            },
        )
        ensure(saved.rowcount == len(cases), "a locked case has gone")


def _by_participant(rows: Any) -> dict[UUID, KycCase]:
    cases = (case_of(row) for row in rows)
    return {case.participant_id: case for case in cases}


def case_of(row: Any) -> KycCase:
    """The case in a row of CASE_COLUMNS."""
    # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
    case_id, participant_id = UUID(str(row.case_id)), UUID(str(row.participant_id))
    identification = None
    if row.identified_by is not None:
        identification = Identification(
            case_id=case_id,
            participant_id=participant_id,
            document_kind=DocumentKind(row.document_kind),
            document_sha256=row.document_sha256,
            category=InvestorCategory(row.category),
            category_evidence_reference=row.category_evidence_reference,
            screening_list_version=row.screening_list_version,
            screening_result=ScreeningResult(row.screening_result),
            identified_by=row.identified_by,
            identified_at=row.identified_at,
        )
    return KycCase(
        case_id=case_id,
        participant_id=participant_id,
        number=row.number,
        opened_at=row.opened_at,
        state=CaseState(row.state),
        identification=identification,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_basis=row.decision_basis,
        valid_until=row.valid_until,
    )
