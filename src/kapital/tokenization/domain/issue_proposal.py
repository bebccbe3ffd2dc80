"""What the operator does to an issue only by two persons: proposed by one, decided by another.

Law: domain.md 3.3 (manual suspension, restructuring, writing off), 3.4 (rejection of an order), 3.6 (cancellation:
2E and the issuer).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import MakerAndCheckerMustDiffer, ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.tokenization.domain.problems_life import IssuerMustConsent, ProposalMustMatch


class ProposalKind(StrEnum):
    """What is proposed."""

    SUSPEND_PLACEMENT = "suspend_placement"
    RESUME_PLACEMENT = "resume_placement"
    CANCEL_ACTION = "cancel_action"
    WRITE_OFF = "write_off"
    RESTRUCTURE = "restructure"
    APPROVE_ACTION = "approve_action"
    REJECT_ORDER = "reject_order"


class OrderRejectionReason(StrEnum):
    """Why an accepted order is rejected. Kept with the proposal and in the audit; the investor is told none."""

    RULES_BREACHED = "rules_breached"
    AUTHORITY_IN_DOUBT = "authority_in_doubt"
    INFORMATION_IN_DOUBT = "information_in_doubt"
    INTERNAL_CONTROL = "internal_control"
    ACT_OF_AUTHORITY = "act_of_authority"


_K = ProposalKind
MAKERS: Final = {
    _K.SUSPEND_PLACEMENT: Role.COMPLIANCE,
    _K.RESUME_PLACEMENT: Role.COMPLIANCE,
    _K.CANCEL_ACTION: Role.SETTLEMENT,
    _K.WRITE_OFF: Role.LEGAL,
    _K.RESTRUCTURE: Role.LEGAL,
    _K.APPROVE_ACTION: Role.SETTLEMENT,
    _K.REJECT_ORDER: Role.COMPLIANCE,
}
"""Whose office proposes each kind, and decides it unless another does."""
CHECKERS: Final = {**MAKERS, _K.APPROVE_ACTION: Role.RISK}
"""Whose office decides each kind."""


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    CONSENTED = "consented"
    APPROVED = "approved"
    REJECTED = "rejected"


_S = ProposalState
PROPOSAL: Final = StateMachine(
    "issue_proposal",
    (
        Step(_S.PROPOSED, "consented", _S.CONSENTED, Role.ISSUER_SIGNATORY, guard="cancellation; signed"),
        Step(_S.PROPOSED, "approved", _S.APPROVED, Role.LEGAL, dual_control=True, guard="hash seen; its office"),
        Step(_S.PROPOSED, "rejected", _S.REJECTED, Role.LEGAL, dual_control=True, guard="hash seen; its office"),
        Step(_S.CONSENTED, "approved", _S.APPROVED, Role.LEGAL, dual_control=True, guard="hash seen; its office"),
        Step(_S.CONSENTED, "rejected", _S.REJECTED, Role.LEGAL, dual_control=True, guard="hash seen; its office"),
    ),
    terminal=(_S.APPROVED, _S.REJECTED),
    initial=_S.PROPOSED,
)
ensure(set(MAKERS) == set(ProposalKind), "every kind has its office")


class IssueProposal(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal.

    Shape: `action_id` for a cancellation and, with `calculation_sha256`, for an approval; `new_issue_id` and
    `units_per_unit` for a restructuring; `order_id` and `reason_code` for a rejection.

    `document_sha256` is the act or the paper it rests on. `consent_by` is the issuer's signatory. `performed_at`:
    when the records of an issue written off were all extinguished.
    """

    proposal_id: UUID
    issue_id: UUID
    kind: ProposalKind
    state: ProposalState
    version: int
    reason: str
    document_sha256: str | None
    action_id: UUID | None
    new_issue_id: UUID | None
    units_per_unit: int | None
    proposed_by: str
    proposed_at: datetime
    consent_by: str | None = None
    consent_at: datetime | None = None
    consent_act_sha256: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    performed_at: datetime | None = None
    calculation_sha256: str | None = None
    order_id: UUID | None = None
    reason_code: OrderRejectionReason | None = None

    @property
    def proposal_sha256(self) -> str:
        """SHA-256 (hex) of what is proposed, in canonical form: what the issuer and the second person name."""
        content = {
            "proposal_id": str(self.proposal_id),
            "issue_id": str(self.issue_id),
            "kind": self.kind.value,
            "reason": self.reason,
            "document_sha256": self.document_sha256,
            "action_id": None if self.action_id is None else str(self.action_id),
            "new_issue_id": None if self.new_issue_id is None else str(self.new_issue_id),
            "units_per_unit": None if self.units_per_unit is None else str(self.units_per_unit),
            "proposed_by": self.proposed_by,
        }
        # Named only where there are such: the hashes of earlier proposals stay what their persons saw.
        if self.calculation_sha256 is not None:
            content["calculation_sha256"] = self.calculation_sha256
        if self.order_id is not None and self.reason_code is not None:
            content |= {"order_id": str(self.order_id), "reason_code": self.reason_code.value}
        return sha256_hex(canonical_bytes(content))

    def consented(
        self, *, seen: str, by: str, at: datetime, act_sha256: str | None
    ) -> tuple["IssueProposal", Step[ProposalState]]:
        """The proposal with the issuer's consent. Raises: WrongState, ProposalMustMatch."""
        step = PROPOSAL.step(self.state, "consented")
        self._require_seen(seen)
        changes = {"consent_by": by, "consent_at": at, "consent_act_sha256": act_sha256}
        return self._after(step, **changes), step

    def decided(
        self, *, approve: bool, seen: str, by: str, at: datetime
    ) -> tuple["IssueProposal", Step[ProposalState]]:
        """The proposal after another person decided it.

        Raises: WrongState, MakerAndCheckerMustDiffer, ProposalMustMatch, IssuerMustConsent.
        """
        step = PROPOSAL.step(self.state, "approved" if approve else "rejected")
        if by == self.proposed_by:
            raise MakerAndCheckerMustDiffer
        self._require_seen(seen)
        if approve and self.kind is ProposalKind.CANCEL_ACTION and self.state is not ProposalState.CONSENTED:
            raise IssuerMustConsent
        return self._after(step, decided_by=by, decided_at=at), step

    def _require_seen(self, seen: str) -> None:
        if seen != self.proposal_sha256:
            raise ProposalMustMatch

    def _after(self, step: Step[ProposalState], **changes: Any) -> "IssueProposal":
        return msgspec.structs.replace(self, state=step.target, version=self.version + 1, **changes)


class ExchangeConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A holder's signed consent to have all its free units exchanged for units of the new issue, in one entry.

    Shape: `units` were available, `locked_units` locked for a put or an offer; `clears_flags`: the account is under
    the lock of a call or of the redemption. `entry_seq` numbers the entry once the register has it.
    """

    consent_id: UUID
    proposal_id: UUID
    participant_id: UUID
    wallet_id: UUID
    actor_id: str
    command_id: str
    created_at: datetime
    version: int = 1
    act_file_sha256: str | None = None
    units: int = 0
    locked_units: int = 0
    clears_flags: bool = False
    entry_seq: int | None = None
