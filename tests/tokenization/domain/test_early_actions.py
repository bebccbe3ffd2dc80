"""Shares of a call and of an offer: whole units, none made or lost, nobody ends more than they have."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.tokenization.domain import evaluator, payoff_v2
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import Early
from kapital.tokenization.domain.early_actions import call_lines, instructed_lines, taken_units
from kapital.tokenization.domain.evaluator import EVALUATORS, PayoffCodeUnknown
from kapital.tokenization.domain.payoff import Holding
from kapital.tokenization.domain.redemption_instruction import Instruction, InstructionState
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.domain.terms import IssuanceTerms

AT = datetime(2027, 9, 14, tzinfo=UTC)
POSITIONS = ("arrested", "available", "frozen", "pledged")
HELD = st.dictionaries(
    st.tuples(st.integers(1, 6), st.sampled_from(POSITIONS)), st.integers(1, 10_000), min_size=1, max_size=20
)


def action(kind: ActionKind, early: Early) -> CorporateAction:
    days: Any = dict.fromkeys(("nominal_on", "pay_on", "pay_by_on"), AT.date())
    instants: Any = dict.fromkeys(("record_at", "fixing_at", "pay_at", "overdue_at", "grace_until_at"), AT)
    return CorporateAction(
        action_id=UUID(int=1),
        issue_id=UUID(int=2),
        number=9,
        kind=kind,
        needs=[],
        needs_outcome=False,
        state=ActionState.APPROVED,
        version=1,
        early=early,
        **days,
        **instants,
    )


@given(held=HELD, data=st.data())
def test_a_part_call_ends_exactly_the_part_and_each_wallet_its_share_but_for_one_unit(
    early: Callable[..., IssuanceTerms], held: dict[tuple[int, str], int], data: Any
) -> None:
    total = sum(held.values())
    part = data.draw(st.integers(1, total))
    holdings = [Holding(wallet_id=UUID(int=w), position=p, units=u) for (w, p), u in sorted(held.items())]

    lines = call_lines(early(), action(ActionKind.CALL, Early(option=1, price="1.005", units_max=part)), holdings)

    assert sum(line.extinguish_units for line in lines) == part
    assert all(0 < line.extinguish_units <= held[line.wallet_id.int, line.position] for line in lines)
    for wallet in {w for w, _ in held}:
        has = sum(units for (w, _), units in held.items() if w == wallet)
        ended = sum(line.extinguish_units for line in lines if line.wallet_id.int == wallet)
        assert abs(ended * total - has * part) < total
    assert all(line.amount_kopecks == line.extinguish_units * 100_500 for line in lines)


@given(asked=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5_000)), min_size=1, max_size=30))
@pytest.mark.parametrize("own", [True, False])
def test_an_offer_takes_its_cap_or_all_and_never_more_than_was_offered(
    early: Callable[..., IssuanceTerms], own: bool, asked: list[tuple[int, int]]
) -> None:
    instructions = [
        Instruction(
            instruction_id=UUID(int=100 + n),
            action_id=UUID(int=1),
            issue_id=UUID(int=2),
            participant_id=UUID(int=wallet),
            wallet_id=UUID(int=wallet),
            units=units,
            state=InstructionState.LOCKED,
            version=2,
            actor_id="a",
            command_id=str(n),
            fingerprint="f",
            created_at=AT,
            lock_seq=n,
        )
        for n, (wallet, units) in enumerate(asked)
    ]
    price: Any = {"price_kopecks": 98_765} if own else {"option": 1, "price": "0.99"}
    offer = action(ActionKind.BUYBACK, Early(units_max=500, **price))

    taken = taken_units(early(), offer, instructions)
    lines = instructed_lines(early(), offer, instructions, taken)

    assert sum(taken.values()) == min(500, sum(units for _, units in asked))
    assert all(0 <= taken[one.instruction_id] <= one.units for one in instructions)
    assert sum(line.extinguish_units for line in lines) == sum(taken.values())
    assert {line.position for line in lines} == {"locked"}
    unit = 98_765 if own else 99_000
    assert sum(line.amount_kopecks for line in lines) == unit * sum(taken.values())


def test_the_price_of_an_early_end_is_of_the_code_that_the_decision_names(
    early: Callable[..., IssuanceTerms],
) -> None:
    [call] = early().options.calls
    assert EVALUATORS[1].early_price is payoff_v2.early_price
    assert evaluator.early_price(early(), call) == payoff_v2.early_price(early(), call)

    old = early({"/smart_contract_clause/code_sha256": EVALUATORS[0].code_sha256})

    with pytest.raises(PayoffCodeUnknown):
        evaluator.early_price(old, call)
    with pytest.raises(PayoffCodeUnknown):
        evaluator.shared(old, 1, {"a": 2})
