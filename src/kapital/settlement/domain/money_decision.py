"""What two persons decide about money: whose it is, that it goes back or may leave, where a rejected payout goes, and
what tax is paid to the budget."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.money_decision_problems import MoneyDecisionMalformed
from kapital.settlement.domain.payout_account import PayoutAccount

BASIS_LENGTH_MAX: Final = 200


class MoneyDecisionKind(StrEnum):
    """What is decided."""

    OWNER_FOUND = "owner_found"  # unidentified money is this wallet's
    SENT_BACK = "sent_back"  # unidentified money goes back to the account it came from
    PAID_AGAIN = "paid_again"  # what a bank rejected is paid to new details of the same owner
    WITHDRAWAL_RELEASED = "withdrawal_released"  # what awaits approval goes to the bank
    WITHDRAWAL_TURNED_DOWN = "withdrawal_turned_down"  # what awaits approval goes back to its wallet
    TAX_PAID = "tax_paid"  # withheld tax goes to the budget


class MoneyDecisionState(StrEnum):
    """Where a decision stands."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    APPROVED = "approved"  # decided; the money may still be on its way
    DONE = "done"
    FAILED = "failed"  # the register or the bank would not; the money lies where it lay


_S = MoneyDecisionState

MONEY_DECISION: Final = StateMachine(
    "money_decision",
    steps=(
        Step(_S.PROPOSED, "approve", _S.APPROVED, Role.RISK, dual_control=True),
        Step(_S.PROPOSED, "reject", _S.REJECTED, Role.RISK, dual_control=True),
        Step(_S.APPROVED, "money_moved", _S.DONE, Role.SCHEDULER),
        Step(_S.APPROVED, "money_stayed", _S.FAILED, Role.SCHEDULER, guard="code of the register or the bank"),
    ),
    terminal={_S.REJECTED, _S.DONE, _S.FAILED},
    initial=_S.PROPOSED,
)


class MoneyDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision. Its subject is an incoming payment or, of PAID_AGAIN and the approvals, a withdrawal.

    TAX_PAID has none: its `budget` says what is paid to whom. `basis`: the paper by which it is known; `wallet_id`:
    the owner found; `payout_account`: the new details; `new_withdrawal_id`: by which money leaves.
    """

    decision_id: UUID
    kind: MoneyDecisionKind
    payment_id: UUID | None
    withdrawal_id: UUID | None
    wallet_id: UUID | None
    payout_account: PayoutAccount | None
    basis: str
    document_sha256: str | None
    state: MoneyDecisionState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    new_withdrawal_id: UUID | None = None
    budget: BudgetPayment | None = None

    @property
    def content_sha256(self) -> str:
        """What the second person approves: the exact content."""
        account = self.payout_account
        content = (
            *(self.decision_id, self.kind.value, self.payment_id, self.withdrawal_id, self.wallet_id),
            *((account.bic, account.account) if account else ("", "")),
            *(self.basis, self.document_sha256),
            *(msgspec.structs.astuple(self.budget) if self.budget else ()),
        )
        return sha256_hex(canonical_bytes(["" if part is None else str(part) for part in content]))

    def require_whole(self) -> None:
        """Return if it says what its kind needs, and nothing else. Raises: MoneyDecisionMalformed and of accounts."""
        given = {
            "payment_id": self.payment_id,
            "withdrawal_id": self.withdrawal_id,
            "wallet_id": self.wallet_id,
            "payout_account": self.payout_account,
            "budget": self.budget,
        }
        needed = _NEEDED[self.kind]
        for name, value in given.items():
            if (value is not None) is not (name in needed):
                raise MoneyDecisionMalformed(facts={"kind": self.kind.value, "field": name})
        if self.wallet_id == UNIDENTIFIED_WALLET:
            raise MoneyDecisionMalformed(facts={"kind": self.kind.value, "field": "wallet_id"})
        if self.payout_account is not None:
            self.payout_account.require_valid()
        if self.budget is not None and (field := self.budget.malformed()) is not None:
            raise MoneyDecisionMalformed(facts={"kind": self.kind.value, "field": f"budget.{field}"})


_NEEDED: Final = {
    MoneyDecisionKind.OWNER_FOUND: {"payment_id", "wallet_id"},
    MoneyDecisionKind.SENT_BACK: {"payment_id"},
    MoneyDecisionKind.PAID_AGAIN: {"withdrawal_id", "payout_account"},
    MoneyDecisionKind.WITHDRAWAL_RELEASED: {"withdrawal_id"},
    MoneyDecisionKind.WITHDRAWAL_TURNED_DOWN: {"withdrawal_id"},
    MoneyDecisionKind.TAX_PAID: {"budget"},
}
