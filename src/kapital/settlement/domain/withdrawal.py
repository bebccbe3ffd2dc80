"""A withdrawal: a beneficiary's money on its way to the beneficiary's own bank account."""

from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Problem
from kapital.settlement.domain.incoming import AMOUNT_KOPECKS_MAX
from kapital.settlement.domain.payout_account import Payee, PayoutAccount
from kapital.settlement.domain.problems import WithdrawalAmountMustBePositive, WithdrawalWalletMustBeOwn
from kapital.settlement.domain.states import WithdrawalState


class WithdrawalItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: so much from this wallet to that account."""

    wallet_id: UUID
    amount_kopecks: int
    payout_account: PayoutAccount


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal that is kept. `item` is its place in the command that asked for it.

    `requested_by` is the actor of its ledger entries, also of those a tick makes later: the same entry must have the
    same content whoever enters it.
    """

    withdrawal_id: UUID
    requested_by: str
    item: int
    wallet_id: UUID
    amount_kopecks: int
    payout_account: Payee
    state: WithdrawalState
    reason: str | None = None
    entry_seq: int | None = None  # its last entry in the register
    sbp_withdrawal_id: UUID | None = None  # of which it is a part

    @property
    def reference(self) -> str:
        """The name under which the bank knows it: 32 characters, within ISO 20022 Max35Text."""
        return self.withdrawal_id.hex


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one withdrawal, to be saved only while it is still in `source`."""

    withdrawal: Withdrawal
    source: WithdrawalState
    target: WithdrawalState
    reason: str | None = None
    entry_seq: int | None = None


def refusal_of(item: WithdrawalItem, *, owner: UUID | None, participant_id: UUID | None) -> Problem | None:
    """Why an item cannot be accepted, in order of precedence, or None. If the money is there, the ledger says."""
    if owner is None or owner != participant_id:
        return WithdrawalWalletMustBeOwn()
    if not 0 < item.amount_kopecks <= AMOUNT_KOPECKS_MAX:
        return WithdrawalAmountMustBePositive()
    try:
        item.payout_account.require_valid()
    except Problem as problem:
        return problem
    return None


APPROVAL_DENIED: Final = "approval_denied"
"""Why a withdrawal that two persons turned down was not sent."""

FROZEN: Final = "wallet_debits_frozen"
"""The ledger's code: why a withdrawal that was locked before its wallet was frozen was not sent."""


def shown_reason(reason: str | None, *, own: bool) -> str | None:
    """A reason as its reader may know it: to the participant a freeze is any standing (115-FZ art. 4)."""
    return "participant_must_be_active" if own and reason == FROZEN else reason
