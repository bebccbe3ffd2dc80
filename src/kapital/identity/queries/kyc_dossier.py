"""Read models with personal data: the dossier of a participant's latest case, and the bytes of its documents."""

from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import (
    beneficial_owner,
    identification_doubt,
    kyc_document,
    owner_gap,
    risk_assessment,
)
from kapital.identity.domain.dossier import owners_of
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.kyc_document import KycDocument
from kapital.identity.domain.kyc_problems import DocumentNotFound
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.ports import CaseRows, DocumentStore, DossierStore, DoubtStore, Objects
from kapital.kernel.actor import Actor
from kapital.platform import access

"""Who identifies and decides. Not the auditor nor the regulator: they ask for what they need, and get it by name."""


class DossierParts(NamedTuple):
    """Where a dossier is read from."""

    rows: CaseRows
    dossiers: DossierStore
    documents: DocumentStore
    objects: Objects
    doubts: DoubtStore


async def get_kyc_dossier(
    conn: AsyncConnection, participant_id: UUID, *, actor: Actor, parts: DossierParts
) -> contract.KycDossier:
    """The latest case of a participant with all that the second person has to see.

    Raises: NotPermitted, KycCaseNotFound.
    """
    access.require(actor, "get_kyc_dossier")
    case = await _latest(conn, participant_id, parts)
    filled = (await parts.dossiers.questionnaires(conn, [case.case_id])).get(case.case_id)
    dossier = await parts.dossiers.find(conn, case.case_id)
    questionnaire = filled.questionnaire if filled else None
    on = dossier.risk.assessed_on if dossier else day_of(filled.filled_at) if filled else day_of(case.opened_at)
    found = owners_of(questionnaire, participant_id=participant_id, on=on)
    documents = await parts.documents.of_case(conn, case.case_id)
    doubt = await parts.doubts.last(conn, participant_id)
    return contract.KycDossier(
        participant_id=participant_id,
        doubt=None if doubt is None else identification_doubt(doubt),
        case_id=case.case_id,
        version=case.version,
        state=contract.CaseState(case.state.value),
        method=contract.IdentificationMethod(dossier.method.value) if dossier else None,
        filled_by=filled.filled_by if filled else None,
        questionnaire=_told(filled.questionnaire) if filled else None,
        documents=[kyc_document(document) for document in documents],
        beneficial_owners=[beneficial_owner(owner) for owner in found.owners] if found else [],
        missing=[owner_gap(gap) for gap in found.gaps] if found else [],
        risk=risk_assessment(dossier.risk) if dossier else None,
        review_reasons=[contract.ReviewReason(r.value) for r in dossier.review_reasons] if dossier else [],
        endorsed_by=case.endorsed_by,
        dossier_sha256=dossier.sha256 if dossier else None,
        identification_sha256=case.identification.sha256 if case.identification else None,
    )


async def get_kyc_document(
    conn: AsyncConnection,
    participant_id: UUID,
    document_id: UUID,
    *,
    actor: Actor,
    parts: DossierParts,
) -> tuple[KycDocument, bytes]:
    """A document of the latest case and its bytes.

    Raises: NotPermitted, KycCaseNotFound, DocumentNotFound, DocumentInfected, DocumentUnchecked; ObjectNotFound where
    the store has lost it.
    """
    access.require(actor, "get_kyc_document")
    case = await _latest(conn, participant_id, parts)
    for document in await parts.documents.of_case(conn, case.case_id):
        if document.document_id == document_id:
            # Whether an unchecked one will do for an identification is another question: who decides has to see it.
            document.require_usable(unchecked_allowed=True)
            return document, await parts.objects.get(document.sha256)
    raise DocumentNotFound


async def _latest(conn: AsyncConnection, participant_id: UUID, parts: DossierParts) -> KycCase:
    case = await parts.rows.latest(conn, participant_id)
    if case is None:
        raise KycCaseNotFound
    return case


def _told(questionnaire: object) -> contract.Questionnaire:
    """The contract leaves out what is not known; the domain says None."""
    return msgspec.convert(_without_nulls(msgspec.to_builtins(questionnaire)), contract.Questionnaire, strict=False)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value
