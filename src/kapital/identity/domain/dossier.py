"""The dossier (досье): all that the second person decides on, bound by one hash."""

from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.identity.domain.kyc_document import DocumentSeen
from kapital.identity.domain.kyc_problems import BeneficialOwnersUnidentified, SimplifiedNotAllowed
from kapital.identity.domain.ownership import BeneficialOwner, OwnersFound, beneficial_owners
from kapital.identity.domain.parameters import SIMPLIFIED_LIMIT_KOPECKS
from kapital.identity.domain.questionnaire import Questionnaire, QuestionnaireKind
from kapital.identity.domain.risk import RiskAssessment, RiskLevel, assess
from kapital.identity.domain.risk_facts import facts_of
from kapital.kernel.canonical import canonical_bytes, sha256_hex

OWNERS_TOLD_MAX = 10


class IdentificationMethod(StrEnum):
    """How the participant was identified."""

    ATTESTED = "attested"  # seen by staff, who vouch; no questionnaire
    FULL = "full"
    SIMPLIFIED = "simplified"  # упрощённая идентификация: a person, within a limit
    DELEGATED = "delegated"  # by a bank under an agreement


def operation_limit(method: IdentificationMethod | None, *, on: date) -> int | None:
    """What one operation may come to, kopecks, of who was approved on this day; None: no limit."""
    return SIMPLIFIED_LIMIT_KOPECKS.at(on) if method is IdentificationMethod.SIMPLIFIED else None


class ReviewReason(StrEnum):
    """Why a person has to look closer."""

    SCREENING_HIT = "screening_hit"
    HIGH_RISK = "high_risk"
    PUBLIC_OFFICIAL = "public_official"


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine found when a case was completed. Hashes of personal data, not the data.

    Its canonical bytes cover questionnaire, documents, owners and risk; they are never changed afterwards.
    """

    case_id: UUID
    participant_id: UUID
    method: IdentificationMethod
    filled_by: str | None
    form_version: str | None
    questionnaire_sha256: str | None
    documents: tuple[DocumentSeen, ...]
    beneficial_owners: tuple[BeneficialOwner, ...]
    risk: RiskAssessment
    review_reasons: tuple[ReviewReason, ...]
    delegation_id: UUID | None = None
    agent_reference: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form."""
        return sha256_hex(canonical_bytes(self))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the questionnaire when a dossier is made."""

    is_entity: bool
    has_hit: bool
    is_listed_pep: bool
    foreign_document: bool
    method: IdentificationMethod
    simplified_allowed: bool = False
    delegation_id: UUID | None = None
    agent_reference: str | None = None


def owners_of(questionnaire: Questionnaire | None, *, participant_id: UUID, on: date) -> OwnersFound | None:
    """The beneficial owners that a questionnaire names; None for a person. Raises: what `beneficial_owners` does."""
    if questionnaire is None or questionnaire.owners is None:
        return None
    return beneficial_owners(questionnaire.owners, root=participant_id, on=on)


def make_dossier(
    case_id: UUID,
    participant_id: UUID,
    *,
    questionnaire: Questionnaire | None,
    filled_by: str | None,
    documents: tuple[DocumentSeen, ...],
    known: Known,
    on: date,
) -> Dossier:
    """Find owners, risk and what has to be looked at.

    Raises: what `beneficial_owners` does, BeneficialOwnersUnidentified, SimplifiedNotAllowed.
    """
    found = owners_of(questionnaire, participant_id=participant_id, on=on)
    if found is None and known.is_entity:
        raise BeneficialOwnersUnidentified(facts={"owners": "", "count": 0})
    if found is not None:
        _require_identified(found)
    risk = assess(
        facts_of(
            questionnaire,
            found,
            method=known.method.value,
            is_entity=known.is_entity,
            is_pep=known.is_listed_pep,
            foreign_document=known.foreign_document,
            on=on,
        ),
        on=on,
    )
    reasons = _reasons(risk, has_hit=known.has_hit)
    if known.method is IdentificationMethod.SIMPLIFIED:
        _require_simple(questionnaire, reasons, allowed=known.simplified_allowed)
    return Dossier(
        case_id=case_id,
        participant_id=participant_id,
        method=known.method,
        filled_by=filled_by,
        form_version=questionnaire.form_version if questionnaire else None,
        questionnaire_sha256=questionnaire.sha256 if questionnaire else None,
        documents=documents,
        beneficial_owners=found.owners if found else (),
        risk=risk,
        review_reasons=reasons,
        delegation_id=known.delegation_id,
        agent_reference=known.agent_reference,
    )


def _reasons(risk: RiskAssessment, *, has_hit: bool) -> tuple[ReviewReason, ...]:
    said = (
        (ReviewReason.SCREENING_HIT, has_hit),
        (ReviewReason.HIGH_RISK, risk.level is RiskLevel.HIGH),
        (ReviewReason.PUBLIC_OFFICIAL, risk.facts.is_pep),
    )
    return tuple(reason for reason, applies in said if applies)


def _require_identified(found: OwnersFound) -> None:
    if found.gaps:
        told = ", ".join(f"{gap.node_id} {gap.reason.value}" for gap in found.gaps[:OWNERS_TOLD_MAX])
        raise BeneficialOwnersUnidentified(facts={"owners": told, "count": len(found.gaps)})


def _require_simple(questionnaire: Questionnaire | None, reasons: tuple[ReviewReason, ...], *, allowed: bool) -> None:
    """115-FZ art. 7(1.11), (1.12): natural persons only, no doubt and no public official.

    Raises: SimplifiedNotAllowed.
    """
    if not allowed:
        raise SimplifiedNotAllowed(facts={"reason": "setting"})
    if questionnaire is None or questionnaire.kind is not QuestionnaireKind.NATURAL_PERSON:
        raise SimplifiedNotAllowed(facts={"reason": "natural_persons_only"})
    if reasons:
        # Which reason it is would tip off whoever reads the answer.
        raise SimplifiedNotAllowed(facts={"reason": "full_identification_needed"})
