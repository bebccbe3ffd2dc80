"""actions and required_fixings: the days are those of the decision, moved only by its own rules."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import russian_calendar
from kapital.kernel.problems import InvariantBroken
from kapital.tokenization.domain.day_count import year_fraction
from kapital.tokenization.domain.schedule import (
    ActionKind,
    accrual_period,
    actions,
    moscow_instant,
    observed_days,
    required_fixings,
)
from kapital.tokenization.domain.terms import DayCount


def moscow(text: str) -> datetime:
    """An instant written in Moscow time, which is three hours ahead of UTC all year."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=3)


def rows(terms, calendar):
    return [
        (action.number, action.kind.value, str(action.nominal_on), str(action.pay_on), str(action.pay_by_on))
        for action in actions(terms, calendar=calendar)
    ]


def test_parts_follow_their_coupons_and_the_last_part_is_the_redemption(example, calendar):
    assert rows(example("amortising-receivable"), calendar) == [
        (1, "coupon", "2027-03-14", "2027-03-15", "2027-03-15"),
        (2, "amortisation", "2027-03-14", "2027-03-15", "2027-03-15"),
        (3, "coupon", "2027-06-14", "2027-06-15", "2027-06-15"),
        (4, "amortisation", "2027-06-14", "2027-06-15", "2027-06-15"),
        (5, "coupon", "2027-09-14", "2027-09-14", "2027-09-14"),
        (6, "amortisation", "2027-09-14", "2027-09-14", "2027-09-14"),
        (7, "coupon", "2027-12-14", "2027-12-14", "2027-12-14"),
        (8, "redemption", "2027-12-14", "2027-12-14", "2027-12-14"),
    ]


def test_an_interest_free_claim_in_parts_has_no_coupons(example, calendar):
    terms = example("amortising-receivable", {"/payoff/rate": "0.000"})

    assert [action.kind.value for action in actions(terms, calendar=calendar)] == [
        "amortisation",
        "amortisation",
        "amortisation",
        "redemption",
    ]


def test_the_window_counts_business_days_from_the_moved_day(example, calendar):
    # 14 June 2027 is a day off moved from Saturday the 12th; the window of five is Tuesday to Monday.
    assert rows(example("fixed-rate-window"), calendar)[-1] == (
        3,
        "redemption",
        "2027-06-14",
        "2027-06-15",
        "2027-06-21",
    )


@pytest.mark.parametrize(
    ("name", "days", "clock", "recorded"),
    [
        ("fixed-rate-window", 0, "00:00", ["2027-03-15T00:00", "2027-06-15T00:00", "2027-06-15T00:00"]),
        ("fixed-rate-window", 2, "18:30", ["2027-03-11T18:30", "2027-06-10T18:30", "2027-06-15T00:00"]),
        ("floating-key-rate", 1, "18:00", ["2027-01-13T18:00", "2027-02-12T18:00", "2027-02-12T18:00"]),
        ("floating-key-rate", 0, "23:59", ["2027-01-14T23:59", "2027-02-15T23:59", "2027-02-15T23:59"]),
    ],
)
def test_holders_are_listed_at_the_moscow_moment(example, calendar, name, days, clock, recorded):
    terms = example(name, {"/payments/record_business_days_before": days, "/payments/record_at": clock})

    assert [action.record_at for action in actions(terms, calendar=calendar)] == [moscow(at) for at in recorded]


# 14 March and 14 February 2027 are Sundays; the moved days stand for each rule.
@pytest.mark.parametrize(
    ("rule", "march", "february"),
    [
        ("none", "2027-03-14", "2027-02-28"),
        ("following", "2027-03-15", "2027-03-01"),
        ("modified_following", "2027-03-15", "2027-02-26"),
        ("preceding", "2027-03-12", "2027-02-26"),
    ],
)
def test_only_the_day_of_payment_moves(example, calendar, rule, march, february):
    fixed = example("fixed-rate-window", {"/payments/business_day_rule": rule})
    floating = example(
        "floating-key-rate",
        {
            "/payments/business_day_rule": rule,
            "/payoff/coupon_dates/1": "2027-02-28",
            "/redemption/on": "2027-02-28",
        },
    )

    assert str(actions(fixed, calendar=calendar)[0].pay_on) == march
    assert str(actions(floating, calendar=calendar)[-1].pay_on) == february
    assert accrual_period(fixed, date(2027, 3, 14)).end_on == date(2027, 3, 14)


def test_a_floating_coupon_needs_each_business_day_once(example, calendar):
    terms = example("floating-key-rate")
    first, second, redemption = actions(terms, calendar=calendar)

    needs = required_fixings(terms, second, calendar=calendar)

    # 14 January (Thursday) to 13 February 2027: 22 business days, the last of them Friday the 12th.
    assert len(needs) == 22
    assert [str(needs[0].observed_on), str(needs[-1].observed_on)] == ["2027-01-14", "2027-02-12"]
    assert needs[0].series == "cbr_key_rate"
    assert needs[0].available_at == moscow("2027-01-14T10:00")
    assert required_fixings(terms, redemption, calendar=calendar) == []
    # The new year's rest takes the rate of the last business day of December.
    assert date(2027, 1, 1) not in {need.observed_on for need in required_fixings(terms, first, calendar=calendar)}


