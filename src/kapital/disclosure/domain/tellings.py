"""The parts of others' events that disclosure reads. Unknown fields are ignored, so that a newer producer fits."""

from datetime import date, datetime
from uuid import UUID

import msgspec


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What every event told here carries."""

    issue_id: UUID


class DocumentTold(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a publication. Units: `bytes` is its size."""

    sha256: str
    name: str
    media_type: str
    bytes: int


class SignatureTold(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over the exact bytes of the decision."""

    key_name: str
    algorithm: str
    signature_b64: str
    public_key_b64: str


class DecisionPublished(Telling, frozen=True, kw_only=True):
    """tokenization.decision_published.v1"""

    code: str
    issuer_participant_id: UUID
    right_kind: str
    decision_sha256: str
    documents: list[DocumentTold]
    quantity_min: int
    quantity_max: int
    price_kopecks: int
    placement_start_at: datetime
    placement_end_at: datetime
    signatures: list[SignatureTold]


class IssueStateChanged(Telling, frozen=True, kw_only=True):
    """tokenization.issue_state_changed.v1"""

    state: str
    at: datetime


class ActionAnnounced(Telling, frozen=True, kw_only=True):
    """tokenization.action_announced.v1"""

    kind: str
    at: datetime


class OutcomeAnnounced(Telling, frozen=True, kw_only=True):
    """tokenization.outcome_announced.v1"""

    outcome: str
    state: str
    at: datetime
    reason: str | None = None


class SubstituteAnnounced(Telling, frozen=True, kw_only=True):
    """tokenization.substitute_announced.v1"""

    series: str
    observed_on: date
    taken_series: str
    taken_from_on: date
    value: str
    at: datetime


class ExchangeAnnounced(Telling, frozen=True, kw_only=True):
    """tokenization.exchange_announced.v1"""

    new_issue_id: UUID
    at: datetime


class AllocationLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units and money of one order; whose it is, is not read."""

    units: int
    pay_kopecks: int
    refund_kopecks: int


class AllocationTold(Telling, frozen=True, kw_only=True):
    """tokenization.allocation_decided.v1 and settlement.allocation_settled.v1"""

    outcome: str
    part: int
    parts: int
    lines: list[AllocationLine]


class PayoutLine(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one payment; whose it is, is not read."""

    amount_kopecks: int


class PayoutsInstructed(Telling, frozen=True, kw_only=True):
    """tokenization.payouts_instructed.v1"""

    action_id: UUID
    kind: str
    part: int
    parts: int
    lines: list[PayoutLine]


class PayoutsSettled(Telling, frozen=True, kw_only=True):
    """settlement.payouts_settled.v1"""

    action_id: UUID
    part: int
    parts: int
    lines: list[PayoutLine]


class PayoutDelayed(Telling, frozen=True, kw_only=True):
    """tokenization.payout_delayed.v1"""

    action_id: UUID
    kind: str
    state: str
    at: datetime


class PayoutsRefused(Telling, frozen=True, kw_only=True):
    """settlement.payouts_refused.v1; the issuer's balance in it is not public and not read."""

    action_id: UUID
    part: int
