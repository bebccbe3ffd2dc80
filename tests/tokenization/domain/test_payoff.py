"""per_unit and lines: the tables are worked out by hand from the examples, to the kopeck."""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.kernel.money import AmountOutOfRange
from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain.payoff import (
    FixingMissing,
    FixingNotUsable,
    Holding,
    OutcomeMissing,
    OutcomeUnknown,
    UnitPayout,
    kopecks_text,
    lines,
    per_unit,
)
from kapital.tokenization.domain.schedule import ActionKind, actions, required_fixings

KEY_RATES = Path(__file__).parents[2] / "data" / "rates" / "cbr_KeyRateXML_2026-06-01_2026-10-06.xml"
FIRST, SECOND = UUID(int=1), UUID(int=2)


def held(units: int, position: str = "available", wallet: UUID = FIRST) -> Holding:
    return Holding(wallet_id=wallet, position=position, units=units)


def table(terms, units: int, fixings=None, outcome=None) -> list[tuple[str, int, int]]:
    """Kind, kopecks and extinguished units of every action for one holder of `units`."""
    calendar = russian_calendar()
    found = []
    for action in actions(terms, calendar=calendar):
        unit = per_unit(terms, action, fixings or {}, outcome, calendar=calendar)
        (line,) = lines(terms, unit, [held(units)])
        found.append((action.kind.value, line.amount_kopecks, line.extinguish_units))
    return found


def test_amortising_pays_interest_on_the_rest_of_the_nominal(example):
    """7 units, 18 %, nominal 1,000.00 in four parts: 90, 92, 92 and 91 days of 365."""
    assert table(example("amortising-receivable"), 7) == [
        ("coupon", 31068, 0),  # 7 × 1,000.00 × 0.18 × 90/365 = 310.684931…
        ("amortisation", 175000, 0),
        ("coupon", 23819, 0),  # 7 × 750.00 × 0.18 × 92/365 = 238.191780…
        ("amortisation", 175000, 0),
        ("coupon", 15879, 0),  # 7 × 500.00 × 0.18 × 92/365 = 158.794520…
        ("amortisation", 175000, 0),
        ("coupon", 7853, 0),  # 7 × 250.00 × 0.18 × 91/365 = 78.534246…
        ("redemption", 175000, 7),
    ]


def test_fixed_rate_pays_coupons_and_the_nominal(example):
    """3 units, 20.5 %, 30/360: two quarters of 1,000.00 × 0.205 × 90/360 = 51.25."""
    assert table(example("fixed-rate-window"), 3) == [
        ("coupon", 15375, 0),
        ("coupon", 15375, 0),
        ("redemption", 300000, 3),
    ]


def test_step_pays_each_period_at_its_own_rate(example):
    """3 units, 19 % for 90 days, 18 % for 92, 17.25 % for 183, of 365."""
    assert table(example("debt-step-rate"), 3) == [
        ("coupon", 14055, 0),  # 140.547945…
        ("coupon", 13611, 0),  # 136.109589…
        ("coupon", 25946, 0),  # 259.458904…
        ("redemption", 300000, 3),
    ]


def test_discount_pays_the_price_of_redemption(example):
    assert table(example("discount-one-month"), 100) == [("redemption", 10_000_000, 100)]


# (3012.88 / 2750.35 − 1) × 0.8 = 0.076362644…; below the start the floor of 0, above +31.25 % the cap of 25 %.
@pytest.mark.parametrize(
    ("final", "kopecks"),
    [("3012.88", 3229088), ("2000", 3000000), ("2750.35", 3000000), ("3609.834375", 3750000), ("9000", 3750000)],
)
def test_indexed_pays_the_nominal_and_a_share_of_the_change(example, final, kopecks):
    """3 units of 10,000.00, participation 0.8 between floor and cap."""
    fixings = index(initial="2750.35", final=final)

    assert table(example("index-linked"), 3, fixings) == [("redemption", kopecks, 3)]


