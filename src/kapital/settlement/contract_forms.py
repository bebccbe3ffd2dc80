"""What several operations answer with, in the form of the contract."""

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.settlement.domain.tax_residency import TaxResidency


def shown(record: TaxResidency) -> contract.TaxResidency:
    """The record as it is answered."""
    return contract.TaxResidency(
        residency_id=record.residency_id,
        participant_id=record.participant_id,
        residency=contract.Residency(record.residency.value),
        valid_from=record.valid_from,
        basis=record.basis,
        document_sha256=unset_if_none(record.document_sha256),
        content_sha256=record.content_sha256,
        state=contract.TaxResidencyState(record.state.value),
        recorded_by=record.recorded_by,
        recorded_at=record.recorded_at,
        decided_by=unset_if_none(record.decided_by),
        decided_at=unset_if_none(record.decided_at),
    )
