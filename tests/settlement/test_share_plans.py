"""What the bank is told of an entry, and by which deals it catches up: pure, for every case."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.bank_shares import (
    Came,
    Moved,
    OrderKind,
    ShareOrder,
    Untold,
    against,
    differences,
    effect_of,
    halves_of,
    plan_deals,
)
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET

A, B, C = (UUID(int=n) for n in (1, 2, 3))
OWED = st.dictionaries(st.integers(0, 30).map(lambda n: UUID(int=n)), st.integers(-50, 50).filter(bool), max_size=25)


@given(OWED, st.integers(1, 4))
def test_deals_give_as_much_as_they_take_and_nobody_more_than_is_owed(owed: dict[UUID, int], side_max: int) -> None:
    deals = plan_deals(owed, side_max=side_max)

    moved: Counter[UUID] = Counter()
    for lines in deals:
        assert len({line.wallet_id for line in lines}) == len(lines)
        assert sum(line.amount_kopecks for line in lines) == 0
        for sign in (1, -1):
            side = [line for line in lines if line.amount_kopecks * sign > 0]
            assert 1 <= len(side) <= side_max
        for line in lines:
            moved[line.wallet_id] += line.amount_kopecks
    for wallet, amount in moved.items():
        assert 0 < amount / owed[wallet] <= 1
    left = {wallet: amount - moved[wallet] for wallet, amount in owed.items()}
    assert min(left.values(), default=0) == 0 or max(left.values(), default=0) == 0 or not deals
    assert not (any(amount > 0 for amount in left.values()) and any(amount < 0 for amount in left.values()))
    assert plan_deals(dict(reversed(owed.items())), side_max=side_max) == deals


@given(OWED)
def test_a_deal_that_is_not_taken_is_told_in_smaller_ones_down_to_those_of_two(owed: dict[UUID, int]) -> None:
    for lines in plan_deals(owed):
        order = ShareOrder(order_id=new_uuid7(), kind=OrderKind.DEAL, lines=lines)
        sides = max(len(order.deponents()), len(order.recipients()))
        halves = halves_of(order)
        moved = Counter[UUID]()
        for one in (line for half in halves for line in half):
            moved[one.wallet_id] += one.amount_kopecks
        assert bool(halves) is (sides > 1)
        assert moved == ({one.wallet_id: one.amount_kopecks for one in lines} if halves else {})
        for half in halves:
            smaller = ShareOrder(order_id=new_uuid7(), kind=OrderKind.DEAL, lines=half)
            assert max(len(smaller.deponents()), len(smaller.recipients())) <= sides // 2


def test_a_payment_is_its_owners_and_of_nobody_s_money_the_bank_is_told_nothing() -> None:
    assert effect_of(1, "bank_credit/SB1", 5, [(A, 5)]) == Came(1, A, 5, bank_id="SB1")
    assert effect_of(1, "bank_credit/SB1", 5, [(UNIDENTIFIED_WALLET, 5)]) is None
    assert effect_of(1, "bank_credit/L-0a-1", 5, [(UNIDENTIFIED_WALLET, 5)]) is None
    decision = new_uuid7()
    found = effect_of(2, f"money_decision/{decision}", 0, [(UNIDENTIFIED_WALLET, -5), (A, 5)])
    assert found == Came(2, A, 5, decision_id=decision)


def test_a_payout_is_known_to_the_bank_that_paid_it_and_a_lock_moves_nothing() -> None:
    assert effect_of(1, f"withdrawal/{new_uuid7()}", -5, [(A, -5)]) is None
    assert effect_of(1, f"withdrawal/{new_uuid7()}", -5, [(UNIDENTIFIED_WALLET, -5)]) is None
    assert effect_of(1, "order/x", 0, [(A, -5), (A, 5)]) is None
    assert effect_of(1, "order/x", 0, [(A, -7), (A, 2), (B, 5)]) == Moved({A: -5, B: 5})


@pytest.mark.parametrize(
    ("reference", "bank", "changes"),
    [
        ("bank_credit/L-0a-1", 5, [(A, 5)]),
        ("bank_credit/SB1", 5, [(A, 2), (B, 3)]),
        ("bank_credit/SB1", 5, [(A, 2), (UNIDENTIFIED_WALLET, 3)]),
        ("bank_credit/SB1", -5, [(A, -5)]),
        ("withdrawal/x", 5, [(A, 5)]),
        ("test", 5, [(A, 5)]),
        ("court/x", 0, [(A, -5), (UNIDENTIFIED_WALLET, 5)]),
    ],
)
def test_what_no_call_of_the_bank_can_say_is_not_said_in_another_way(
    reference: str, bank: int, changes: list[tuple[UUID, int]]
) -> None:
    assert effect_of(9, reference, bank, changes) == Untold(9)


def test_money_from_nowhere_is_no_effect_of_an_entry() -> None:
    with pytest.raises(InvariantBroken):
        effect_of(1, "order/x", 0, [(A, 5)])


def test_a_share_differs_by_what_the_bank_was_told_and_by_nothing_else() -> None:
    registered = {A: 10, B: 5, UNIDENTIFIED_WALLET: 7}
    told = {str(A): 12, str(B): 3}
    assert differences(told, registered, {A: -2, B: 2}) == {}
    assert differences(told | {"stranger": 1}, registered, {A: -2, B: 3}) == {"stranger": 1, str(B): 1}
    assert differences({}, registered, {A: 10, B: 5}) == {}
    assert differences({str(A): 10}, {A: 10, C: 4}, {}) == {str(C): -4}


def test_the_first_word_against_a_beneficiary_counts() -> None:
    assert against(["scoring:a", "money:b", "money:a", "closed"]) == {"a": "scoring", "b": "money"}