def test_indexed_without_a_cap_and_with_a_fixed_start(example):
    """Floor −10 %: (2400/3000 − 1) × 0.8 = −16 % is held at −10 %; (6000/3000 − 1) × 0.8 = +80 %."""
    terms = example("index-linked", {"/payoff/initial_value": "3000", "/payoff/floor": "-0.1", "/payoff/cap": None})

    assert table(terms, 1, index(final="2400")) == [("redemption", 900000, 1)]
    assert table(terms, 1, index(final="6000")) == [("redemption", 1800000, 1)]


@pytest.mark.parametrize(
    ("outcome", "kopecks"), [("launched", 5_200_000), ("failed", 200_000), ("postponed", 5_001_000)]
)
def test_event_pays_what_its_outcome_says(example, outcome, kopecks):
    assert table(example("event-satellite"), 2, outcome=outcome) == [("redemption", 2 * kopecks, 2)]


def test_floating_follows_the_published_key_rate_through_two_changes(example, calendar):
    """13 units, 15 June to 31 July 2026, spread 2.5 %, real values of the Bank of Russia.

    7 days at 17.00 % (14.50 to Friday 19 June and the weekend after it), 35 at 16.75 % (14.25 from 22 June
    to 26 July), 4 at 16.50 % (14.00 from 27 July): 771.25 %·days / 365 = 2.113013… % of 1,000.00.
    """
    terms = example(
        "floating-key-rate",
        {
            "/payoff/accrual_start_on": "2026-06-15",
            "/payoff/coupon_dates": ["2026-07-31"],
            "/redemption/on": "2026-07-31",
        },
    )

    assert table(terms, 13, key_rates()) == [("coupon", 27469, 0), ("redemption", 1_300_000, 13)]  # 274.691780…


def test_floor_and_cap_bound_the_rate_of_each_day(example, calendar):
    """Cap 16.6 %: 7 + 35 days at the cap, 4 at 16.50 %: (42 × 16.6 + 66) / 365 % of 1,000.00 = 20.909589."""
    changes = {
        "/payoff/accrual_start_on": "2026-06-15",
        "/payoff/coupon_dates": ["2026-07-31"],
        "/redemption/on": "2026-07-31",
        "/payoff/cap": "0.166",
    }

    assert table(example("floating-key-rate", changes), 1, key_rates())[0] == ("coupon", 2090, 0)  # rounded down
    floored = example("floating-key-rate", changes | {"/payoff/cap": None, "/payoff/floor": "0.2"})
    assert table(floored, 1, key_rates())[0] == ("coupon", 2520, 0)  # 46 × 20 / 365 % = 25.205479…


def test_a_floating_coupon_without_a_floor_is_never_below_zero(example, calendar):
    terms = example("floating-key-rate", {"/payoff/floor": None, "/payoff/spread": "-0.9"})
    coupon = actions(terms, calendar=calendar)[0]
    fixings = {
        (need.series, need.observed_on): Decimal(14) for need in required_fixings(terms, coupon, calendar=calendar)
    }

    assert per_unit(terms, coupon, fixings, None, calendar=calendar).amount == 0


class TestRefusals:
    def test_a_missing_fixing_is_named(self, example, calendar):
        terms = example("index-linked")
        (action,) = actions(terms, calendar=calendar)

        with pytest.raises(FixingMissing) as caught:
            per_unit(terms, action, index(initial="2750.35"), None, calendar=calendar)

        assert caught.value.facts == {"series": "moex_imoex", "observed_on": "2027-06-10"}

    def test_each_required_fixing_is_needed_and_no_other(self, example, calendar):
        terms = example("floating-key-rate")
        coupon = actions(terms, calendar=calendar)[0]
        needs = [(need.series, need.observed_on) for need in required_fixings(terms, coupon, calendar=calendar)]
        fixings = dict.fromkeys(needs, Decimal("16.5"))

        assert per_unit(terms, coupon, fixings, None, calendar=calendar).amount > 0
        for absent in needs:
            with pytest.raises(FixingMissing):
                per_unit(
                    terms,
                    coupon,
                    {key: value for key, value in fixings.items() if key != absent},
                    None,
                    calendar=calendar,
                )

    @pytest.mark.parametrize(("initial", "final"), [("0", "1"), ("-5", "1"), ("NaN", "1"), ("1", "Infinity")])
    def test_a_value_that_cannot_be_calculated_with_is_refused(self, example, initial, final):
        with pytest.raises(FixingNotUsable):
            table(example("index-linked"), 1, index(initial=initial, final=final))

    def test_an_event_without_an_outcome_pays_nothing_yet(self, example):
        with pytest.raises(OutcomeMissing):
            table(example("event-satellite"), 1)

    def test_an_outcome_outside_the_decision_is_refused(self, example):
        with pytest.raises(OutcomeUnknown) as caught:
            table(example("event-satellite"), 1, outcome="exploded")

        assert caught.value.facts == {"outcome": "exploded", "allowed": "launched failed postponed"}

    @pytest.mark.parametrize("kind", [ActionKind.COUPON, ActionKind.AMORTISATION])
    def test_an_action_of_other_terms_is_our_own_fault(self, example, calendar, kind):
        (action,) = actions(example("discount-one-month"), calendar=calendar)
        foreign = type(action)(**{name: getattr(action, name) for name in action.__struct_fields__} | {"kind": kind})

        with pytest.raises(InvariantBroken):
            per_unit(example("discount-one-month"), foreign, {}, None, calendar=calendar)


