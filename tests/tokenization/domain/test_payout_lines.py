"""A page of the list is paid as the payoff pays each holder of it."""

from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kapital.tokenization.domain.payoff import Holding, UnitPayout, lines
from kapital.tokenization.domain.payout_lines import lines_of_page

POSITIONS = ["available", "frozen", "pledged"]


@given(
    st.lists(
        # Few numbers, so that many hold the same.
        st.lists(st.tuples(st.sampled_from(POSITIONS), st.integers(0, 3)), max_size=3, unique_by=lambda row: row[0]),
        max_size=12,
    ),
    st.fractions(0, 1_000, max_denominator=999),
    st.sampled_from(["half_up", "half_even", "down", "up"]),
    st.booleans(),
)
def test_a_page_is_paid_as_the_payoff_pays_each_holder(example, page, amount, rule, extinguish):
    terms = example("event-satellite", {"/payments/rounding": rule})
    unit = UnitPayout(amount=amount, extinguish=extinguish, explanation="")
    holdings = [
        Holding(wallet_id=UUID(int=number), position=position, units=units)
        for number, rows in enumerate(page)
        for position, units in sorted(rows)
    ]

    assert lines_of_page(terms, unit, holdings) == lines(terms, unit, holdings)


def test_what_many_hold_is_calculated_once(example):
    terms = example("event-satellite")
    unit = UnitPayout(amount=Fraction(7, 3), extinguish=True, explanation="")
    holdings = [Holding(wallet_id=UUID(int=n), position="available", units=n % 2 + 1) for n in range(1, 50)]

    paid = lines_of_page(terms, unit, holdings)

    assert [(line.wallet_id.int, line.amount_kopecks) for line in paid] == [
        (n, 5 if n % 2 else 2) for n in range(1, 50)
    ]