def test_weekends_take_the_rate_before_them_and_the_lag_counts_business_days(example, calendar):
    payoff = example("floating-key-rate", {"/payoff/lag_business_days": 2}).payoff
    period = accrual_period(example("floating-key-rate"), date(2027, 2, 14))

    observed = observed_days(payoff, period, calendar=calendar)

    # Friday 22 January, Saturday, Sunday; Monday the 25th.
    assert {
        str(day): str(observed[day])
        for day in map(date.fromisoformat, ("2027-01-22", "2027-01-23", "2027-01-24", "2027-01-25"))
    } == {
        "2027-01-22": "2027-01-20",
        "2027-01-23": "2027-01-20",
        "2027-01-24": "2027-01-20",
        "2027-01-25": "2027-01-21",
    }
    assert len(observed) == 31


def test_an_index_is_observed_at_both_ends_unless_the_decision_fixes_the_first(example, calendar):
    observed = example("index-linked")
    fixed = example(
        "index-linked", {"/payoff/initial_value": "2750.35", "/payoff/observation/publication_lag_business_days": 1}
    )

    assert [str(need.observed_on) for need in needs_of(observed, calendar)] == ["2026-12-14", "2027-06-10"]
    assert [(str(need.observed_on), need.available_at) for need in needs_of(fixed, calendar)] == [
        ("2027-06-10", moscow("2027-06-11T19:00"))
    ]


@pytest.mark.parametrize("name", ["event-satellite", "discount-one-month", "fixed-rate-window", "debt-step-rate"])
def test_other_payoffs_need_no_fixings(example, calendar, name):
    terms = example(name)

    assert all(
        required_fixings(terms, action, calendar=calendar) == [] for action in actions(terms, calendar=calendar)
    )


@pytest.mark.parametrize("name", ["discount-one-month", "fixed-rate-window"])
def test_a_day_without_a_coupon_has_no_period(example, name):
    with pytest.raises(InvariantBroken):
        accrual_period(example(name), date(2027, 1, 1))


def test_moscow_midnight_is_nine_in_the_evening_before_in_utc():
    assert moscow_instant(date(2027, 6, 15), "00:00") == datetime(2027, 6, 14, 21, 0, tzinfo=UTC)


def needs_of(terms, calendar):
    (action,) = actions(terms, calendar=calendar)
    assert action.kind is ActionKind.REDEMPTION
    return required_fixings(terms, action, calendar=calendar)


# Values of the 2006 ISDA Definitions' rules worked out by hand.
@pytest.mark.parametrize(
    ("day_count", "start", "end", "fraction"),
    [
        ("act_365f", "2028-01-01", "2029-01-01", (366, 365)),
        ("act_365f", "2026-12-14", "2027-03-14", (90, 365)),
        ("act_act_isda", "2027-12-01", "2028-03-01", (31 * 366 + 60 * 365, 365 * 366)),
        ("act_act_isda", "2028-01-01", "2029-01-01", (1, 1)),
        ("act_act_isda", "2027-07-01", "2029-07-01", (184 + 181 + 365, 365)),
        ("thirty_360", "2026-12-14", "2027-03-14", (1, 4)),
        ("thirty_360", "2027-01-31", "2027-02-28", (28, 360)),
        ("thirty_360", "2027-01-30", "2027-03-31", (60, 360)),
        ("thirty_360", "2027-01-31", "2027-03-31", (60, 360)),
        ("thirty_360", "2027-01-15", "2027-03-31", (76, 360)),
        ("thirty_360", "2027-05-05", "2027-05-05", (0, 1)),
    ],
)
def test_day_counts_agree_with_the_hand(day_count, start, end, fraction):
    got = year_fraction(DayCount(day_count), date.fromisoformat(start), date.fromisoformat(end))

    assert (got.numerator * fraction[1], got.denominator) == (fraction[0] * got.denominator, got.denominator)


DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@given(
    st.sampled_from([DayCount.ACT_365F, DayCount.ACT_ACT_ISDA]), st.lists(DAYS, min_size=3, max_size=3).map(sorted)
)
def test_actual_day_counts_add_up_over_split_periods(day_count, days):
    start, middle, end = days

    whole = year_fraction(day_count, start, end)

    assert whole == year_fraction(day_count, start, middle) + year_fraction(day_count, middle, end)
    assert whole >= 0


@given(st.dates(date(2026, 12, 14), date(2027, 11, 1)), st.integers(0, 5), st.booleans())
def test_there_is_one_redemption_it_is_last_and_numbers_have_no_gap(example, on, days_before, lock):
    calendar = russian_calendar()
    terms = example(
        "discount-one-month",
        {
            "/redemption/on": str(on),
            "/redemption/transfer_lock": lock,
            "/payments/record_business_days_before": days_before,
        },
    )

    schedule = actions(terms, calendar=calendar)

    assert [action.kind for action in schedule].count(ActionKind.REDEMPTION) == 1
    assert schedule[-1].kind is ActionKind.REDEMPTION
    assert [action.number for action in schedule] == list(range(1, len(schedule) + 1))
    assert all(calendar.is_business_day(action.pay_on) for action in schedule)
    assert all(action.pay_on <= action.pay_by_on for action in schedule)