class TestRounding:
    # 1,000.00 × 0.2053 × 90/360 = 51.325 for one unit.
    @pytest.mark.parametrize(
        ("rounding", "scope", "three"),
        [
            ("half_up", "per_unit", 15399),
            ("half_even", "per_unit", 15396),
            ("down", "per_unit", 15396),
            ("up", "per_unit", 15399),
            ("half_up", "per_holder", 15398),
            ("half_even", "per_holder", 15398),
            ("down", "per_holder", 15397),
            ("up", "per_holder", 15398),
        ],
    )
    def test_is_done_once_where_the_decision_says(self, example, rounding, scope, three):
        changes = {
            "/payoff/rate": "0.2053",
            "/payments/rounding": rounding,
            "/payments/rounding_scope": scope,
        }

        assert table(example("fixed-rate-window", changes), 3)[0] == ("coupon", three, 0)

    def test_a_holder_gets_the_same_whatever_positions_the_units_are_in(self, example):
        terms = example("debt-step-rate")
        unit = UnitPayout(amount=Fraction(1, 3), extinguish=False, explanation="")

        together = lines(terms, unit, [held(4)])
        apart = lines(terms, unit, [held(2), held(2, "pledged")])

        assert [line.amount_kopecks for line in together] == [1]
        assert [(line.position, line.amount_kopecks) for line in apart] == [("available", 1)]

    def test_lines_keep_the_given_order_and_leave_out_what_does_nothing(self, example):
        terms = example("event-satellite")
        paid = UnitPayout(amount=Fraction(5), extinguish=True, explanation="")
        unpaid = UnitPayout(amount=Fraction(0), extinguish=True, explanation="")
        holdings = [held(3, wallet=SECOND), held(0, "frozen"), held(2, "locked"), held(1)]

        assert [
            (line.units, line.amount_kopecks, line.extinguish_units) for line in lines(terms, paid, holdings)
        ] == [
            (3, 15, 3),
            (2, 10, 2),
            (1, 5, 1),
        ]
        assert [line.extinguish_units for line in lines(terms, unpaid, holdings)] == [3, 2, 1]

    def test_a_sum_above_the_register_is_refused(self, example):
        unit = UnitPayout(amount=Fraction(10**15), extinguish=False, explanation="")

        with pytest.raises(AmountOutOfRange):
            lines(example("event-satellite"), unit, [held(10**6)])

    @pytest.mark.parametrize("holdings", [[held(-1)], [held(1), held(2)]])
    def test_a_broken_list_of_holders_is_our_own_fault(self, example, holdings):
        unit = UnitPayout(amount=Fraction(1), extinguish=False, explanation="")

        with pytest.raises(InvariantBroken):
            lines(example("event-satellite"), unit, holdings)

    @given(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from(["available", "pledged", "frozen"]), st.integers(0, 10**6)),
            max_size=8,
            unique_by=lambda row: row[:2],
        ),
        st.fractions(0, 10**6, max_denominator=10**6),
        st.sampled_from(["half_up", "half_even", "down", "up"]),
        st.booleans(),
    )
    def test_each_holder_gets_the_rounded_total_whatever_the_order(self, example, rows, amount, rule, extinguish):
        terms = example("event-satellite", {"/payments/rounding": rule})
        unit = UnitPayout(amount=amount, extinguish=extinguish, explanation="")
        holdings = [held(units, position, UUID(int=wallet)) for wallet, position, units in rows]

        paid = lines(terms, unit, holdings)

        for wallet in {holding.wallet_id for holding in holdings}:
            exact = amount * sum(holding.units for holding in holdings if holding.wallet_id == wallet)
            total = sum(line.amount_kopecks for line in paid if line.wallet_id == wallet)
            assert abs(total - exact) < 1 if rule in {"down", "up"} else abs(total - exact) <= Fraction(1, 2)
            assert rule != "down" or total <= exact
            assert rule != "up" or total >= exact
        assert sum(line.extinguish_units for line in paid) == extinguish * sum(row[2] for row in rows)
        by_key = {(line.wallet_id, line.position): line for line in paid}
        for shuffled in list(permutations(holdings))[:6]:
            assert {(line.wallet_id, line.position): line for line in lines(terms, unit, shuffled)} == by_key

    @given(
        st.lists(st.integers(1, 10**6), min_size=2, max_size=2).map(sorted),
        st.fractions(0, 10**4, max_denominator=999),
    )
    def test_more_units_never_pay_less(self, example, units, amount):
        terms = example("amortising-receivable")
        unit = UnitPayout(amount=amount, extinguish=True, explanation="")

        fewer, more = (lines(terms, unit, [held(count)])[0].amount_kopecks for count in units)

        assert fewer <= more


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_all_parts_together_repay_the_nominal_exactly(example, first, second):
    parts = [
        {"on": on, "principal_kopecks": kopecks} for on, kopecks in (("2027-03-14", first), ("2027-12-14", second))
    ]
    changes = {"/payoff/parts": parts, "/price_kopecks": first + second, "/payoff/rate": "0"}

    paid = table(example("amortising-receivable", changes), 3)

    assert [kind for kind, _, _ in paid] == ["amortisation", "redemption"]
    assert sum(kopecks for _, kopecks, _ in paid) == 3 * (first + second)


