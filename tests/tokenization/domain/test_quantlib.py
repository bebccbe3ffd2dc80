"""Day counts, business days and cash flows against QuantLib, which shares no code with ours."""

from datetime import date
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
import QuantLib as ql  # noqa: N813 - its own name for itself
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.calendar import Convention, russian_calendar
from kapital.kernel.money import Rounding, divide_rounded
from kapital.tokenization.domain.day_count import year_fraction
from kapital.tokenization.domain.evaluator import per_unit
from kapital.tokenization.domain.schedule import ActionKind, actions
from kapital.tokenization.domain.terms import Amortising, AutoConvert, DayCount, FixedRate, IssuanceTerms, Step

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
DAY_COUNTS = {
    DayCount.ACT_365F: ql.Actual365Fixed(),
    DayCount.ACT_ACT_ISDA: ql.ActualActual(ql.ActualActual.ISDA),
    DayCount.THIRTY_360: ql.Thirty360(ql.Thirty360.BondBasis),
}
CONVENTIONS = {
    Convention.NONE: ql.Unadjusted,
    Convention.FOLLOWING: ql.Following,
    Convention.MODIFIED_FOLLOWING: ql.ModifiedFollowing,
    Convention.PRECEDING: ql.Preceding,
}


def theirs(on: date) -> ql.Date:
    return ql.Date(on.day, on.month, on.year)


@cache
def bespoke() -> ql.Calendar:
    """QuantLib's calendar with the days off of ours: it knows no moved days off."""
    calendar, ours = ql.BespokeCalendar("ru"), russian_calendar()
    for number in range(date(2024, 1, 1).toordinal(), date(2028, 1, 1).toordinal()):
        if not ours.is_business_day(date.fromordinal(number)):
            calendar.addHoliday(theirs(date.fromordinal(number)))
    return calendar


@given(st.sampled_from(DayCount), st.tuples(DAYS, DAYS).map(sorted))
def test_a_span_is_the_same_fraction_of_a_year(day_count, days):
    start_on, end_on = days

    ours = year_fraction(day_count, start_on, end_on)

    assert float(ours) == pytest.approx(
        DAY_COUNTS[day_count].yearFraction(theirs(start_on), theirs(end_on)), abs=1e-12
    )


@given(st.dates(date(2024, 2, 1), date(2027, 11, 30)), st.sampled_from(Convention))
def test_a_day_is_moved_to_the_same_business_day(on, convention):
    moved = bespoke().adjust(theirs(on), CONVENTIONS[convention])

    assert theirs(russian_calendar().adjust(on, convention)) == moved


@given(st.dates(date(2024, 3, 1), date(2027, 10, 30)), st.integers(-20, 20).filter(bool))
def test_business_days_are_counted_alike(on, days):
    if russian_calendar().is_business_day(on):
        counted = bespoke().advance(theirs(on), days, ql.Days)
        assert theirs(russian_calendar().add_business_days(on, days)) == counted


@pytest.mark.parametrize("name", ["fixed-rate-window", "debt-step-rate", "amortising-receivable", "barrier-note"])
@pytest.mark.parametrize("day_count", DayCount)
def test_the_coupons_of_every_example_are_those_of_a_fixed_rate_leg(example, calendar, name, day_count):
    """Amount of each coupon to a millionth of a kopeck, rounded to the same kopeck, on the same day."""
    terms = example(name, {"/payoff/day_count": day_count.value, "/payments/rounding_scope": "per_holder"})
    leg = fixed_rate_leg(terms)
    coupons = [action for action in actions(terms, calendar=calendar) if action.kind is ActionKind.COUPON]

    assert len(coupons) == len(leg) > 1
    for action, flow in zip(coupons, leg, strict=True):
        exact = per_unit(terms, action, {}, None, calendar=calendar).amount
        assert float(exact) == pytest.approx(flow.amount(), abs=1e-6)
        assert kopecks(exact) == kopecks(Fraction(flow.amount()).limit_denominator(10**6))
        assert theirs(action.pay_on) == flow.date()


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**4),
    st.sets(st.dates(date(2026, 12, 15), date(2027, 12, 1)), min_size=1, max_size=12),
    st.sampled_from(DayCount),
)
def test_any_coupons_are_those_of_a_fixed_rate_leg(example, nominal, rate, days, day_count):
    ends = sorted(days)
    terms = example(
        "fixed-rate-window",
        {
            "/price_kopecks": nominal,
            "/payoff/rate": f"{rate / 10**4:.4f}",
            "/payoff/day_count": day_count.value,
            "/payoff/coupon_dates": [str(on) for on in ends],
            "/redemption/on": str(ends[-1]),
            "/payments/rounding_scope": "per_holder",
        },
    )
    calendar = russian_calendar()

    for action, flow in zip(actions(terms, calendar=calendar), fixed_rate_leg(terms), strict=False):
        exact = per_unit(terms, action, {}, None, calendar=calendar).amount
        assert float(exact) == pytest.approx(flow.amount(), rel=1e-9, abs=1e-6)


def fixed_rate_leg(terms: IssuanceTerms) -> list[ql.CashFlow]:
    """The interest of the terms as QuantLib computes it."""
    payoff = terms.payoff
    nominals = [float(terms.price_kopecks)]
    match payoff:
        case FixedRate() | AutoConvert():
            ends, rates = payoff.coupon_dates, [float(payoff.rate)]
        case Step():
            ends, rates = [coupon.on for coupon in payoff.coupons], [float(one.rate) for one in payoff.coupons]
        case Amortising():
            ends, rates = [part.on for part in payoff.parts], [float(payoff.rate)]
            repaid = [part.principal_kopecks for part in payoff.parts]
            nominals = [float(terms.price_kopecks - sum(repaid[:n])) for n in range(len(repaid))]
        case _:
            raise AssertionError(payoff)
    bounds = [payoff.accrual_start_on, *ends]
    assert all(earlier < later for earlier, later in pairwise(bounds))
    schedule = ql.Schedule([theirs(on) for on in bounds], ql.NullCalendar(), ql.Unadjusted)
    return list(
        ql.FixedRateLeg(
            schedule,
            DAY_COUNTS[payoff.day_count],
            nominals,
            rates,
            paymentAdjustment=CONVENTIONS[terms.payments.business_day_rule],
            paymentCalendar=bespoke(),
        )
    )


def kopecks(exact: Fraction) -> int:
    return divide_rounded(exact.numerator, exact.denominator, Rounding.HALF_UP)
