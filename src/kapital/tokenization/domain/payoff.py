"""What an action pays: exactly for one unit, and rounded by the declared rule for each holder.

All arithmetic is on fractions of whole kopecks; the only rounding is the declared one, once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

from msgspec import Struct

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.money import (
    Rounding,
    divide_rounded,
    format_rubles,
    require_int64,
    split_pro_rata,
)
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry, ensure
from kapital.tokenization.domain.day_count import year_fraction
from kapital.tokenization.domain.schedule import (
    ActionKind,
    Period,
    ScheduledAction,
    accrual_period,
    accruing,
    observed_days,
)
from kapital.tokenization.domain.terms import (
    Amortising,
    Discount,
    Event,
    FixedRate,
    Floating,
    Indexed,
    IssuanceTerms,
    Observation,
    RoundingRule,
    RoundingScope,
    Step,
    decimal,
)

Fixings = Mapping[tuple[str, date], Decimal]
"""Recorded values by series and observed day."""

ROUNDINGS: Final = {
    RoundingRule.HALF_UP: Rounding.HALF_UP,
    RoundingRule.HALF_EVEN: Rounding.HALF_EVEN,
    RoundingRule.DOWN: Rounding.DOWN,
    RoundingRule.UP: Rounding.UP,
}
_ONE_DAY: Final = timedelta(days=1)


class FixingMissing(Problem):
    """A value the payment depends on is not recorded. Facts: `series`, `observed_on`."""

    code = "fixing_missing"
    title = "A value that the payment depends on is not recorded"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class FixingNotUsable(Problem):
    """A recorded value cannot be calculated with. Facts: `series`, `observed_on`, `value`."""

    code = "fixing_not_usable"
    title = "A recorded value cannot be calculated with"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OutcomeMissing(Problem):
    """The outcome of the event is not recorded."""

    code = "outcome_missing"
    title = "The outcome of the event is not recorded"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OutcomeUnknown(Problem):
    """The outcome is not one of those the decision lists. Facts: `outcome`, `allowed`."""

    code = "outcome_unknown"
    title = "The decision knows no such outcome"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class UnitPayout(Struct, frozen=True, kw_only=True):
    """What one unit is paid, in exact kopecks: whole when the rounding scope is per_unit. Never negative.

    `explanation` is the calculation in Russian, as holders see it.
    """

    amount: Fraction
    extinguish: bool
    explanation: str


class Holding(Struct, frozen=True, kw_only=True):
    """Units of one wallet in one position at the record moment."""

    wallet_id: UUID
    position: str
    units: int


class PayoutLine(Struct, frozen=True, kw_only=True):
    """What one wallet is paid for one position, and how many units are extinguished with the payment."""

    wallet_id: UUID
    position: str
    units: int
    amount_kopecks: int
    extinguish_units: int


def per_unit(
    terms: IssuanceTerms,
    action: ScheduledAction,
    fixings: Fixings,
    outcome: str | None,
    *,
    calendar: BusinessCalendar,
) -> UnitPayout:
    """What the action pays for one unit, by the terms and the recorded values alone.

    `outcome` is the confirmed outcome of an event payoff and is not looked at for other payoffs.
    Raises: FixingMissing, FixingNotUsable, OutcomeMissing, OutcomeUnknown, CalendarYearNotCovered.
    """
    match action.kind:
        case ActionKind.COUPON:
            exact, explanation = _coupon(terms, action.nominal_on, fixings, calendar)
        case ActionKind.AMORTISATION:
            exact, explanation = _amortisation(terms, action.nominal_on)
        case ActionKind.REDEMPTION:  # pragma: no branch (mypy: nothing is left)
            exact, explanation = _redemption(terms, fixings, outcome)
    if terms.payments.rounding_scope is RoundingScope.PER_UNIT:
        exact = Fraction(_rounded(terms, exact))
    ensure(exact >= 0, "a holder never owes by a payoff")
    return UnitPayout(
        amount=exact,
        extinguish=action.kind is ActionKind.REDEMPTION,
        explanation=f"{explanation} = {kopecks_text(exact)} на единицу",
    )


def lines(terms: IssuanceTerms, unit: UnitPayout, holdings: Sequence[Holding]) -> list[PayoutLine]:
    """What each holding is paid, in the order given.

    With the scope per_holder the total of a wallet is rounded once and then shared between its positions by
    the largest remainder (ties: position name): a holder gets the same whatever positions the units are in.
    Shape: `holdings` has each wallet and position once; holdings without units, and lines that would neither
    pay nor extinguish, are left out. Raises: AmountOutOfRange.
    """
    by_wallet: dict[UUID, list[Holding]] = defaultdict(list)
    for holding in holdings:
        ensure(holding.units >= 0, "a holder has no negative units")
        by_wallet[holding.wallet_id].append(holding)
    amounts: dict[tuple[UUID, str], int] = {}
    for wallet_id, held in by_wallet.items():
        held.sort(key=lambda holding: holding.position)
        total = require_int64(_rounded(terms, unit.amount * sum(holding.units for holding in held)))
        shares = split_pro_rata(total, [holding.units for holding in held])
        amounts.update({(wallet_id, held[i].position): share for i, share in enumerate(shares)})
    ensure(len(amounts) == len(holdings), "a wallet has each position once")
    return [
        line
        for holding in holdings
        if (line := _line(holding, unit, amounts)).amount_kopecks or line.extinguish_units
    ]


def kopecks_text(exact: Fraction) -> str:
    """Exact kopecks for people: roubles when whole, otherwise roubles with kopecks to six decimals, cut."""
    if exact.denominator == 1:
        return format_rubles(exact.numerator, "ru")
    millionths = exact.numerator * 10**6 // exact.denominator
    return f"{millionths // 10**6},{millionths % 10**6:06d}… коп."


def _line(holding: Holding, unit: UnitPayout, amounts: Mapping[tuple[UUID, str], int]) -> PayoutLine:
    return PayoutLine(
        wallet_id=holding.wallet_id,
        position=holding.position,
        units=holding.units,
        amount_kopecks=amounts[holding.wallet_id, holding.position],
        extinguish_units=holding.units if unit.extinguish else 0,
    )


def _rounded(terms: IssuanceTerms, exact: Fraction) -> int:
    return divide_rounded(exact.numerator, exact.denominator, ROUNDINGS[terms.payments.rounding])


def _coupon(
    terms: IssuanceTerms, coupon_on: date, fixings: Fixings, calendar: BusinessCalendar
) -> tuple[Fraction, str]:
    payoff, period = accruing(terms), accrual_period(terms, coupon_on)
    nominal = terms.price_kopecks
    match payoff:
        case FixedRate():
            rate = decimal(payoff.rate)
        case Step():
            rate = next(decimal(coupon.rate) for coupon in payoff.coupons if coupon.on == coupon_on)
        case Amortising():
            rate = decimal(payoff.rate)
            nominal -= sum(part.principal_kopecks for part in payoff.parts if part.on < coupon_on)
        case Floating():  # pragma: no branch (mypy: nothing is left)
            return _floating_coupon(nominal, payoff, period, fixings, calendar)
    fraction = year_fraction(payoff.day_count, period.start_on, period.end_on)
    text = f"Купон за {_span(period)}: {format_rubles(nominal, 'ru')} × {_percent(rate)} × {fraction}"
    return nominal * Fraction(rate) * fraction, text


def _floating_coupon(
    nominal: int, payoff: Floating, period: Period, fixings: Fixings, calendar: BusinessCalendar
) -> tuple[Fraction, str]:
    factor = Fraction(0)
    for day, observed_on in observed_days(payoff, period, calendar=calendar).items():
        published = _fixing(payoff.observation, observed_on, fixings)
        rate = _within(Fraction(published) / 100 + Fraction(decimal(payoff.spread)), payoff.floor, payoff.cap)
        factor += rate * year_fraction(payoff.day_count, day, day + _ONE_DAY)
    # Without a floor a long run of negative rates could turn the coupon over; a holder never owes.
    exact = max(nominal * factor, Fraction(0))
    days = (period.end_on - period.start_on).days
    spread = _percent(decimal(payoff.spread))
    return exact, (
        f"Купон за {_span(period)}: {format_rubles(nominal, 'ru')} × сумма за {days} дн. "
        f"({payoff.observation.series} + {spread}) по дневным ставкам"
    )


def _amortisation(terms: IssuanceTerms, on: date) -> tuple[Fraction, str]:
    if not isinstance(terms.payoff, Amortising):
        raise InvariantBroken("only an amortising payoff repays in parts")
    principal = next(part.principal_kopecks for part in terms.payoff.parts if part.on == on)
    return Fraction(principal), "Погашение части номинала"


def _redemption(terms: IssuanceTerms, fixings: Fixings, outcome: str | None) -> tuple[Fraction, str]:
    match terms.payoff:
        case FixedRate() | Step() | Floating():
            return Fraction(terms.price_kopecks), "Погашение по номиналу"
        case Discount() as payoff:
            return Fraction(payoff.redemption_kopecks), "Погашение по цене погашения"
        case Amortising() as payoff:
            return Fraction(payoff.parts[-1].principal_kopecks), "Погашение последней части номинала"
        case Indexed() as payoff:
            return _indexed(terms.price_kopecks, payoff, fixings)
        case Event() as payoff:  # pragma: no branch (mypy: nothing is left)
            return _event(payoff, outcome)


def _indexed(nominal: int, payoff: Indexed, fixings: Fixings) -> tuple[Fraction, str]:
    if payoff.initial_value is not None:
        initial = decimal(payoff.initial_value)
    else:
        initial = _fixing(payoff.observation, payoff.initial_on, fixings)
        if initial <= 0:
            raise _not_usable(payoff.observation, payoff.initial_on, initial)
    final = _fixing(payoff.observation, payoff.final_on, fixings)
    change = Fraction(decimal(payoff.participation)) * (Fraction(final) / Fraction(initial) - 1)
    result = _within(change, payoff.floor, payoff.cap)
    text = (
        f"Погашение: {format_rubles(nominal, 'ru')} × (1 + r), r = {payoff.participation} × "
        f"({final} / {initial} − 1), не ниже {_percent(decimal(payoff.floor))}"
    )
    if payoff.cap is not None:
        text += f" и не выше {_percent(decimal(payoff.cap))}"
    return nominal * (1 + result), text


def _event(payoff: Event, outcome: str | None) -> tuple[Fraction, str]:
    if outcome is None:
        raise OutcomeMissing("the outcome of the event is not recorded yet")
    for known in payoff.outcomes:
        if known.code == outcome:
            return Fraction(known.amount_kopecks), f"Погашение по исходу «{known.code}»"
    allowed = " ".join(known.code for known in payoff.outcomes)
    raise OutcomeUnknown(f"the outcomes are {allowed}", {"outcome": outcome[:50], "allowed": allowed})


def _fixing(observation: Observation, observed_on: date, fixings: Fixings) -> Decimal:
    value = fixings.get((observation.series, observed_on))
    if value is None:
        facts = {"series": observation.series, "observed_on": observed_on.isoformat()}
        raise FixingMissing(f"{observation.series} of {observed_on.isoformat()} is not recorded", facts)
    if not value.is_finite():
        raise _not_usable(observation, observed_on, value)
    return value


def _not_usable(observation: Observation, observed_on: date, value: Decimal) -> FixingNotUsable:
    facts = {"series": observation.series, "observed_on": observed_on.isoformat(), "value": str(value)[:50]}
    return FixingNotUsable(f"{observation.series} of {observed_on.isoformat()} is {value}", facts)


def _within(value: Fraction, floor: str | None, cap: str | None) -> Fraction:
    if floor is not None:
        value = max(value, Fraction(decimal(floor)))
    return value if cap is None else min(value, Fraction(decimal(cap)))


def _span(period: Period) -> str:
    return f"{period.start_on:%d.%m.%Y}–{period.end_on:%d.%m.%Y}"


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %".replace(".", ",")
