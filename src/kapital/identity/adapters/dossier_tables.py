"""The tables `kyc_questionnaire`, `kyc_dossier`, `kyc_document`, `kyc_delegation`: one statement per batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.dossier import Dossier
from kapital.identity.domain.kyc_document import DocumentVerdict, KycDocument, KycDocumentKind
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.ports import FilledQuestionnaire
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.problems import ensure

_PUT_QUESTIONNAIRES: Final = text(
    """
    INSERT INTO kyc_questionnaire (case_id, content, questionnaire_sha256, filled_by, filled_at)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:contents AS jsonb[]), CAST(:sha256s AS text[]),
                         CAST(:fillers AS text[]), CAST(:instants AS timestamptz[]))
    ON CONFLICT (case_id) DO UPDATE SET content = EXCLUDED.content, filled_by = EXCLUDED.filled_by,
        questionnaire_sha256 = EXCLUDED.questionnaire_sha256, filled_at = EXCLUDED.filled_at
    """
)
_QUESTIONNAIRES: Final = text("SELECT * FROM kyc_questionnaire WHERE case_id = ANY(CAST(:ids AS uuid[]))")
_PUT_DOSSIERS: Final = text(
    """
    INSERT INTO kyc_dossier (case_id, content, dossier_sha256)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:contents AS jsonb[]), CAST(:sha256s AS text[]))
    """
)
_DOSSIER: Final = text("SELECT content, dossier_sha256 FROM kyc_dossier WHERE case_id = CAST(:id AS uuid)")
_ADD_DOCUMENT: Final = text(
    """
    INSERT INTO kyc_document (document_id, case_id, kind, sha256, media_type, size_bytes, verdict, attached_by,
        attached_at)
    VALUES (:document_id, :case_id, :kind, :sha256, :media_type, :size_bytes, 'pending', :attached_by, :attached_at)
    ON CONFLICT (case_id, sha256) DO NOTHING
    """
)
_DOCUMENTS: Final = text(
    "SELECT * FROM kyc_document WHERE case_id = CAST(:id AS uuid) ORDER BY attached_at, document_id"
)
_PENDING: Final = text(
    "SELECT * FROM kyc_document WHERE verdict = 'pending' ORDER BY attached_at, document_id LIMIT :limit"
)
_JUDGE: Final = text(
    """
    UPDATE kyc_document SET verdict = :verdict, checked_at = :now
    WHERE document_id = CAST(:id AS uuid) AND verdict = 'pending'
    """
)
_DOCUMENT: Final = text("SELECT * FROM kyc_document WHERE document_id = CAST(:id AS uuid)")
_ADD_DELEGATION: Final = text(
    """
    INSERT INTO kyc_delegation (delegation_id, agent_name, agent_bic, number, valid_from, valid_until, notified_on,
        ended_on, entered_by, entered_at, version)
    VALUES (:delegation_id, :agent_name, :agent_bic, :number, :valid_from, :valid_until, :notified_on, :ended_on,
        :entered_by, :entered_at, :version)
    """
)
_DELEGATIONS: Final = text("SELECT * FROM kyc_delegation WHERE delegation_id = ANY(CAST(:ids AS uuid[]))")
_LOCK_DELEGATION: Final = text("SELECT * FROM kyc_delegation WHERE delegation_id = CAST(:id AS uuid) FOR UPDATE")
_SAVE_DELEGATION: Final = text(
    """
    UPDATE kyc_delegation SET notified_on = :notified_on, ended_on = :ended_on, version = :version
    WHERE delegation_id = :id
    """
)
_NEWEST: Final = text("SELECT * FROM kyc_delegation ORDER BY entered_at DESC, delegation_id DESC LIMIT :limit")


class DossierTables:
    """DossierStore on PostgreSQL."""

    async def put_questionnaires(self, conn: AsyncConnection, filled: Sequence[FilledQuestionnaire]) -> None:
        """Enter questionnaires, or replace those of the same case."""
        if not filled:
            return
        await conn.execute(
            _PUT_QUESTIONNAIRES,
            {
                "ids": [one.case_id for one in filled],
                "contents": [canonical_bytes(one.questionnaire).decode() for one in filled],
                "sha256s": [one.questionnaire.sha256 for one in filled],
                "fillers": [one.filled_by for one in filled],
                "instants": [one.filled_at for one in filled],
            },
        )

    async def questionnaires(
        self, conn: AsyncConnection, case_ids: Sequence[UUID]
    ) -> dict[UUID, FilledQuestionnaire]:
        """The questionnaires of cases that have one."""
        rows = await conn.execute(_QUESTIONNAIRES, {"ids": list(case_ids)})
        found = [
            FilledQuestionnaire(
                case_id=UUID(str(row.case_id)),
                questionnaire=msgspec.convert(row.content, Questionnaire),
                filled_by=row.filled_by,
                filled_at=row.filled_at,
            )
            for row in rows
        ]
        return {one.case_id: one for one in found}

    async def put_dossiers(self, conn: AsyncConnection, dossiers: Sequence[Dossier]) -> None:
        """Enter dossiers; one of a case is never replaced."""
        if not dossiers:
            return
        await conn.execute(
            _PUT_DOSSIERS,
            {
                "ids": [one.case_id for one in dossiers],
                "contents": [canonical_bytes(one).decode() for one in dossiers],
                "sha256s": [one.sha256 for one in dossiers],
            },
        )

    async def find(self, conn: AsyncConnection, case_id: UUID) -> Dossier | None:
        """The dossier of a case; its hash is looked at."""
        row = (await conn.execute(_DOSSIER, {"id": case_id})).one_or_none()
        if row is None:
            return None
        dossier = msgspec.convert(row.content, Dossier)
        ensure(dossier.sha256 == row.dossier_sha256, "a dossier is what was hashed")
        return dossier


class DocumentTable:
    """DocumentStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, document: KycDocument) -> KycDocument:
        """Enter a document, or return the one of the same bytes in this case."""
        await conn.execute(
            _ADD_DOCUMENT,
            {
                "document_id": document.document_id,
                "case_id": document.case_id,
                "kind": document.kind.value,
                "sha256": document.sha256,
                "media_type": document.media_type,
                "size_bytes": document.size_bytes,
                "attached_by": document.attached_by,
                "attached_at": document.attached_at,
            },
        )
        found = await self.of_case(conn, document.case_id)
        return next(one for one in found if one.sha256 == document.sha256)

    async def of_case(self, conn: AsyncConnection, case_id: UUID) -> list[KycDocument]:
        """The documents of a case, in the order in which they were attached."""
        return [_document(row) for row in await conn.execute(_DOCUMENTS, {"id": case_id})]

    async def pending(self, conn: AsyncConnection, *, limit: int) -> list[KycDocument]:
        """The oldest documents whose verdict is pending."""
        return [_document(row) for row in await conn.execute(_PENDING, {"limit": limit})]

    async def judge(
        self, conn: AsyncConnection, document_id: UUID, verdict: DocumentVerdict, *, now: datetime
    ) -> KycDocument:
        """Write the verdict of a pending document; one that has a verdict keeps it."""
        await conn.execute(_JUDGE, {"id": document_id, "verdict": verdict.value, "now": now})
        return _document((await conn.execute(_DOCUMENT, {"id": document_id})).one())