@pytest.mark.parametrize(
    ("name", "fixings", "outcome", "text"),
    [
        (
            "amortising-receivable",
            {},
            None,
            "Купон за 14.12.2026–14.03.2027: 1\u00a0000,00\u00a0₽ × 18 % × 18/73 = 4438,356164… коп. на единицу",
        ),
        ("event-satellite", {}, "failed", "Погашение по исходу «failed» = 2\u00a0000,00\u00a0₽ на единицу"),
        (
            "index-linked",
            {("moex_imoex", date(2026, 12, 14)): Decimal(100), ("moex_imoex", date(2027, 6, 10)): Decimal(110)},
            None,
            (
                "Погашение: 10\u00a0000,00\u00a0₽ × (1 + r), r = 0.8 × (110 / 100 − 1), не ниже 0 % и не выше 25 %"
                " = 10\u00a0800,00\u00a0₽ на единицу"
            ),
        ),
    ],
)
def test_the_calculation_is_told(example, calendar, name, fixings, outcome, text):
    terms = example(name)

    unit = per_unit(terms, actions(terms, calendar=calendar)[0], fixings, outcome, calendar=calendar)

    assert unit.explanation == text


def test_exact_kopecks_are_cut_and_not_rounded_for_people():
    assert kopecks_text(Fraction(2, 3)) == "0,666666… коп."
    assert kopecks_text(Fraction(150)) == "1,50\u00a0₽"


def index(initial: str | None = None, final: str | None = None) -> dict[tuple[str, date], Decimal]:
    values = {date(2026, 12, 14): initial, date(2027, 6, 10): final}
    return {("moex_imoex", on): Decimal(value) for on, value in values.items() if value is not None}


def key_rates() -> dict[tuple[str, date], Decimal]:
    rows = re.findall(r"<DT>([0-9-]{10})T[^<]*</DT><Rate>([0-9.]+)</Rate>", KEY_RATES.read_text())
    assert len(rows) == 91
    return {("cbr_key_rate", date.fromisoformat(on)): Decimal(rate) for on, rate in rows}
