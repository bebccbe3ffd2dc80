"""When a decision pays: its corporate actions, their record moments, and the outside values they need.

Days of the decision are nominal: interest runs between them, whatever the calendar says. Only the day of
payment moves to a business day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct

from kapital.kernel.calendar import MOSCOW, BusinessCalendar
from kapital.kernel.problems import InvariantBroken, ensure
from kapital.tokenization.domain.terms import (
    Accruing,
    Amortising,
    AtEnd,
    AutoConvert,
    Basket,
    Discount,
    Event,
    FixedRate,
    Floating,
    Indexed,
    IssuanceTerms,
    Observation,
    Step,
    decimal,
)

_ONE_DAY = timedelta(days=1)


class ActionKind(StrEnum):
    """Kind of an action; a partial repayment of the nominal is an amortisation. The last three end units early."""

    COUPON = "coupon"
    AMORTISATION = "amortisation"
    REDEMPTION = "redemption"
    CALL = "call"
    PUT = "put"
    BUYBACK = "buyback"


class ScheduledAction(Struct, frozen=True, kw_only=True):
    """One payment of the issue (корпоративное действие), numbered from 1 in order of payment.

    `pay_on` is `nominal_on` moved by the business-day rule; `pay_by_on` the last day of the window (the same
    day for coupons and amortisations). `record_at` (UTC) is the instant of the list of holders, set in
    Moscow time: the start of `pay_on` for a redemption with a transfer lock, else the declared time
    `record_business_days_before` business days before `pay_on`.
    """

    number: int
    kind: ActionKind
    nominal_on: date
    pay_on: date
    pay_by_on: date
    record_at: datetime


class Period(Struct, frozen=True):
    """A span in which interest runs: from `start_on` included to `end_on` excluded."""

    start_on: date
    end_on: date


class FixingNeed(Struct, frozen=True, kw_only=True):
    """A value that must be recorded before an action can be calculated, and when the source has it (UTC)."""

    series: str
    observed_on: date
    available_at: datetime


def actions(terms: IssuanceTerms, *, calendar: BusinessCalendar) -> list[ScheduledAction]:
    """Every payment of the terms in order: by day, and on one day coupon, amortisation, redemption.

    Shape: exactly one redemption, the last. Raises: CalendarYearNotCovered.
    """
    return [action_of(terms, number, *day, calendar) for number, day in enumerate(nominal_days(terms), start=1)]


def nominal_days(terms: IssuanceTerms) -> list[tuple[date, ActionKind]]:
    """The nominal day and the kind of every payment of the terms, in the order of `actions`."""
    days = [(on, ActionKind.COUPON) for on in coupon_days(terms)]
    if isinstance(terms.payoff, Amortising):
        days += [(part.on, ActionKind.AMORTISATION) for part in terms.payoff.parts[:-1]]
    days.append((terms.redemption.on, ActionKind.REDEMPTION))
    # The order of the enumeration, not of the texts, in which amortisation would come first.
    ranks = {kind: rank for rank, kind in enumerate(ActionKind)}
    return sorted(days, key=lambda day: (day[0], ranks[day[1]]))


def required_fixings(
    terms: IssuanceTerms, action: ScheduledAction, *, calendar: BusinessCalendar
) -> list[FixingNeed]:
    """The values `payoff.per_unit` will look up for the action, each once, in order of the observed day.

    Raises: CalendarYearNotCovered.
    """
    payoff = terms.payoff
    if isinstance(payoff, Floating) and action.kind is ActionKind.COUPON:
        period = accrual_period(terms, action.nominal_on)
        observed = observed_days(payoff, period, calendar=calendar)
        return [_need(payoff.observation, on, calendar) for on in sorted(set(observed.values()))]
    if isinstance(payoff, Indexed) and action.kind is ActionKind.REDEMPTION:
        days = [payoff.final_on] if payoff.initial_value is not None else [payoff.initial_on, payoff.final_on]
        return [_need(payoff.observation, on, calendar) for on in days]
    if isinstance(payoff, Basket) and action.kind is ActionKind.REDEMPTION:
        return _basket_needs(payoff, calendar)
    if isinstance(payoff, AutoConvert) and action.kind is ActionKind.REDEMPTION:
        days = [*payoff.barrier_days, payoff.final_on]
        if payoff.initial_value is None:
            days.append(payoff.initial_on)
        return [_need(payoff.observation, on, calendar) for on in sorted(set(days))]
    return []


def observations(terms: IssuanceTerms) -> dict[str, Observation]:
    """The sources that the payments look at, by the series."""
    match terms.payoff:
        case Floating() | Indexed() | AutoConvert() as payoff:
            found = [payoff.observation]
        case Basket() as payoff:
            found = [component.observation for component in payoff.components]
        case _:
            found = []
    return {observation.series: observation for observation in found}


def coupon_days(terms: IssuanceTerms) -> Sequence[date]:
    """The nominal days on which interest periods end; none when nothing is accrued."""
    match terms.payoff:
        case FixedRate() | Floating() | AutoConvert() as payoff:
            return payoff.coupon_dates
        case Step() as payoff:
            return [coupon.on for coupon in payoff.coupons]
        case Amortising() as payoff:
            # An interest-free money claim paid in parts has no coupons at all.
            return [part.on for part in payoff.parts] if decimal(payoff.rate) > 0 else []
        case Discount() | Indexed() | Event() | Basket():  # pragma: no branch (mypy: nothing is left)
            return []


def accruing(terms: IssuanceTerms) -> Accruing:
    """The payoff of terms that accrue interest; for others it is our own fault to ask."""
    if isinstance(terms.payoff, AtEnd):
        raise InvariantBroken("the payoff accrues nothing")
    return terms.payoff


def accrual_period(terms: IssuanceTerms, coupon_on: date) -> Period:
    """The interest period that ends on the nominal coupon day; the first begins with the accrual."""
    days = list(coupon_days(terms))
    ensure(coupon_on in days, "not a day of a coupon")
    index = days.index(coupon_on)
    return Period(accruing(terms).accrual_start_on if index == 0 else days[index - 1], coupon_on)


def observed_days(payoff: Floating, period: Period, *, calendar: BusinessCalendar) -> dict[date, date]:
    """For each calendar day of the period the business day whose published rate it takes."""
    observed: dict[date, date] = {}
    day = period.start_on
    while day < period.end_on:
        is_business = calendar.is_business_day(day)
        latest = day if is_business else calendar.add_business_days(day, -1)
        observed[day] = calendar.add_business_days(latest, -payoff.lag_business_days)
        day += _ONE_DAY
    return observed


def early_pay_on(terms: IssuanceTerms, on: date, calendar: BusinessCalendar) -> date:
    """The day on which an early end of a nominal day is paid. Raises: CalendarYearNotCovered."""
    return calendar.adjust(on, terms.payments.business_day_rule)


def last_notice_on(terms: IssuanceTerms, on: date, calendar: BusinessCalendar, *, least: int) -> date:
    """The last day on which a notice about the nominal day `on` is in time, at least `least` business days before.

    Raises: CalendarYearNotCovered.
    """
    return calendar.add_business_days(on, -max(terms.early_redemption.notice_business_days, least))


def moscow_instant(on: date, clock_text: str) -> datetime:
    """The instant (UTC) of a Moscow day and hh:mm."""
    return datetime.combine(on, time.fromisoformat(clock_text), MOSCOW).astimezone(UTC)


def action_of(
    terms: IssuanceTerms, number: int, on: date, kind: ActionKind, calendar: BusinessCalendar
) -> ScheduledAction:
    """The payment with this number, nominal day and kind. Raises: CalendarYearNotCovered."""
    rules = terms.payments
    pay_on = calendar.adjust(on, rules.business_day_rule)
    pay_by_on, record_on, record_clock = pay_on, pay_on, "00:00"
    if kind is ActionKind.REDEMPTION:
        pay_by_on = calendar.add_business_days(pay_on, terms.redemption.window_days - 1)
    if kind is not ActionKind.REDEMPTION or not terms.redemption.transfer_lock:
        record_on = calendar.add_business_days(pay_on, -rules.record_business_days_before)
        record_clock = rules.record_at
    return ScheduledAction(
        number=number,
        kind=kind,
        nominal_on=on,
        pay_on=pay_on,
        pay_by_on=pay_by_on,
        record_at=moscow_instant(record_on, record_clock),
    )


def _need(observation: Observation, on: date, calendar: BusinessCalendar) -> FixingNeed:
    published_on = calendar.add_business_days(on, observation.publication_lag_business_days)
    return FixingNeed(
        series=observation.series,
        observed_on=on,
        available_at=moscow_instant(published_on, observation.fixing_at),
    )


def _basket_needs(payoff: Basket, calendar: BusinessCalendar) -> list[FixingNeed]:
    """Each series once on a day, by the observed day and then in the order of the components."""
    needs = {
        (component.observation.series, on): _need(component.observation, on, calendar)
        for component in payoff.components
        for on in ([payoff.final_on] if component.initial_value is not None else [payoff.initial_on, payoff.final_on])
    }
    return sorted(needs.values(), key=lambda need: need.observed_on)
