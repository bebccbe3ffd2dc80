"""The escrow rail: what the bank may say of a hold, and which step of the DvP table follows from it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.requisites import account_is_valid
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import DVP, DvpState


class HoldState(StrEnum):
    """What the bank says about a hold (холд, счёт эскроу). REFUSED, RELEASED and CANCELLED are final."""

    NOT_FOUND = "not_found"  # the bank never saw the reference: sending it again is safe
    PENDING = "pending"
    HELD = "held"
    REFUSED = "refused"
    RELEASING = "releasing"
    RELEASE_REJECTED = "release_rejected"  # the money is still blocked
    RELEASED = "released"
    CANCELLED = "cancelled"
    UNCLEAR = "unclear"  # the bank knows the hold and cannot say, or says what contradicts our order


class HoldStatus(msgspec.Struct, frozen=True):
    """The bank's answer about one hold; `reason` is its code, without personal data."""

    state: HoldState
    reason: str | None = None


class HoldNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a hold as the bank tells it; `number` counts the changes of one hold from 1."""

    cursor: int
    notice_id: str
    reference: str
    number: int
    state: HoldState
    at: datetime


class HoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank is asked: block so many kopecks of the buyer's account for the seller's.

    `release_try` rises only by the decision of two persons, after the bank has said that the try before it failed.
    """

    instruction_id: UUID
    reference: str
    amount_kopecks: int
    buyer_account: PayoutAccount
    seller_account: PayoutAccount
    release_try: int = 1

    @property
    def release_key(self) -> str:
        """The bank's idempotency key of a release; the same in every repeat of one try."""
        return f"{self.reference}-r{self.release_try}"


class EscrowAccounts(msgspec.Struct, frozen=True, kw_only=True):
    """Whose accounts at banks an instruction of the escrow rail names; part of what the second person approves."""

    buyer_account: PayoutAccount
    seller_account: PayoutAccount

    @property
    def are_valid(self) -> bool:
        """Whether each account's control key fits its БИК."""
        return all(account_is_valid(one.account, bic=one.bic) for one in (self.buyer_account, self.seller_account))


def hold_reference(instruction_id: UUID) -> str:
    """Our reference of the hold at the bank; it never changes."""
    return f"dvp-{instruction_id}"


_H, _D = HoldState, DvpState

STAYS: Final = None
"""No step: the instruction is asked about again."""

_BEFORE_RECORD: Final[Mapping[HoldState, str | None]] = {
    _H.PENDING: STAYS,
    _H.HELD: "bank_held",
    _H.REFUSED: "bank_refused",
    # The bank gave the money back without our word: nothing is blocked.
    _H.CANCELLED: "bank_refused",
    # The money is gone, or on its way, before the record.
    _H.RELEASING: "bank_cannot_say",
    _H.RELEASED: "bank_cannot_say",
    _H.RELEASE_REJECTED: "bank_cannot_say",
    _H.UNCLEAR: "bank_cannot_say",
}

FOLLOWS: Final[Mapping[DvpState, Mapping[HoldState, str | None]]] = {
    # Not found: the same reference is sent again.
    _D.CASH_RESERVE_SENT: {**_BEFORE_RECORD, _H.NOT_FOUND: STAYS},
    _D.UNKNOWN_CASH: {**_BEFORE_RECORD, _H.NOT_FOUND: "bank_never_saw_it"},
    _D.CASH_RELEASE_SENT: {
        _H.RELEASED: "bank_released",
        _H.RELEASING: STAYS,
        _H.HELD: STAYS,  # the request was lost: the same key is sent again
        _H.RELEASE_REJECTED: "bank_cannot_say",
        _H.NOT_FOUND: "bank_cannot_say",
        _H.PENDING: "bank_cannot_say",
        _H.REFUSED: "bank_cannot_say",
        _H.CANCELLED: "bank_cannot_say",
        _H.UNCLEAR: "bank_cannot_say",
    },
    # Asked to cancel; the units are back with the seller already.
    _D.ROLLING_BACK: {
        _H.CANCELLED: "all_undone",
        _H.REFUSED: "all_undone",
        _H.NOT_FOUND: STAYS,
        _H.PENDING: STAYS,
        _H.HELD: STAYS,
        _H.RELEASING: "bank_cannot_say",
        _H.RELEASED: "bank_cannot_say",
        _H.RELEASE_REJECTED: "bank_cannot_say",
        _H.UNCLEAR: "bank_cannot_say",
    },
}
"""In each state in which the bank is asked: the event of the DvP table that each answer is."""


def event_of(state: DvpState, answer: HoldStatus | None, *, is_free_by_statement: bool = False) -> str | None:
    """The event that an answer is in a state; None: no step. Silence (no answer) decides nothing.

    `is_free_by_statement`: two persons have found in the bank's statement that nothing is blocked; what the bank
    cannot say does not call them again.
    """
    if answer is None:
        return "bank_silent" if state is DvpState.CASH_RESERVE_SENT else STAYS
    event = FOLLOWS[state][answer.state]
    if state is DvpState.ROLLING_BACK and is_free_by_statement and answer.state is HoldState.UNCLEAR:
        return "all_undone"
    return event


def must_send_again(state: DvpState, answer: HoldStatus | None) -> bool:
    """Whether an enquiry found that our request never came, so that the same one is sent again."""
    lost = {
        DvpState.CASH_RESERVE_SENT: HoldState.NOT_FOUND,
        DvpState.UNKNOWN_CASH: HoldState.NOT_FOUND,
        DvpState.CASH_RELEASE_SENT: HoldState.HELD,
    }
    return answer is not None and lost.get(state) is answer.state


class EscrowInstruction(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction of the escrow rail with what is kept of its way.

    `lock_seq`: the entry that locked the units; without it they are where they were. `entry_try` numbers the entries:
    of one try either the record or the unlocking can be entered, never both. `is_lock_asked`, `is_reserve_asked`,
    `is_release_sent`: kept before, or with, what they tell of. `bank_state`: what the bank said last.
    """

    instruction_id: UUID
    asset_id: UUID
    seller_wallet_id: UUID
    buyer_wallet_id: UUID
    units: int
    state: DvpState
    order: HoldOrder
    entry_try: int = 1
    lock_seq: int | None = None
    is_lock_asked: bool = False
    is_unlocked: bool = False
    is_reserve_asked: bool = False
    is_release_sent: bool = False
    is_free_by_statement: bool = False
    bank_state: HoldState | None = None
    row_version: int = 1


class EscrowMove(msgspec.Struct, frozen=True, kw_only=True):
    """A step of one instruction, made only if it is still in `source`. What is None stays as it is."""

    one: EscrowInstruction
    source: DvpState
    target: DvpState
    reason: str | None = None
    end_code: str | None = None
    entry_id: UUID | None = None
    entry_seq: int | None = None
    recorded_at: datetime | None = None
    lock_seq: int | None = None
    is_unlocked: bool | None = None
    is_reserve_asked: bool | None = None


def move_of(one: EscrowInstruction, on: str, **noted: Any) -> EscrowMove:
    """The step that `on` makes. Raises: WrongState."""
    step = DVP.step(one.state, on)
    return EscrowMove(one=one, source=step.source, target=step.target, **noted)


def note_of(one: EscrowInstruction, **noted: Any) -> EscrowMove:
    """What became known of an instruction that stays where it is."""
    return EscrowMove(one=one, source=one.state, target=one.state, **noted)
