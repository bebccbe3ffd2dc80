"""What both ways of completing a case share: the dossier, the identification, and what is told."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.dossier import Dossier, IdentificationMethod, Known, make_dossier
from kapital.identity.domain.events import IDENTIFICATION_RECORDED, KYC_REFERRED
from kapital.identity.domain.kyc_case import DocumentKind, Identification, InvestorCategory, KycCase, ScreeningResult
from kapital.identity.domain.kyc_document import DocumentSeen
from kapital.identity.domain.kyc_problems import CertificateMustBeBound
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.registered_person import PERSON_KINDS
from kapital.identity.ports import CertificateStore, FilledQuestionnaire, KycPolicy
from kapital.kernel.actor import Actor
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction

FOREIGN_DOCUMENTS = frozenset({DocumentKind.PASSPORT_FOREIGN, DocumentKind.RESIDENCE_PERMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known of the participants of a command beside their cases."""

    kinds: Mapping[UUID, str]
    officials: Set[UUID]
    measured: Set[UUID]
    simplified_allowed: bool
    uncertified: Set[UUID] = frozenset()
    """Who needs a certificate and has none that may sign."""

    def is_entity(self, participant_id: UUID, document_kind: DocumentKind) -> bool:
        """Whether it is a legal entity; one that the registry told nothing of is what its document says."""
        kind = self.kinds.get(participant_id)
        return document_kind is DocumentKind.EGRUL_EXTRACT if kind is None else kind not in PERSON_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the person who completes a case says."""

    method: IdentificationMethod
    document_kind: DocumentKind
    document_sha256: str
    category: InvestorCategory
    category_evidence_reference: str | None
    screening_list_version: str
    attested_hit: bool
    filled: FilledQuestionnaire | None
    documents: tuple[DocumentSeen, ...] = ()
    delegation_id: UUID | None = None
    agent_reference: str | None = None


def conclude(case: KycCase, said: Conclusion, *, around: Surroundings, actor: Actor, now: datetime) -> Dossier:
    """Compute owners, risk and reasons to look closer, and record the identification in the case.

    A renewal asks for no certificate: who lost one is restricted for that by itself, and its particulars have to be
    renewed all the same (115-FZ art. 7(1)(3)).

    Raises: CaseNotAwaitingIdentification, QualifiedStatusNeedsEvidence, CertificateMustBeBound, what `make_dossier`
    does.
    """
    case.require_open()
    case.require_category(said.category, said.category_evidence_reference)
    if case.number == 1 and case.participant_id in around.uncertified:
        raise CertificateMustBeBound
    has_hit = said.attested_hit or case.participant_id in around.measured
    dossier = make_dossier(
        case.case_id,
        case.participant_id,
        questionnaire=said.filled.questionnaire if said.filled else None,
        filled_by=said.filled.filled_by if said.filled else None,
        documents=said.documents,
        known=Known(
            is_entity=around.is_entity(case.participant_id, said.document_kind),
            has_hit=has_hit,
            is_listed_pep=case.participant_id in around.officials,
            foreign_document=said.document_kind in FOREIGN_DOCUMENTS,
            method=said.method,
            simplified_allowed=around.simplified_allowed,
            delegation_id=said.delegation_id,
            agent_reference=said.agent_reference,
        ),
        on=day_of(now),
    )
    filled_by = {} if said.filled is None else {"filled_by": said.filled.filled_by}
    case.record(
        Identification(
            case_id=case.case_id,
            participant_id=case.participant_id,
            document_kind=said.document_kind,
            document_sha256=said.document_sha256,
            category=said.category,
            category_evidence_reference=said.category_evidence_reference,
            screening_list_version=said.screening_list_version,
            # The measure may be lifted before the decision: only what a person attests stays for good.
            screening_result=ScreeningResult.HIT if said.attested_hit else ScreeningResult.CLEAR,
            identified_by=actor.id,
            identified_at=now,
            method=said.method,
            dossier_sha256=dossier.sha256,
            risk_level=dossier.risk.level,
            review_reasons=dossier.review_reasons,
            **filled_by,
        )
    )
    return dossier


async def uncertified(
    tx: Transaction, participant_ids: Sequence[UUID], *, certificates: CertificateStore, policy: KycPolicy
) -> set[UUID]:
    """Those of the participants who need a certificate today and have none that may sign."""
    if not policy.certificates.required_on(day_of(tx.now)):
        return set()
    return set(participant_ids) - await certificates.signing(tx.conn, participant_ids, tx.now)


async def tell_recorded(case: KycCase, dossier: Dossier, *, actor: Actor, tx: Transaction) -> None:
    """Audit and events of an identification recorded; the reasons to look closer by their codes only."""
    await tx.audit.append(
        "identity.identification_recorded",
        case.case_id,
        actor,
        after={
            "state": case.state,
            "identification_sha256": case.recorded.sha256,
            "dossier_sha256": dossier.sha256,
            "risk_level": dossier.risk.level,
            "review_reasons": dossier.review_reasons,
        },
    )
    participant_id = case.participant_id
    await tx.outbox.add(
        Event(
            type=IDENTIFICATION_RECORDED,
            aggregate_id=str(participant_id),
            data=contract.IdentificationRecorded(participant_id=participant_id, at=tx.now),
        )
    )
    if dossier.review_reasons:
        await tx.outbox.add(
            Event(
                type=KYC_REFERRED,
                aggregate_id=str(participant_id),
                data=contract.KycReferred(
                    participant_id=participant_id,
                    reasons=[contract.ReviewReason(reason.value) for reason in dossier.review_reasons],
                ),
            )
        )


def recorded_answer(case: KycCase) -> contract.RecordedIdentification:
    """The contract's form of an identification recorded."""
    return contract.RecordedIdentification(
        participant_id=case.participant_id,
        case_id=case.case_id,
        state=contract.CaseState(case.state.value),
        identification_sha256=case.recorded.sha256,
        problem=None,
    )
