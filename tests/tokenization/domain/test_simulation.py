"""A played paper pays what its decision says: tables by hand, and what holds for every scenario."""

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.tokenization.domain.published_values import FallbackFindsNothing
from kapital.tokenization.domain.schedule import accrual_period
from kapital.tokenization.domain.simulation.chart import svg
from kapital.tokenization.domain.simulation.paths import constant, needed, random_outcome, random_walk
from kapital.tokenization.domain.simulation.play import Course, Scenario, ScenarioImpossible, play
from kapital.tokenization.domain.terms import Floating, IssuanceTerms

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "issues").glob("*.yaml"))
NAMES = [path.stem for path in EXAMPLES]
ANNA, BORIS = "anna", "boris"
PREVIOUS = "последнее опубликованное до него: за 30.12.2026"


def played(terms: IssuanceTerms, seed: int = 1, **changes: Any) -> Course:
    """One path by its seed, two holders, unless told otherwise."""
    calendar = russian_calendar()
    scenario: dict[str, Any] = {
        "holders": {ANNA: 7, BORIS: 13},
        "values": random_walk(terms, {}, seed=seed, calendar=calendar),
        "outcome": random_outcome(terms, seed=seed),
    }
    return play(terms, Scenario(**scenario | changes), calendar=calendar)


def rows(course: Course) -> list[tuple[str, str, int, int]]:
    """Kind, day, kopecks of all, units ended."""
    return [
        (payment.kind, f"{payment.paid_on}", payment.total_kopecks, sum(payment.extinguished.values()))
        for payment in course.payments
    ]


class TestTables:
    def test_a_paper_that_is_bought_back_put_and_called(self, early):
        """20.5 %, 30/360: 51.25 a quarter on 1,000.00. Offer 500 of 400 + 200 at 99 %: 333 and 167."""
        course = played(
            early(),
            holders={ANNA: 700, BORIS: 600},
            acceptances={1: {ANNA: 400, BORIS: 200}},
            puts={1: {BORIS: 100}},
            call=1,
        )

        assert rows(course) == [
            ("coupon", "2027-03-15", 1300 * 5125, 0),
            ("buyback", "2027-03-15", 500 * 99000, 500),
            ("coupon", "2027-06-15", 800 * 5125, 0),
            ("put", "2027-06-15", 100 * 100000, 100),
            ("coupon", "2027-09-14", 700 * 5125, 0),
            ("call", "2027-09-14", 700 * 100500, 700),
        ]
        assert course.payments[1].extinguished == {ANNA: 333, BORIS: 167}
        assert course.states == [(date(2027, 9, 14), "redeemed")]
        assert course.received(ANNA) == 700 * 5125 + 333 * 99000 + 2 * 367 * 5125 + 367 * 100500

    def test_nobody_ends_more_units_than_are_left(self, early):
        course = played(
            early(),
            holders={ANNA: 100},
            acceptances={1: {ANNA: 100}},
            puts={1: {ANNA: 100}},
            call=1,
        )

        assert rows(course) == [("coupon", "2027-03-15", 100 * 5125, 0), ("buyback", "2027-03-15", 9900000, 100)]

    def test_a_part_that_is_called_falls_on_all_holders_and_the_rest_goes_on(self, early):
        course = played(early(), holders={ANNA: 700, BORIS: 600}, part_calls={1: 130})

        called = next(payment for payment in course.payments if payment.kind == "call")
        assert (called.extinguished, called.kopecks) == (
            {ANNA: 70, BORIS: 60},
            {ANNA: 70 * 100500, BORIS: 60 * 100500},
        )
        assert course.payments[-1].extinguished == {ANNA: 630, BORIS: 540}
        assert course.states[-1][1] == "redeemed"

    def test_the_key_rate_that_changes_inside_a_period(self, example):
        """Scenario 31. 14 % until the last business day of 2026, 13 % from the first of 2027, 11 January.

        14 December to 10 January are 28 days at 14 + 2.5 %, three more are at 13 + 2.5 %.
        """
        values = constant(example("floating-key-rate"), {"cbr_key_rate": Decimal(14)}, calendar=russian_calendar())
        values |= {key: Decimal(13) for key in values if key[1] >= date(2027, 1, 1)}

        [coupon, *_] = played(example("floating-key-rate"), holders={ANNA: 7}, values=values).payments

        # 28 × 16.5 + 3 × 15.5 = 508.5 %·days of 365 on 1,000.00: 13.931506… a unit.
        assert coupon.unit == Fraction(5085, 10) / 365 / 100 * 100000
        assert coupon.kopecks == {ANNA: 9752}  # rounded down
        assert coupon.explanation.startswith("Купон за 14.12.2026–14.01.2027")

    def test_a_day_without_a_value_takes_the_fallback_of_the_decision(self, example):
        """Scenario 32: the source is silent on 11 January; the value of 30 December stands in, and it is told."""
        terms = example("floating-key-rate")
        values = constant(terms, {"cbr_key_rate": Decimal(14)}, calendar=russian_calendar())
        values |= {key: Decimal(13) for key in values if key[1] >= date(2027, 1, 1)}
        del values["cbr_key_rate", date(2027, 1, 11)]

        [coupon, *_] = played(terms, holders={ANNA: 7}, values=values).payments

        assert coupon.unit == Fraction(5095, 10) / 365 / 100 * 100000  # 29 days at 16.5 %, 2 at 15.5 %
        assert coupon.substitutes == [
            f"Значение cbr_key_rate за 11.01.2027 не опубликовано; по решению о выпуске взято {PREVIOUS}"
        ]

    def test_a_series_that_nobody_published_is_a_refusal(self, example):
        with pytest.raises(FallbackFindsNothing):
            played(example("floating-key-rate"), values={})

    def test_a_coupon_on_a_day_off_moves_and_its_period_does_not(self, example, calendar):
        """Scenario 33: 14 February 2027 is a Sunday."""
        terms = example("floating-key-rate")
        second = played(terms).payments[1]

        assert (second.nominal_on, second.pay_on) == (date(2027, 2, 14), date(2027, 2, 15))
        assert accrual_period(terms, second.nominal_on).end_on == date(2027, 2, 14)


