"""Things of the domain in the words of the contract: what commands answer and queries show alike."""

from collections.abc import Sequence
from datetime import datetime

from kapital.contracts import identity as contract
from kapital.identity.domain.aml_message import AmlMessage
from kapital.identity.domain.certificate import Certificate
from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.doubt import Doubt
from kapital.identity.domain.freeze import Freeze, FreezeBasis, ProposedRelease
from kapital.identity.domain.freeze_entry import AskedEntry
from kapital.identity.domain.kyc_document import KycDocument
from kapital.identity.domain.ownership import BeneficialOwner, OwnerGap
from kapital.identity.domain.risk import RiskAssessment
from kapital.identity.domain.screening_list import ListVersion
from kapital.identity.domain.states import AmlMessageState


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


def certificate_binding(one: Certificate) -> contract.CertificateBinding:
    """The contract's form of a binding."""
    return contract.CertificateBinding(
        certificate_id=one.certificate_id,
        participant_id=one.participant_id,
        certificate_sha256=one.certificate_sha256,
        by_power_of_attorney=one.power_sha256 is not None,
        state=contract.CertificateState(one.state.value),
        bound_at=one.bound_at,
        valid_until=one.valid_until,
        changed_at=one.changed_at,
    )


def list_version(version: ListVersion) -> contract.ListVersion:
    """The contract's form of a list version."""
    return contract.ListVersion(
        version_id=version.version_id,
        source=contract.ListSource(version.source.value),
        number=version.number,
        format=version.format,
        file_sha256=version.file_sha256,
        file_bytes=version.file_bytes,
        list_date=version.list_date,
        entry_count=version.entry_count,
        entries_before=version.entries_before,
        changed_count=version.changed_count,
        deviation_count=version.deviation_count,
        state=contract.ListVersionState(version.state.value),
        loaded_by=version.loaded_by,
        loaded_at=version.loaded_at,
        decided_by=version.decided_by,
        decided_at=version.decided_at,
        rescreened_at=version.rescreened_at,
    )


def freeze_answer(freeze: Freeze, entries: Sequence[AskedEntry]) -> contract.Freeze:
    """The contract's form of a freeze. Shape: `entries` may be those of other freezes too."""
    reach = freeze.reach
    return contract.Freeze(
        freeze_id=freeze.freeze_id,
        freeze_sha256=freeze.sha256,
        participant_id=freeze.participant_id,
        scope=contract.FreezeScope(reach.scope.value),
        wallet_id=reach.wallet_id,
        asset_id=reach.asset_id,
        direction=contract.FreezeDirection(reach.direction.value),
        basis=_basis(freeze.basis),
        hit_id=freeze.hit_id,
        source=None if freeze.source is None else contract.ListSource(freeze.source),
        list_number=freeze.list_number,
        state=contract.FreezeState(freeze.state.value),
        reason=freeze.reason,
        made_by=freeze.made_by,
        made_at=freeze.made_at,
        decided_by=freeze.decided_by,
        decided_at=freeze.decided_at,
        release=None if freeze.release is None else _release(freeze.release),
        entries=[
            contract.FreezeEntry(wallet_id=one.wallet_id, step=one.step, entry_seq=one.entry_seq, refusal=one.refusal)
            for one in entries
            if one.freeze_id == freeze.freeze_id
        ],
    )


def _release(release: ProposedRelease) -> contract.FreezeRelease:
    remaining = release.remaining
    return contract.FreezeRelease(
        kind=contract.FreezeReleaseKind(release.kind.value),
        scope=None if remaining is None else contract.FreezeScope(remaining.scope.value),
        asset_id=None if remaining is None else remaining.asset_id,
        direction=None if remaining is None else contract.FreezeDirection(remaining.direction.value),
        amount_kopecks=release.amount_kopecks,
        basis=_basis(release.basis),
        proposed_by=release.proposed_by,
        proposed_at=release.proposed_at,
        reason=release.reason,
    )


def _basis(basis: FreezeBasis) -> contract.FreezeBasis:
    return contract.FreezeBasis(reference=basis.reference, document_sha256=basis.document_sha256)


def aml_message(message: AmlMessage, now: datetime) -> contract.AmlMessage:
    """The contract's form of a message, without its content."""
    unsent = message.state in (AmlMessageState.DRAFT, AmlMessageState.APPROVED)
    return contract.AmlMessage(
        message_id=message.message_id,
        hit_id=message.hit_id,
        number=message.number,
        participant_id=message.participant_id,
        format=message.format,
        message_sha256=message.sha256,
        state=contract.AmlMessageState(message.state.value),
        drafted_at=message.drafted_at,
        due_at=message.due_at,
        is_overdue=(now if unsent else message.sent_at or now) >= message.due_at,
        prepared_by=message.prepared_by,
        prepared_at=message.prepared_at,
        approved_by=message.approved_by,
        approved_at=message.approved_at,
        sent_by=message.sent_by,
        sent_at=message.sent_at,
        sent_reference=message.sent_reference,
        answered_by=message.answered_by,
        answered_at=message.answered_at,
        answer_reference=message.answer_reference,
    )


def identification_doubt(doubt: Doubt) -> contract.IdentificationDoubt:
    """A doubt, for the staff who decide."""
    return contract.IdentificationDoubt(**{name: getattr(doubt, name) for name in doubt.__struct_fields__})
