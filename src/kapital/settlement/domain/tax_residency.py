"""Who is a tax resident: recorded by one person, confirmed by another; and what follows for the tax of the year."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.ids import derive_uuid7
from kapital.settlement.domain.tax import (
    Assessment,
    Income,
    RatePart,
    Residency,
    TaxAgent,
    Taxpayer,
    TaxRules,
)

BASIS_LENGTH_MAX = 200


class ResidencyState(StrEnum):
    """Where a record of residency stands; both ends are final."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class TaxResidency(msgspec.Struct, frozen=True, kw_only=True):
    """A person is, or is not, a tax resident from a day on, until another record says otherwise."""

    residency_id: UUID
    participant_id: UUID
    residency: Residency
    valid_from: date
    basis: str
    document_sha256: str | None
    state: ResidencyState
    recorded_by: str
    recorded_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def content_sha256(self) -> str:
        """What the second person confirms: the exact content, not the name of a record."""
        content = (self.participant_id, self.residency, self.valid_from, self.basis, self.document_sha256)
        return sha256_hex(canonical_bytes([str(part) for part in content]))


class PaidIncome(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of the year with the tax that stands for it now, and what of it was withheld."""

    action_id: UUID
    part: int
    wallet_id: UUID
    taxpayer_id: UUID
    paid_on: date
    gross_kopecks: int
    cost_kopecks: int
    agent: TaxAgent
    tax_kopecks: int
    withheld_kopecks: int


class CorrectionState(StrEnum):
    """What becomes of a correction: the agent collects a tax that is higher now, or the difference is kept only."""

    TO_COLLECT = "to_collect"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    NOT_COLLECTED = "not_collected"
    RECORDED = "recorded"


class TaxCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """The tax on a payment, counted anew; the payment's own record stays as it is."""

    correction_id: UUID
    paid: PaidIncome
    residency_id: UUID
    tax_after_kopecks: int
    parts: tuple[RatePart, ...]
    residency: Residency
    rule_version: str
    state: CorrectionState


def corrections(
    year: Sequence[PaidIncome], confirmed: TaxResidency, kind: str | None, law: TaxRules
) -> list[TaxCorrection]:
    """Count the tax of a person's payments of one year anew under the residency confirmed; what differs.

    The residency of the tax period is that of the whole year (Tax Code art. 207, 210 [M]). What is due besides is
    collected by the agent (art. 226); what was withheld too much by a change of residency is given back by the tax
    authority and not by the agent (art. 231 (1.1)), so it is recorded only.
    Shape: `year` in order of payment. Raises: ParameterNotInForce.
    """
    found: list[TaxCorrection] = []
    base = 0
    for paid in year:
        assessed = law.assess(
            Income(paid_on=paid.paid_on, gross_kopecks=paid.gross_kopecks, cost_kopecks=paid.cost_kopecks),
            Taxpayer(taxpayer_id=paid.taxpayer_id, kind=kind, residency=confirmed.residency, year_base_kopecks=base),
            unknown=confirmed.residency,
        )
        base += assessed.base_kopecks
        if assessed.tax_kopecks != paid.tax_kopecks:
            found.append(_correction(paid, assessed, confirmed))
    return found


def _correction(paid: PaidIncome, assessed: Assessment, confirmed: TaxResidency) -> TaxCorrection:
    due = assessed.tax_kopecks > paid.withheld_kopecks and paid.agent is TaxAgent.OPERATOR
    return TaxCorrection(
        correction_id=derive_uuid7(confirmed.residency_id, f"{paid.action_id}/{paid.part}/{paid.wallet_id}"),
        paid=paid,
        residency_id=confirmed.residency_id,
        tax_after_kopecks=assessed.tax_kopecks,
        parts=assessed.parts,
        residency=confirmed.residency,
        rule_version=assessed.rule_version,
        state=CorrectionState.TO_COLLECT if due else CorrectionState.RECORDED,
    )
