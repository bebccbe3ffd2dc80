"""Use case: staff declare a case complete; the machine computes risk and what has to be looked at."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.case_party import parties_of, subject_of
from kapital.identity.domain.dossier import IdentificationMethod
from kapital.identity.domain.kyc_case import DocumentKind, InvestorCategory
from kapital.identity.domain.kyc_document import DocumentSeen, KycDocument
from kapital.identity.domain.kyc_problems import (
    IdentificationDocumentRequired,
    ParticipantUnscreened,
    QuestionnaireRequired,
)
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.ports import CaseStore, CertificateStore, DocumentStore, DossierStore, KycPolicy
from kapital.identity.use_cases.concluding import (
    Conclusion,
    Surroundings,
    conclude,
    recorded_answer,
    tell_recorded,
    uncertified,
)
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork, fingerprint

_IDENTIFYING: Final = frozenset(kind.value for kind in DocumentKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteCase:
    """Complete the participant's case. Shape: `document_id` is what the participant was identified by."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    version: int
    document_id: UUID
    category: InvestorCategory
    category_evidence_reference: str | None = None
    is_simplified: bool = False


async def complete_case(
    cmd: CompleteCase,
    *,
    uow: UnitOfWork,
    cases: CaseStore,
    dossiers: DossierStore,
    documents: DocumentStore,
    parties: PartyScreening,
    certificates: CertificateStore,
    policy: KycPolicy,
) -> contract.RecordedIdentification:
    """Move a case from OPENED to IDENTIFIED on its questionnaire, documents and owners; screen whom it names.

    Law: 115-FZ art. 7(1).
    Raises: IdempotencyKeyReused, NotPermitted, KycCaseNotFound, StaleVersion, CaseNotAwaitingIdentification,
    QuestionnaireRequired, IdentificationDocumentRequired, DocumentInfected, DocumentUnchecked, ParticipantUnscreened,
    ScreeningEngineMissing, QualifiedStatusNeedsEvidence, CertificateMustBeBound, what `make_dossier` raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RecordedIdentification)
        tx.access.require(cmd.actor, "complete_kyc_case")
        one = [cmd.participant_id]
        case = (await cases.lock_latest(tx.conn, one)).get(cmd.participant_id)
        if case is None:
            raise KycCaseNotFound
        case.require_version(cmd.version)
        case.require_open()
        filled = (await dossiers.questionnaires(tx.conn, [case.case_id])).get(case.case_id)
        if filled is None:
            raise QuestionnaireRequired
        there = await documents.of_case(tx.conn, case.case_id)
        kind, main = _identification_document(there, cmd.document_id)
        for document in there:
            document.require_usable(unchecked_allowed=policy.unchecked_documents_allowed)
        if not await cases.screened(tx.conn, cmd.participant_id):
            raise ParticipantUnscreened
        said = Conclusion(
            method=IdentificationMethod.SIMPLIFIED if cmd.is_simplified else IdentificationMethod.FULL,
            document_kind=kind,
            document_sha256=main.sha256,
            category=cmd.category,
            category_evidence_reference=cmd.category_evidence_reference,
            screening_list_version=await cases.lists_in_force(tx.conn),
            attested_hit=False,
            filled=filled,
            documents=tuple(DocumentSeen(kind=d.kind, sha256=d.sha256, verdict=d.verdict) for d in there),
        )
        named = parties_of(filled.questionnaire, case_id=case.case_id, participant_id=cmd.participant_id)
        subject = subject_of(filled.questionnaire)
        subjects = {} if subject is None else {cmd.participant_id: subject}
        compared = await parties.compare(tx, named, subjects=subjects, actor=cmd.actor)
        around = Surroundings(
            kinds=await cases.kinds(tx.conn, one),
            officials=await cases.listed_officials(tx.conn, one),
            measured=await cases.under_measures(tx.conn, one) | compared.participants_hit,
            simplified_allowed=policy.allows_simplified(day_of(tx.now)),
            uncertified=await uncertified(tx, one, certificates=certificates, policy=policy),
        )
        dossier = conclude(case, said, around=around, actor=cmd.actor, now=tx.now)
        await cases.save_identifications(tx.conn, [case])
        await dossiers.put_dossiers(tx.conn, [dossier])
        await parties.keep(tx, compared, [case], actor=cmd.actor)
        await tell_recorded(case, dossier, actor=cmd.actor, tx=tx)
        answer = recorded_answer(case)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


def _identification_document(there: list[KycDocument], document_id: UUID) -> tuple[DocumentKind, KycDocument]:
    for document in there:
        if document.document_id == document_id:
            if document.kind.value not in _IDENTIFYING:
                raise IdentificationDocumentRequired(facts={"document_kind": document.kind.value})
            return DocumentKind(document.kind.value), document
    raise IdentificationDocumentRequired
