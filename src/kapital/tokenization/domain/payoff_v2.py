"""Version 2 of the payoff code: everything of version 1, and baskets, barrier notes and early redemption.

Like version 1 it is kept as it is for the life of every issue that names its hash; see `evaluator`. All arithmetic
is on fractions of whole kopecks; the only rounding is the declared one, once.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from msgspec.structs import replace

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.money import divide_rounded, format_rubles, split_pro_rata
from kapital.kernel.problems import ensure
from kapital.tokenization.domain import payoff as version_1
from kapital.tokenization.domain.early_options import AnyOption
from kapital.tokenization.domain.payoff import ROUNDINGS, FixingMissing, FixingNotUsable, UnitPayout, kopecks_text
from kapital.tokenization.domain.schedule import ActionKind, ScheduledAction
from kapital.tokenization.domain.terms import (
    Amortising,
    AutoConvert,
    Basket,
    BasketComponent,
    BasketRule,
    FixedRate,
    IssuanceTerms,
    Observation,
    RoundingScope,
    decimal,
)

Fixings = Mapping[tuple[str, date], Decimal]


def per_unit(
    terms: IssuanceTerms,
    action: ScheduledAction,
    fixings: Fixings,
    outcome: str | None,
    *,
    calendar: BusinessCalendar,
) -> UnitPayout:
    """What the action pays for one unit; see version 1, whose promises and refusals are these."""
    payoff = terms.payoff
    if isinstance(payoff, AutoConvert) and action.kind is ActionKind.COUPON:
        coupons = FixedRate(
            rate=payoff.rate,
            day_count=payoff.day_count,
            accrual_start_on=payoff.accrual_start_on,
            coupon_dates=payoff.coupon_dates,
        )
        return version_1.per_unit(replace(terms, payoff=coupons), action, fixings, outcome, calendar=calendar)
    if not isinstance(payoff, Basket | AutoConvert):
        return version_1.per_unit(terms, action, fixings, outcome, calendar=calendar)
    ensure(action.kind is ActionKind.REDEMPTION, "a basket and a barrier note repay nothing in parts")
    if isinstance(payoff, Basket):
        exact, explanation = _basket(terms.price_kopecks, payoff, fixings)
    else:
        exact, explanation = _barrier(terms.price_kopecks, payoff, fixings)
    return _unit(terms, exact, explanation)


def early_price(terms: IssuanceTerms, option: AnyOption) -> UnitPayout:
    """What one unit is paid when it is redeemed early by `option`, beside the coupon of that day.

    The price is of the nominal that is not yet repaid; a part that falls on the same day is repaid before.
    """
    rest = outstanding(terms, option.on)
    price = decimal(option.price)
    text = f"Досрочное погашение: {format_rubles(rest, 'ru')} × {_comma((price * 100).normalize())} %"
    return _unit(terms, rest * Fraction(price), text)


def outstanding(terms: IssuanceTerms, on: date) -> int:
    """The nominal of one unit that is not repaid at the end of a day, in kopecks."""
    if not isinstance(terms.payoff, Amortising):
        return terms.price_kopecks
    return terms.price_kopecks - sum(part.principal_kopecks for part in terms.payoff.parts if part.on <= on)


def bought_back(units_max: int, accepted: Mapping[str, int]) -> dict[str, int]:
    """How many units of each holder an offer buys: all, or `units_max` shared by the largest remainder.

    Ties go to the holder whose name stands first, so that the same acceptances always give the same shares.
    """
    names = sorted(name for name, units in accepted.items() if units > 0)
    wanted = [accepted[name] for name in names]
    shares = wanted if sum(wanted) <= units_max else split_pro_rata(units_max, wanted)
    return {name: share for name, share in zip(names, shares, strict=True) if share}


def _unit(terms: IssuanceTerms, exact: Fraction, explanation: str) -> UnitPayout:
    if terms.payments.rounding_scope is RoundingScope.PER_UNIT:
        exact = Fraction(divide_rounded(exact.numerator, exact.denominator, ROUNDINGS[terms.payments.rounding]))
    ensure(exact >= 0, "a holder never owes by a payoff")
    return UnitPayout(amount=exact, extinguish=True, explanation=f"{explanation} = {kopecks_text(exact)} на единицу")


def _basket(nominal: int, payoff: Basket, fixings: Fixings) -> tuple[Fraction, str]:
    changes = [_change(component, payoff, fixings) for component in payoff.components]
    match payoff.rule:
        case BasketRule.WEIGHTED:
            weights = [Fraction(decimal(component.weight or "0")) for component in payoff.components]
            whole = sum((weight * change for weight, change in zip(weights, changes, strict=True)), Fraction(0))
        case BasketRule.WORST_OF:
            whole = min(changes)
        case BasketRule.BEST_OF:  # pragma: no branch (mypy: nothing is left)
            whole = max(changes)
    result = max(Fraction(decimal(payoff.participation)) * whole, Fraction(decimal(payoff.floor)))
    bounds = f"не ниже {_comma(payoff.floor)}"
    if payoff.cap is not None:
        result = min(result, Fraction(decimal(payoff.cap)))
        bounds += f" и не выше {_comma(payoff.cap)}"
    parts = "; ".join(
        f"{component.observation.series}: {_signed(change)}"
        for component, change in zip(payoff.components, changes, strict=True)
    )
    return nominal * (1 + result), (
        f"Погашение: {format_rubles(nominal, 'ru')} × (1 + r), r = {_comma(payoff.participation)} × "
        f"{_RULES[payoff.rule]} ({parts}), {bounds}"
    )


def _change(component: BasketComponent, payoff: Basket, fixings: Fixings) -> Fraction:
    initial = _initial(component.observation, component.initial_value, payoff.initial_on, fixings)
    return Fraction(_price(component.observation, payoff.final_on, fixings)) / Fraction(initial) - 1


def _barrier(nominal: int, payoff: AutoConvert, fixings: Fixings) -> tuple[Fraction, str]:
    observation = payoff.observation
    initial = _initial(observation, payoff.initial_value, payoff.initial_on, fixings)
    level = Fraction(initial) * Fraction(decimal(payoff.barrier))
    # Every day is looked at, so that a missing value is a refusal whatever the others say.
    crossed = [on for on in payoff.barrier_days if _price(observation, on, fixings) < level]
    final = _price(observation, payoff.final_on, fixings)
    if not crossed:
        return Fraction(nominal), f"Погашение по номиналу: значение не опускалось ниже {_comma(payoff.barrier)}"
    share = min(max(Fraction(final) / Fraction(initial), Fraction(decimal(payoff.floor))), Fraction(1))
    return nominal * share, (
        f"Погашение после конвертации (барьер пройден {crossed[0]:%d.%m.%Y}): {format_rubles(nominal, 'ru')} × "
        f"{_comma(final)} / {_comma(initial)}, не ниже {_comma(payoff.floor)} и не выше 1"
    )


def _initial(observation: Observation, fixed: str | None, on: date, fixings: Fixings) -> Decimal:
    return decimal(fixed) if fixed is not None else _price(observation, on, fixings, positive=True)


def _price(observation: Observation, on: date, fixings: Fixings, *, positive: bool = False) -> Decimal:
    value = fixings.get((observation.series, on))
    facts = {"series": observation.series, "observed_on": on.isoformat()}
    if value is None:
        raise FixingMissing(f"{observation.series} of {on.isoformat()} is not recorded", facts)
    if not value.is_finite() or value < 0 or (positive and value == 0):
        shown = facts | {"value": str(value)[:50]}
        raise FixingNotUsable(f"{observation.series} of {on.isoformat()} is {value}", shown)
    return value


def _signed(change: Fraction) -> str:
    """A change in percent, cut to four decimals."""
    hundredths = int(change * 10**6)
    return f"{'−' if hundredths < 0 else '+'}{abs(hundredths) // 10**4},{abs(hundredths) % 10**4:04d} %"


def _comma(number: Decimal | str) -> str:
    return (f"{number:f}" if isinstance(number, Decimal) else number).replace(".", ",")


_RULES = {
    BasketRule.WEIGHTED: "взвешенное изменение",
    BasketRule.WORST_OF: "изменение худшей составляющей",
    BasketRule.BEST_OF: "изменение лучшей составляющей",
}
