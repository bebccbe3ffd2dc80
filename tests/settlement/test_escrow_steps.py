"""The escrow rail, pure: what the bank says is a step of the table or none, and silence decides nothing."""

import pytest

from kapital.settlement.domain.escrow import FOLLOWS, HoldState, HoldStatus, event_of, must_send_again
from kapital.settlement.domain.states import DVP, DvpState

D, H = DvpState, HoldState
EVERY = [(state, said) for state in FOLLOWS for said in HoldState]


@pytest.mark.parametrize(("state", "said"), EVERY)
def test_each_answer_in_each_state_in_which_the_bank_is_asked_is_a_step_of_the_table_or_none(
    state: DvpState, said: HoldState
) -> None:
    event = event_of(state, HoldStatus(said))

    if event is not None:
        DVP.step(state, event)


def test_silence_ends_nothing_and_undoes_nothing() -> None:
    assert event_of(D.CASH_RESERVE_SENT, None) == "bank_silent"
    assert {event_of(state, None) for state in FOLLOWS if state is not D.CASH_RESERVE_SENT} == {None}
    assert "bank_silent" not in DVP.allowed(D.UNKNOWN_CASH)


def test_the_record_follows_only_from_money_that_is_held() -> None:
    forward = {(state, said) for state, said in EVERY if event_of(state, HoldStatus(said)) == "bank_held"}

    assert forward == {(D.CASH_RESERVE_SENT, H.HELD), (D.UNKNOWN_CASH, H.HELD)}


def test_settled_follows_only_from_money_that_is_released_and_undone_only_from_money_that_is_free() -> None:
    ends = {(state, said): event_of(state, HoldStatus(said)) for state, said in EVERY}

    assert [key for key, on in ends.items() if on == "bank_released"] == [(D.CASH_RELEASE_SENT, H.RELEASED)]
    assert {said for (state, said), on in ends.items() if on == "all_undone"} == {H.CANCELLED, H.REFUSED}
    assert all(on != "all_undone" for (state, _), on in ends.items() if state is not D.ROLLING_BACK)


def test_after_the_record_no_answer_leads_back() -> None:
    for said in HoldState:
        event = event_of(D.CASH_RELEASE_SENT, HoldStatus(said))
        assert event is None or D.ROLLED_BACK not in DVP.reachable(DVP.step(D.CASH_RELEASE_SENT, event).target)


def test_only_what_the_bank_never_had_is_sent_again() -> None:
    again = {(state, said) for state, said in EVERY if must_send_again(state, HoldStatus(said))}

    assert again == {
        (D.CASH_RESERVE_SENT, H.NOT_FOUND), (D.UNKNOWN_CASH, H.NOT_FOUND), (D.CASH_RELEASE_SENT, H.HELD),
    }  # fmt: skip
    assert event_of(D.UNKNOWN_CASH, HoldStatus(H.NOT_FOUND)) == "bank_never_saw_it"


def test_money_that_left_before_the_record_calls_a_person() -> None:
    for state in (D.CASH_RESERVE_SENT, D.UNKNOWN_CASH, D.ROLLING_BACK):
        for said in (H.RELEASING, H.RELEASED, H.UNCLEAR):
            assert event_of(state, HoldStatus(said)) == "bank_cannot_say"
    by_statement = event_of(D.ROLLING_BACK, HoldStatus(H.UNCLEAR), is_free_by_statement=True)
    assert by_statement == "all_undone"
    assert event_of(D.ROLLING_BACK, HoldStatus(H.RELEASED), is_free_by_statement=True) == "bank_cannot_say"