class DelegationTable:
    """DelegationStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, delegation: Delegation) -> None:
        """Enter an agreement."""
        names = Delegation.__dataclass_fields__
        await conn.execute(_ADD_DELEGATION, {name: getattr(delegation, name) for name in names})

    async def lock(self, conn: AsyncConnection, delegation_id: UUID) -> Delegation | None:
        """Read and lock one agreement."""
        row = (await conn.execute(_LOCK_DELEGATION, {"id": delegation_id})).one_or_none()
        return None if row is None else _delegation(row)

    async def find(self, conn: AsyncConnection, delegation_ids: Sequence[UUID]) -> dict[UUID, Delegation]:
        """Agreements by id."""
        rows = await conn.execute(_DELEGATIONS, {"ids": list(delegation_ids)})
        return {one.delegation_id: one for one in map(_delegation, rows)}

    async def save(self, conn: AsyncConnection, delegation: Delegation) -> None:
        """Write notice, end and version of a locked agreement."""
        saved = await conn.execute(
            _SAVE_DELEGATION,
            {
                "id": delegation.delegation_id,
                "notified_on": delegation.notified_on,
                "ended_on": delegation.ended_on,
                "version": delegation.version,
            },
        )
        ensure(saved.rowcount == 1, "a locked agreement has gone")

    async def newest(self, conn: AsyncConnection, *, limit: int) -> list[Delegation]:
        """Agreements, newest first."""
        return [_delegation(row) for row in await conn.execute(_NEWEST, {"limit": limit})]


def _document(row: Any) -> KycDocument:
    return KycDocument(
        document_id=UUID(str(row.document_id)),
        case_id=UUID(str(row.case_id)),
        kind=KycDocumentKind(row.kind),
        sha256=row.sha256,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        verdict=DocumentVerdict(row.verdict),
        attached_by=row.attached_by,
        attached_at=row.attached_at,
        checked_at=row.checked_at,
    )


def _delegation(row: Any) -> Delegation:
    values = {name: row._mapping[name] for name in Delegation.__dataclass_fields__}
    return Delegation(**values | {"delegation_id": UUID(str(row.delegation_id))})