class TestShortage:
    def test_money_in_the_days_of_grace_cures(self, example):
        course = played(
            example("fixed-rate-window"), unfunded_from=date(2027, 3, 1), funded_again_on=date(2027, 3, 20)
        )

        assert [payment.paid_on for payment in course.payments] == [
            date(2027, 3, 20),
            date(2027, 6, 15),
            date(2027, 6, 15),
        ]
        assert course.states == [
            (date(2027, 3, 16), "technical_default"),
            (date(2027, 3, 20), "circulating"),
            (date(2027, 6, 15), "redeemed"),
        ]

    def test_what_is_paid_in_the_days_of_grace_carries_the_interest_of_the_decision(self, example):
        """358.75 and 666.25 for five days of 365 at 20 %: 0.98 and 1.83; what is paid in time carries none."""
        late = {"/default/late_interest": {"rate": "0.2", "day_count": "act_365f"}}
        course = played(
            example("fixed-rate-window", late), unfunded_from=date(2027, 3, 1), funded_again_on=date(2027, 3, 20)
        )

        first, second, _ = course.payments
        assert first.kopecks == {ANNA: 7 * 5125 + 98, BORIS: 13 * 5125 + 183}
        assert second.kopecks == {ANNA: 7 * 5125, BORIS: 13 * 5125}

    def test_beyond_the_days_of_grace_nothing_is_paid_and_no_unit_ends(self, example, calendar):
        course = played(
            example("fixed-rate-window"), unfunded_from=date(2027, 3, 1), funded_again_on=date(2027, 4, 20)
        )
        grace = example("fixed-rate-window").default.grace_business_days
        last = calendar.add_business_days(date(2027, 3, 15), grace)

        assert [payment.paid_on for payment in course.payments] == [None, None, None]
        assert [state for _, state in course.states] == ["technical_default", "default"]
        assert course.states[1][0].toordinal() == last.toordinal() + 1
        assert course.units_left == {ANNA: 7, BORIS: 13}
        assert course.received(ANNA) == 0

    def test_money_that_comes_inside_the_window_of_redemption_is_in_time(self, example):
        course = played(
            example("fixed-rate-window"), unfunded_from=date(2027, 6, 16), funded_again_on=date(2027, 6, 17)
        )
        late = played(example("fixed-rate-window"), unfunded_from=date(2027, 6, 1), funded_again_on=date(2027, 6, 17))

        assert course.payments[-1].paid_on == date(2027, 6, 15)
        assert late.payments[-1].paid_on == date(2027, 6, 17)
        assert late.payments[-2].paid_on == date(2027, 6, 17)

    def test_what_was_paid_before_stays_paid(self, example):
        course = played(example("amortising-receivable"), unfunded_from=date(2027, 9, 1))

        assert [payment.paid_on is not None for payment in course.payments] == [True] * 4 + [False] * 4
        assert sum(course.received(holder) for holder in (ANNA, BORIS)) == sum(
            payment.total_kopecks for payment in course.payments[:4]
        )


