"""States of settlement as tables (domain.md 3.5 and 3.12). The tables check themselves on import."""

from enum import StrEnum
from typing import Final

from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class IncomingState(StrEnum):
    """Where a notice of the bank about money that came stands."""

    RECEIVED = "received"
    VERIFIED = "verified"  # kept and checked; the ledger entry may or may not exist yet
    MATCHED = "matched"
    UNIDENTIFIED = "unidentified"  # lies on the operator's wallet for unidentified money
    RETURNED = "returned"


INCOMING: Final = StateMachine(
    "incoming_payment",
    steps=(
        Step(IncomingState.RECEIVED, "notice_checked", IncomingState.VERIFIED, Role.BANK),
        Step(IncomingState.VERIFIED, "owner_credited", IncomingState.MATCHED, Role.SCHEDULER),
        Step(IncomingState.VERIFIED, "owner_unknown", IncomingState.UNIDENTIFIED, Role.SCHEDULER),
        Step(
            IncomingState.UNIDENTIFIED,
            "owner_found",
            IncomingState.MATCHED,
            Role.SETTLEMENT,
            dual_control=True,
        ),
        Step(
            IncomingState.UNIDENTIFIED,
            "sent_back",
            IncomingState.RETURNED,
            Role.SETTLEMENT,
            dual_control=True,
            guard="to the account it came from",
        ),
    ),
    terminal={IncomingState.MATCHED, IncomingState.RETURNED},
    initial=IncomingState.RECEIVED,
)


class WithdrawalState(StrEnum):
    """Where a payout to a beneficiary's own bank account stands."""

    REQUESTED = "requested"  # kept; the lock in the ledger may or may not exist yet
    REFUSED = "refused"  # the ledger would not lock the money
    AWAITING_APPROVAL = "awaiting_approval"  # the money is locked; two persons release it or turn it down
    CHECKED = "checked"  # the money is locked; the bank has not been called
    SENT = "sent"  # the bank has been called, or is about to be, under our reference
    UNKNOWN = "unknown"  # the bank was silent. Not a refusal: ask it again
    REJECTED = "rejected"  # the bank or two persons say no, or the wallet was frozen meanwhile; the money goes back
    RE_CREDITED = "re_credited"
    CONFIRMED = "confirmed"  # the bank has paid and the register shows it


_W = WithdrawalState

WITHDRAWAL: Final = StateMachine(
    "withdrawal",
    steps=(
        Step(_W.REQUESTED, "money_locked", _W.CHECKED, Role.SCHEDULER),
        Step(
            _W.REQUESTED,
            "money_locked_above_limit",
            _W.AWAITING_APPROVAL,
            Role.SCHEDULER,
            guard="the owner's day reaches the sum of the rule",
        ),
        Step(_W.AWAITING_APPROVAL, "released", _W.CHECKED, Role.SETTLEMENT, dual_control=True),
        Step(_W.AWAITING_APPROVAL, "turned_down", _W.REJECTED, Role.SETTLEMENT, dual_control=True),
        Step(_W.REQUESTED, "lock_refused", _W.REFUSED, Role.SCHEDULER, guard="code of the ledger is the reason"),
        Step(_W.REQUESTED, "bank_refused", _W.REFUSED, Role.SCHEDULER, guard="the БИК directory refuses the bank"),
        Step(_W.CHECKED, "handed_to_bank", _W.SENT, Role.SCHEDULER, guard="no reconciliation break is open"),
        Step(_W.CHECKED, "wallet_frozen", _W.REJECTED, Role.SCHEDULER, guard="frozen after the money was locked"),
        Step(_W.SENT, "bank_paid", _W.CONFIRMED, Role.BANK),
        Step(_W.SENT, "bank_rejected", _W.REJECTED, Role.BANK),
        Step(_W.SENT, "bank_silent", _W.UNKNOWN, Role.SCHEDULER),
        Step(_W.UNKNOWN, "bank_paid", _W.CONFIRMED, Role.BANK, guard="by enquiry"),
        Step(_W.UNKNOWN, "bank_rejected", _W.REJECTED, Role.BANK, guard="by enquiry"),
        Step(_W.UNKNOWN, "bank_works_on_it", _W.SENT, Role.BANK, guard="by enquiry"),
        Step(
            _W.UNKNOWN,
            "bank_never_saw_it",
            _W.SENT,
            Role.BANK,
            guard="by enquiry; sent again, same reference",
        ),
        Step(_W.REJECTED, "money_unlocked", _W.RE_CREDITED, Role.SCHEDULER),
    ),
    terminal={_W.REFUSED, _W.RE_CREDITED, _W.CONFIRMED},
    initial=_W.REQUESTED,
)

