"""The tables of states: what they promise beyond the checks that run on import."""

import pytest

from kapital.kernel.states import WrongState
from kapital.settlement.domain.states import (
    DVP,
    INCOMING,
    NOMINAL_ENTERED,
    NOMINAL_REFUSED,
    WITHDRAWAL,
    DvpState,
    IncomingState,
    WithdrawalState,
    walk,
)

W = WithdrawalState


def test_money_is_locked_before_the_bank_is_called() -> None:
    assert WITHDRAWAL.allowed(W.REQUESTED) == (
        *("money_locked", "money_locked_above_limit", "lock_refused", "bank_refused"),
    )
    assert {step.source for step in WITHDRAWAL.steps if step.target is W.SENT} == {W.CHECKED, W.UNKNOWN}


def test_an_unknown_payout_ends_by_the_banks_word_only() -> None:
    assert all(step.on.startswith("bank_") for step in WITHDRAWAL.steps if step.source is W.UNKNOWN)
    assert "bank_silent" not in WITHDRAWAL.allowed(W.UNKNOWN)


def test_nothing_that_may_have_been_paid_is_re_credited_without_a_rejection() -> None:
    assert {step.source for step in WITHDRAWAL.steps if step.target is W.RE_CREDITED} == {W.REJECTED}
    rejecting = {(step.source, step.on) for step in WITHDRAWAL.steps if step.target is W.REJECTED}
    # What was frozen or turned down before it was handed to the bank cannot have been paid.
    unsent = {(W.CHECKED, "wallet_frozen"), (W.AWAITING_APPROVAL, "turned_down")}
    assert rejecting >= unsent
    assert {on for _, on in rejecting - unsent} == {"bank_rejected"}


def test_what_awaits_approval_leaves_only_by_two_persons() -> None:
    steps = [step for step in WITHDRAWAL.steps if step.source is W.AWAITING_APPROVAL]

    assert {step.target for step in steps} == {W.CHECKED, W.REJECTED}
    assert all(step.dual_control for step in steps)


def test_a_withdrawal_cannot_be_sent_before_its_lock() -> None:
    with pytest.raises(WrongState):
        WITHDRAWAL.step(W.REQUESTED, "handed_to_bank")


def test_unidentified_money_moves_only_by_two_persons() -> None:
    steps = [step for step in INCOMING.steps if step.source is IncomingState.UNIDENTIFIED]

    assert steps
    assert all(step.dual_control for step in steps)


def test_an_instruction_on_the_nominal_rail_never_meets_the_bank() -> None:
    assert walk(NOMINAL_ENTERED) is DvpState.SETTLED
    assert walk(NOMINAL_REFUSED) is DvpState.ROLLED_BACK


def test_after_the_record_there_is_only_forward() -> None:
    assert DVP.reachable(DvpState.LEDGER_COMMITTED) & {DvpState.ROLLING_BACK, DvpState.ROLLED_BACK} == set()
    assert DvpState.ROLLED_BACK in DVP.reachable(DvpState.UNKNOWN_CASH)
    assert DVP.reachable(DvpState.UNKNOWN_CASH) >= {DvpState.CASH_RESERVED, DvpState.CASH_REFUSED}