class TestAlways:
    @pytest.mark.parametrize("name", NAMES)
    @settings(max_examples=20)
    @given(st.integers(0, 2**40))
    def test_the_same_seed_gives_the_same_bytes(self, example, name, seed):
        first, second = (told(played(example(name), seed)) for _ in range(2))

        assert first == second

    @pytest.mark.parametrize("name", NAMES)
    @settings(max_examples=20)
    @given(st.integers(0, 2**40), st.lists(st.integers(1, 40), min_size=1, max_size=6))
    def test_each_holder_gets_the_rounded_share_and_all_units_end(self, example, name, seed, units):
        """Per unit: exactly units × the rounded amount. Per holder: within half a kopeck, or one by the rule."""
        terms = example(name)
        holders = {f"h{number}": count for number, count in enumerate(units)}

        course = played(terms, seed, holders=holders)

        per_unit_scope = terms.payments.rounding_scope.value == "per_unit"
        bound = Fraction(1, 2) if terms.payments.rounding.value.startswith("half") else Fraction(1)
        for payment in course.payments:
            for holder, kopecks in payment.kopecks.items():
                off = kopecks - payment.unit * holders[holder]
                assert off == 0 if per_unit_scope else abs(off) <= bound
        assert course.units_left == dict.fromkeys(holders, 0)
        assert sum(course.received(holder) for holder in holders) == sum(p.total_kopecks for p in course.payments)

    @pytest.mark.parametrize("name", ["floating-key-rate", "floating-ruonia"])
    @settings(max_examples=30)
    @given(st.integers(0, 2**40), st.decimals(0, 10, places=2))
    def test_a_higher_rate_never_pays_less_and_floor_and_cap_bound_it(self, example, name, seed, more):
        terms = example(name)
        payoff = terms.payoff
        assert isinstance(payoff, Floating)
        path = random_walk(terms, {}, seed=seed, calendar=russian_calendar())
        higher = {key: rate + more for key, rate in path.items()}

        low, high = (played(terms, holders={ANNA: 1000}, values=values) for values in (path, higher))

        assert low.received(ANNA) <= high.received(ANNA)
        for course in (low, high):
            for payment in course.payments[:-1]:
                period = accrual_period(terms, payment.nominal_on)
                years = Fraction((period.end_on - period.start_on).days, 365)
                assert payment.unit <= terms.price_kopecks * Fraction(payoff.cap or "9") * years
                assert payment.unit >= terms.price_kopecks * Fraction(payoff.floor or "0") * years

    @settings(max_examples=60)
    @given(
        st.dictionaries(st.sampled_from([ANNA, BORIS]), st.integers(1, 600)),
        st.dictionaries(st.sampled_from([ANNA, BORIS]), st.integers(1, 600)),
        st.sampled_from([None, 1]),
        st.sampled_from([None, date(2027, 3, 1), date(2027, 6, 10), date(2027, 9, 10)]),
        st.sampled_from([None, date(2027, 9, 20), date(2027, 12, 1)]),
    )
    def test_units_are_ended_once_and_only_with_their_payment(self, early, accept, put, call, since, until):
        holders = {ANNA: 700, BORIS: 600}
        if until is not None and (since is None or until <= since):
            until = None

        course = played(
            early(),
            holders=holders,
            acceptances={1: accept} if accept else {},
            puts={1: put} if put else {},
            call=call,
            unfunded_from=since,
            funded_again_on=until,
        )

        for holder, units in holders.items():
            ended = sum(p.extinguished.get(holder, 0) for p in course.payments if p.paid_on is not None)
            assert ended + course.units_left[holder] == units
        assert (course.states[-1][1] == "redeemed") == (not any(course.units_left.values()))

    @pytest.mark.parametrize("name", NAMES)
    def test_paths_reach_every_observed_day_and_stay_possible(self, example, name):
        terms, calendar = example(name), russian_calendar()

        path = random_walk(terms, {}, seed=5, calendar=calendar)

        for series, days in needed(terms, calendar=calendar).items():
            assert all((series, on) in path for on in days)
        assert all(value >= 0 for value in path.values())
        assert all(calendar.is_business_day(on) for _, on in path)
        other = random_walk(terms, {}, seed=6, calendar=calendar)
        assert path.keys() == other.keys()
        assert path != other or not path


