"""The tables `kyc_case` and `identification`: one statement per batch, never per row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import given
from kapital.identity.adapters.hit_tables import OWN_GROUNDS
from kapital.identity.domain.dossier import IdentificationMethod, ReviewReason
from kapital.identity.domain.kyc_case import (
    DocumentKind,
    Identification,
    InvestorCategory,
    KycCase,
    ScreeningResult,
)
from kapital.identity.domain.risk import RiskLevel
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
    i.screening_list_version, i.screening_result, i.identified_by, i.identified_at, c.version, c.endorsed_by,
    c.endorsed_at, c.endorsement_basis, i.method, i.dossier_sha256, i.risk_level, i.review_reasons, i.filled_by
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
    f"""
    SELECT DISTINCT participant_id FROM ({OWN_GROUNDS}) AS own
    WHERE state = 'frozen' OR (state = 'suspected' AND purpose = 'sanctions')
    """  # noqa: S608 - a constant
)
_LISTED_OFFICIALS: Final = text(
    """
    SELECT DISTINCT participant_id FROM screening_hit
    WHERE state = 'pep' AND participant_id = ANY(CAST(:participants AS uuid[]))
    """
)
_SCREENED: Final = text("SELECT 1 FROM screening_client WHERE participant_id = CAST(:participant AS uuid)")
_LISTS: Final = text(
    """
    SELECT string_agg(source || ':' || number, ', ' ORDER BY source) AS lists
    FROM screening_list_version WHERE state = 'in_force'
    """
)
_NOTE_KINDS: Final = text(
    """
    INSERT INTO kyc_participant (participant_id, kind)
    SELECT * FROM unnest(CAST(:participants AS uuid[]), CAST(:kinds AS text[])) ON CONFLICT DO NOTHING
    """
)
_KINDS: Final = text(
    "SELECT participant_id, kind FROM kyc_participant WHERE participant_id = ANY(CAST(:participants AS uuid[]))"
)
_ADD_IDENTIFICATIONS: Final = text(
    """
    INSERT INTO identification (case_id, document_kind, document_sha256, category,
        category_evidence_reference, screening_list_version, screening_result, identified_by,
        identified_at, identification_sha256, method, dossier_sha256, risk_level, review_reasons, filled_by)
    SELECT id, kind, document, category, evidence, list, result, maker, instant, sha256, method, dossier, level,
        string_to_array(NULLIF(reasons, ''), ','), filler
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:documents AS text[]),
        CAST(:categories AS text[]), CAST(:evidence AS text[]), CAST(:lists AS text[]),
        CAST(:results AS text[]), CAST(:makers AS text[]), CAST(:instants AS timestamptz[]),
        CAST(:sha256s AS text[]), CAST(:methods AS text[]), CAST(:dossiers AS text[]), CAST(:levels AS text[]),
        CAST(:reasons AS text[]), CAST(:fillers AS text[]))
        AS i (id, kind, document, category, evidence, list, result, maker, instant, sha256, method, dossier, level,
            reasons, filler)
    """
)
_SAVE: Final = text(
    """
    UPDATE kyc_case k
    SET state = c.state, decided_by = c.decided_by, decided_at = c.decided_at, decision_basis = c.basis,
        valid_until = c.valid_until, version = c.version, endorsed_by = c.endorsed_by, endorsed_at = c.endorsed_at,
        endorsement_basis = c.endorsement_basis
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:officers AS text[]),
                CAST(:decided AS timestamptz[]), CAST(:bases AS text[]), CAST(:terms AS timestamptz[]),
                CAST(:versions AS integer[]), CAST(:endorsers AS text[]), CAST(:endorsed AS timestamptz[]),
                CAST(:endorsements AS text[]))
        AS c (id, state, decided_by, decided_at, basis, valid_until, version, endorsed_by, endorsed_at,
            endorsement_basis)
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

    async def latest(self, conn: AsyncConnection, participant_id: UUID) -> KycCase | None:
        """The latest case of a participant, not locked."""
        return _by_participant(await conn.execute(_LATEST, {"participants": [participant_id]})).get(participant_id)

    async def lock_approved(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the case whose approval is in force, of each participant that has one."""
        return _by_participant(await conn.execute(_APPROVED, {"participants": list(participant_ids)}))

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[KycCase]:
        """Read and lock approvals whose term has come, leaving out those that somebody works on."""
        locked = [row.participant_id for row in await conn.execute(_ENDED, {"now": now, "limit": limit})]
        rows = await conn.execute(_APPROVED_AND_ENDED, {"participants": locked, "now": now})
        return list(_by_participant(rows).values())

    async def under_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants who are held or frozen for themselves, whatever their parties are."""
        rows = await conn.execute(_UNDER_MEASURES, {"ids": list(participant_ids)})
        return {UUID(str(row.participant_id)) for row in rows}

    async def listed_officials(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants of whom a hit says that they are public officials."""
        rows = await conn.execute(_LISTED_OFFICIALS, {"participants": list(participant_ids)})
        return {UUID(str(row.participant_id)) for row in rows}

    async def screened(self, conn: AsyncConnection, participant_id: UUID) -> bool:
        """Whether the participant was compared with the lists."""
        return (await conn.execute(_SCREENED, {"participant": participant_id})).one_or_none() is not None

    async def lists_in_force(self, conn: AsyncConnection) -> str:
        """The lists in force with the numbers of their versions."""
        return (await conn.execute(_LISTS)).scalar_one() or "none"

    async def note_kinds(self, conn: AsyncConnection, kinds: Mapping[UUID, str]) -> None:
        """Keep what kind of participant the registry took in."""
        who = sorted(kinds)
        await conn.execute(_NOTE_KINDS, {"participants": who, "kinds": [kinds[one] for one in who]})

    async def kinds(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, str]:
        """What kind each participant is, of those that are known."""
        rows = await conn.execute(_KINDS, {"participants": list(participant_ids)})
        return {UUID(str(row.participant_id)): row.kind for row in rows}

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
                "methods": [given(i.method) for i in recorded],
                "dossiers": [given(i.dossier_sha256) for i in recorded],
                "levels": [given(i.risk_level) for i in recorded],
                "reasons": [",".join(i.review_reasons or ()) for i in recorded],
                "fillers": [given(i.filled_by) for i in recorded],
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
                "versions": [c.version for c in cases],
                "endorsers": [c.endorsed_by for c in cases],
                "endorsed": [c.endorsed_at for c in cases],
                "endorsements": [c.endorsement_basis for c in cases],
            },
        )
        ensure(saved.rowcount == len(cases), "a locked case has gone")


def _by_participant(rows: Any) -> dict[UUID, KycCase]:
    cases = (case_of(row) for row in rows)
    return {case.participant_id: case for case in cases}


def _later_members(row: Any) -> dict[str, Any]:
    """What identifications carry since risk is computed; nothing of one from before, whose hash must stay."""
    if row.method is None:
        return {}
    members = {
        "method": IdentificationMethod(row.method),
        "dossier_sha256": row.dossier_sha256,
        "risk_level": RiskLevel(row.risk_level),
        "review_reasons": tuple(ReviewReason(reason) for reason in row.review_reasons or ()),
    }
    return members if row.filled_by is None else members | {"filled_by": row.filled_by}


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
            **_later_members(row),
        )
    return KycCase(
        case_id=case_id,
        participant_id=participant_id,
        number=row.number,
        opened_at=row.opened_at,
        state=CaseState(row.state),
        version=row.version,
        endorsed_by=row.endorsed_by,
        endorsed_at=row.endorsed_at,
        endorsement_basis=row.endorsement_basis,
        identification=identification,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_basis=row.decision_basis,
        valid_until=row.valid_until,
    )