ensure(
    all(step.target not in WITHDRAWAL.terminal for step in WITHDRAWAL.steps if step.on == "bank_silent"),
    "silence of the bank decides nothing",
)
ensure(_W.CONFIRMED not in WITHDRAWAL.reachable(_W.REJECTED), "what was rejected is never also paid")


class DvpState(StrEnum):
    """Where a delivery-versus-payment instruction stands."""

    NEW = "new"
    PRECHECKED = "prechecked"
    ASSET_LOCKED = "asset_locked"
    CASH_RESERVE_SENT = "cash_reserve_sent"
    UNKNOWN_CASH = "unknown_cash"
    CASH_RESERVED = "cash_reserved"
    CASH_REFUSED = "cash_refused"
    REVIEW_BEFORE_RECORD = "review_before_record"
    COMMITTING = "committing"
    LEDGER_COMMITTED = "ledger_committed"  # the point of no return: the right has passed
    CASH_RELEASE_SENT = "cash_release_sent"
    CASH_RELEASED = "cash_released"
    REVIEW_AFTER_RECORD = "review_after_record"
    SETTLED = "settled"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


_D = DvpState

# Two rails share the table. On the nominal rail (domain.md 3.5 rule 5) the cash leg is a change of shares in the same
# ledger entry as the units, so the steps through the bank fall away; on the escrow rail the bank holds the money.
DVP: Final = StateMachine(
    "dvp_instruction",
    steps=(
        Step(_D.NEW, "checks_passed", _D.PRECHECKED, Role.SMART_CONTRACT),
        Step(_D.NEW, "checks_failed", _D.ROLLING_BACK, Role.SMART_CONTRACT),
        Step(_D.NEW, "not_approved", _D.ROLLING_BACK, Role.SETTLEMENT, dual_control=True),
        Step(_D.PRECHECKED, "cancelled", _D.ROLLING_BACK, Role.SETTLEMENT, guard="nothing of it is entered"),
        Step(_D.PRECHECKED, "cut_off_passed", _D.ROLLING_BACK, Role.SCHEDULER, guard="nothing of it is entered"),
        Step(_D.PRECHECKED, "rest_lapsed", _D.SETTLED, Role.SCHEDULER, guard="a part of it is entered: that stays"),
        Step(_D.PRECHECKED, "cash_leg_is_in_register", _D.COMMITTING, Role.SMART_CONTRACT, guard="nominal rail"),
        Step(_D.PRECHECKED, "asset_locked", _D.ASSET_LOCKED, Role.SMART_CONTRACT, guard="escrow rail"),
        Step(_D.ASSET_LOCKED, "reserve_requested", _D.CASH_RESERVE_SENT, Role.SCHEDULER),
        Step(_D.CASH_RESERVE_SENT, "bank_held", _D.CASH_RESERVED, Role.BANK),
        Step(_D.CASH_RESERVE_SENT, "bank_refused", _D.CASH_REFUSED, Role.BANK),
        Step(_D.CASH_RESERVE_SENT, "bank_silent", _D.UNKNOWN_CASH, Role.SCHEDULER),
        Step(_D.CASH_RESERVE_SENT, "bank_cannot_say", _D.REVIEW_BEFORE_RECORD, Role.BANK),
        Step(_D.UNKNOWN_CASH, "bank_held", _D.CASH_RESERVED, Role.BANK, guard="by enquiry"),
        Step(_D.UNKNOWN_CASH, "bank_refused", _D.CASH_REFUSED, Role.BANK, guard="by enquiry"),
        Step(
            _D.UNKNOWN_CASH,
            "bank_never_saw_it",
            _D.CASH_RESERVE_SENT,
            Role.BANK,
            guard="by enquiry; sent again, same reference",
        ),
        Step(_D.UNKNOWN_CASH, "bank_cannot_say", _D.REVIEW_BEFORE_RECORD, Role.BANK),
        Step(_D.REVIEW_BEFORE_RECORD, "reserve_found", _D.CASH_RESERVED, Role.SETTLEMENT, dual_control=True),
        Step(_D.REVIEW_BEFORE_RECORD, "reserve_absent", _D.ROLLING_BACK, Role.SETTLEMENT, dual_control=True),
        Step(_D.CASH_REFUSED, "undo_started", _D.ROLLING_BACK, Role.SMART_CONTRACT),
        Step(_D.CASH_RESERVED, "commit_started", _D.COMMITTING, Role.SMART_CONTRACT),
        Step(_D.COMMITTING, "record_entered", _D.LEDGER_COMMITTED, Role.SMART_CONTRACT),
        Step(_D.COMMITTING, "record_refused", _D.ROLLING_BACK, Role.SMART_CONTRACT),
        Step(_D.COMMITTING, "record_waits", _D.PRECHECKED, Role.SMART_CONTRACT, guard="nominal rail, recycled"),
        Step(_D.COMMITTING, "part_entered", _D.PRECHECKED, Role.SMART_CONTRACT, guard="nominal rail, the rest waits"),
        Step(_D.LEDGER_COMMITTED, "nothing_held_at_bank", _D.SETTLED, Role.SMART_CONTRACT, guard="nominal rail"),
        Step(_D.LEDGER_COMMITTED, "release_requested", _D.CASH_RELEASE_SENT, Role.SCHEDULER),
        Step(_D.CASH_RELEASE_SENT, "bank_released", _D.CASH_RELEASED, Role.BANK),
        Step(_D.CASH_RELEASE_SENT, "bank_cannot_say", _D.REVIEW_AFTER_RECORD, Role.BANK),
        Step(_D.REVIEW_AFTER_RECORD, "release_again", _D.CASH_RELEASE_SENT, Role.SETTLEMENT, dual_control=True),
        Step(_D.REVIEW_AFTER_RECORD, "release_found", _D.CASH_RELEASED, Role.SETTLEMENT, dual_control=True),
        Step(_D.CASH_RELEASED, "closed", _D.SETTLED, Role.SMART_CONTRACT),
        Step(_D.ROLLING_BACK, "all_undone", _D.ROLLED_BACK, Role.SMART_CONTRACT),
        Step(_D.ROLLING_BACK, "bank_cannot_say", _D.REVIEW_BEFORE_RECORD, Role.BANK),
        Step(_D.ROLLING_BACK, "record_found", _D.LEDGER_COMMITTED, Role.SMART_CONTRACT, guard="escrow rail"),
    ),
    terminal={_D.SETTLED, _D.ROLLED_BACK},
    initial=_D.NEW,
)

ensure(_D.ROLLED_BACK not in DVP.reachable(_D.LEDGER_COMMITTED), "no way back after the record")
ensure(
    all(step.target not in DVP.terminal for step in DVP.steps if step.on == "bank_silent"),
    "silence of the bank decides nothing",
)

NOMINAL_ENTERED: Final = (
    "checks_passed",
    "cash_leg_is_in_register",
    "record_entered",
    "nothing_held_at_bank",
)
"""What happens, in order, to an instruction of the nominal rail that the ledger enters."""

NOMINAL_WAITING: Final = ("checks_passed", "cash_leg_is_in_register")
"""What has happened to an instruction of the nominal rail whose seller is frozen: it is entered when that ends."""

NOMINAL_REFUSED: Final = ("checks_passed", "cash_leg_is_in_register", "record_refused", "all_undone")
"""What happens, in order, to an instruction of the nominal rail that the ledger refuses."""


def walk(events: tuple[str, ...]) -> DvpState:
    """The state a new instruction is in after `events`. Raises: WrongState for a step the table has not."""
    state = DvpState.NEW
    for on in events:
        state = DVP.step(state, on).target
    return state