@pytest.mark.parametrize(
    "changes",
    [
        {"holders": {}},
        {"holders": {ANNA: 0}},
        {"holders": {ANNA: -1, BORIS: 2}},
        {"holders": {ANNA: 20001}},
        {"call": 2},
        {"part_calls": {2: 1}},
        {"part_calls": {1: 0}},
        {"call": 1, "part_calls": {1: 5}},
        {"puts": {2: {ANNA: 1}}},
        {"puts": {1: {"carl": 1}}},
        {"puts": {1: {ANNA: 8}}},
        {"acceptances": {0: {ANNA: 1}}},
        {"funded_again_on": date(2027, 3, 1)},
        {"unfunded_from": date(2027, 3, 1), "funded_again_on": date(2027, 3, 1)},
    ],
)
def test_what_the_decision_does_not_know_is_refused(early, changes):
    with pytest.raises(ScenarioImpossible):
        played(early(), **changes)


class TestChart:
    @pytest.mark.parametrize("name", NAMES)
    def test_shows_every_payment_and_its_day(self, example, name):
        course = played(example(name))

        drawn = ET.fromstring(svg(course, title=name))

        bars = [one for one in drawn.iter("{http://www.w3.org/2000/svg}rect") if one.get("width") != "12"]
        words = " ".join(one.text or "" for one in drawn.iter("{http://www.w3.org/2000/svg}text"))
        assert len(bars) == len(course.payments) + 1  # and the paper
        assert all(f"{payment.paid_on:%d.%m.%Y}" in words for payment in course.payments)

    def test_outlines_what_was_never_paid_and_escapes_the_title(self, example):
        course = played(example("fixed-rate-window"), unfunded_from=date(2027, 3, 1))

        drawn = svg(course, title='<script>&"')

        assert len(re.findall(r'fill="none" stroke="#', drawn)) == len(course.payments) + 1
        assert "<script>" not in drawn
        ET.fromstring(drawn)


def told(course: Course) -> str:
    return json.dumps(
        [[p.kind, str(p.paid_on), str(p.unit), p.kopecks, p.extinguished, p.explanation] for p in course.payments]
    )
