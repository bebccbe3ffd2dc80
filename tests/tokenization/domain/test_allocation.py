"""allocate: the sum is exact, nobody gets more than asked, and nobody chooses. Scenarios 1-5, 7."""

import random
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain.allocation import LiveOrder, Outcome, allocate


def queue(*units: int) -> list[LiveOrder]:
    """Orders of these units in order of acceptance; sequence numbers leave gaps, as the register's do."""
    return [
        LiveOrder(order_id=UUID(int=index), wallet_id=UUID(int=index % 3), units=count, accepted_seq=index * 7 + 3)
        for index, count in enumerate(units)
    ]


def given_units(allocation) -> list[int]:
    return [fill.units for fill in allocation.fills]


def terms_with(example, *, rule="time_priority", low=1, high=10, lot=1):
    return example(
        "event-satellite",
        {"/allocation": rule, "/quantity_min": low, "/quantity_max": high, "/lot": lot},
    )


# Quantity 10, minimum 4.
@pytest.mark.parametrize(
    ("rule", "wanted", "outcome", "fills"),
    [
        ("time_priority", [], "failed", []),
        ("time_priority", [3], "failed", [0]),
        ("time_priority", [2, 2], "held", [2, 2]),
        ("time_priority", [6, 4], "held", [6, 4]),
        ("time_priority", [6, 3, 5, 1], "held", [6, 3, 1, 0]),  # the order on the boundary is cut
        ("time_priority", [10, 1], "held", [10, 0]),
        ("pro_rata", [], "failed", []),
        ("pro_rata", [1, 2], "failed", [0, 0]),
        ("pro_rata", [2, 3], "held", [2, 3]),
        ("pro_rata", [10, 10], "held", [5, 5]),
        ("pro_rata", [7, 7, 7], "held", [4, 3, 3]),  # equal remainders: the earliest order
        ("pro_rata", [1, 1, 18], "held", [1, 0, 9]),  # exactly 0.5, 0.5 and 9
        ("pro_rata", [20, 5, 5], "held", [7, 2, 1]),  # 6.67, 1.67, 1.67: the two left go to the earliest
    ],
)
def test_agrees_with_the_hand(example, rule, wanted, outcome, fills):
    allocation = allocate(terms_with(example, rule=rule, low=4), queue(*wanted))

    assert (allocation.outcome.value, given_units(allocation)) == (outcome, fills)


@pytest.mark.parametrize(("rule", "fills"), [("time_priority", [300, 200, 0]), ("pro_rata", [200, 200, 100])])
def test_lots_are_never_broken(example, rule, fills):
    """Quantity 500 in lots of 100, orders of 300, 300 and 200: 1.875, 1.875 and 1.25 lots."""
    terms = terms_with(example, rule=rule, low=100, high=500, lot=100)

    assert given_units(allocate(terms, queue(300, 300, 200))) == fills


def test_exactly_the_minimum_is_held_and_one_less_fails(example):
    terms = terms_with(example, low=5)

    assert allocate(terms, queue(5)).outcome is Outcome.HELD
    assert allocate(terms, queue(4)).outcome is Outcome.FAILED


def test_nothing_is_never_held_even_if_the_minimum_is_nothing(example):
    assert allocate(terms_with(example, low=0), []).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "orders",
    [
        [LiveOrder(order_id=UUID(int=n), wallet_id=UUID(int=9), units=1, accepted_seq=5) for n in (1, 2)],
        [LiveOrder(order_id=UUID(int=1), wallet_id=UUID(int=9), units=1, accepted_seq=n) for n in (1, 2)],
        queue(0),
        queue(-1),
        queue(150),
    ],
)
def test_a_broken_list_of_orders_is_our_own_fault(example, orders):
    with pytest.raises(InvariantBroken):
        allocate(terms_with(example, high=500, lot=100), orders)


WANTED = st.lists(st.integers(1, 60), max_size=12)
RULES = st.sampled_from(["time_priority", "pro_rata"])


@given(RULES, WANTED, st.integers(1, 40), st.integers(1, 120), st.integers(1, 5), st.randoms(use_true_random=False))
def test_is_exact_bounded_and_blind_to_the_order_given(
    example, rule: str, wanted: list[int], low: int, high: int, lot: int, shuffle: random.Random
):
    terms = terms_with(example, rule=rule, low=low * lot, high=high * lot, lot=lot)
    orders = queue(*(count * lot for count in wanted))

    allocation = allocate(terms, orders)

    given_ = given_units(allocation)
    sold = min(sum(order.units for order in orders), terms.quantity_max)
    held = sold >= terms.quantity_min
    assert allocation.outcome is (Outcome.HELD if held else Outcome.FAILED)
    assert sum(given_) == (sold if held else 0)
    assert all(0 <= units <= order.units for units, order in zip(given_, orders, strict=True))
    assert all(units % lot == 0 for units in given_)
    assert [fill.order_id for fill in allocation.fills] == [order.order_id for order in orders]
    shuffled = orders[:]
    shuffle.shuffle(shuffled)
    assert allocate(terms, shuffled) == allocation


@given(WANTED.filter(bool), st.integers(1, 60), st.integers(1, 200))
def test_by_time_a_later_order_takes_nothing_from_earlier_ones_and_more_units_take_from_nobody(
    example, wanted: list[int], later: int, high: int
):
    terms = terms_with(example, high=high)

    before = given_units(allocate(terms, queue(*wanted)))

    assert given_units(allocate(terms, queue(*wanted, later)))[: len(wanted)] == before
    larger = given_units(allocate(terms_with(example, high=high + 1), queue(*wanted)))
    assert all(now >= then for now, then in zip(larger, before, strict=True))


@given(WANTED.filter(bool), st.integers(1, 200))
def test_by_time_only_one_order_is_cut(example, wanted: list[int], high: int):
    fills = given_units(allocate(terms_with(example, high=high), queue(*wanted)))

    assert sum(0 < units < count for units, count in zip(fills, wanted, strict=True)) <= 1


@given(WANTED.filter(bool), st.integers(1, 200))
def test_pro_rata_never_gives_a_larger_order_less_and_is_within_one_of_the_exact_share(
    example, wanted: list[int], high: int
):
    fills = given_units(allocate(terms_with(example, rule="pro_rata", high=high), queue(*wanted)))

    total = min(sum(wanted), high)
    for units, count in zip(fills, wanted, strict=True):
        assert abs(units * sum(wanted) - total * count) < sum(wanted)
    by_size = sorted(zip(wanted, fills, strict=True))
    assert all(smaller[1] <= larger[1] for smaller, larger in pairwise(by_size) if smaller[0] < larger[0])


@pytest.mark.parametrize(("wanted", "outcome"), [([4], "failed"), ([4, 2], "held")])
def test_the_least_amount_is_reached_by_whole_lots(example, wanted, outcome):
    """40.01 roubles at 10 roubles a unit are five units, and so three lots of two."""
    numbers = {"/quantity_min": 2, "/quantity_max": 10, "/lot": 2, "/price_kopecks": 1000}
    terms = example("event-satellite", {**numbers, "/amount_min_kopecks": 4001})

    allocation = allocate(terms, queue(*wanted))

    assert allocation.outcome.value == outcome
    assert given_units(allocation) == (wanted if outcome == "held" else [0] * len(wanted))
