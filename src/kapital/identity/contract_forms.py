"""Things of the domain in the words of the contract: what commands answer and queries show alike."""

from kapital.contracts import identity as contract
from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.kyc_document import KycDocument
from kapital.identity.domain.ownership import BeneficialOwner, OwnerGap
from kapital.identity.domain.risk import RiskAssessment


def beneficial_owner(owner: BeneficialOwner) -> contract.BeneficialOwner:
    """The contract's form of a beneficial owner."""
    return contract.BeneficialOwner(
        node_id=owner.node_id, share=owner.share, grounds=list(owner.grounds), is_identified=owner.is_identified
    )


def owner_gap(gap: OwnerGap) -> contract.OwnerGap:
    """The contract's form of what is not known of owners."""
    return contract.OwnerGap(node_id=gap.node_id, reason=contract.OwnerGapReason(gap.reason.value), share=gap.share)


def kyc_document(document: KycDocument) -> contract.KycDocument:
    """The contract's form of a document."""
    return contract.KycDocument(
        document_id=document.document_id,
        kind=contract.KycDocumentKind(document.kind.value),
        sha256=document.sha256,
        media_type=document.media_type,
        size_bytes=document.size_bytes,
        verdict=contract.DocumentVerdict(document.verdict.value),
        attached_by=document.attached_by,
        attached_at=document.attached_at,
        checked_at=document.checked_at,
    )


def delegation(agreement: Delegation) -> contract.Delegation:
    """The contract's form of an agreement on identification."""
    return contract.Delegation(
        delegation_id=agreement.delegation_id,
        version=agreement.version,
        agent_name=agreement.agent_name,
        agent_bic=agreement.agent_bic,
        number=agreement.number,
        valid_from=agreement.valid_from,
        valid_until=agreement.valid_until,
        notified_on=agreement.notified_on,
        ended_on=agreement.ended_on,
        entered_by=agreement.entered_by,
        entered_at=agreement.entered_at,
    )


def risk_assessment(risk: RiskAssessment) -> contract.RiskAssessment:
    """The contract's form of an assessment of risk."""
    return contract.RiskAssessment(
        assessed_on=risk.assessed_on,
        points=risk.points,
        level=contract.RiskLevel(risk.level.value),
        reasons=[
            contract.RiskReason(code=one.code, points=one.points, text_ru=one.text_ru, text_en=one.text_en)
            for one in risk.reasons
        ],
    )
