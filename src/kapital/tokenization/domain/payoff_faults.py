"""What can be wrong with a payoff, before any calendar is asked; the texts stand in `fault_catalogue`."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from msgspec import UnsetType

from kapital.kernel.calendar import moscow_day
from kapital.tokenization.domain.series_catalogue import SERIES, SeriesKind, is_of_host
from kapital.tokenization.domain.terms import (
    Amortising,
    AutoConvert,
    Basket,
    BasketRule,
    DayCount,
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

VOLUME_KOPECKS_MAX: Final = 2**53 - 1
SITE: Final = re.compile(r"https://[^\s/]+\.[^\s/]+(/\S*)?")
"""What an address of a site looks like."""
Finding = tuple[str, str, dict[str, str | int]]
"""Code, pointer and the numbers of the case."""


def payoff_findings(terms: IssuanceTerms) -> Iterator[Finding]:
    """Everything about the payoff that can be said without a calendar."""
    match terms.payoff:
        case FixedRate() as payoff:
            if decimal(payoff.rate) <= 0:
                yield "rate_not_positive", "/payoff/rate", {}
            yield from _rate(payoff.rate, "/payoff/rate")
            yield from _interest_days(terms, payoff.accrual_start_on, payoff.coupon_dates, "coupon_dates")
        case Step() as payoff:
            yield from _step(terms, payoff)
        case Amortising() as payoff:
            yield from _amortising(terms, payoff)
        case Floating() as payoff:
            yield from _floating(terms, payoff)
        case Discount() as payoff:
            if payoff.redemption_kopecks <= terms.price_kopecks:
                yield "redemption_not_above_price", "/payoff/redemption_kopecks", {}
            yield from _payout(terms, payoff.redemption_kopecks, "/payoff/redemption_kopecks")
        case Indexed() as payoff:
            yield from _indexed(payoff)
        case Event() as payoff:
            yield from _event(terms, payoff)
        case Basket() as payoff:
            yield from _basket(payoff)
        case AutoConvert() as payoff:  # pragma: no branch (mypy: nothing is left)
            yield from _auto_convert(terms, payoff)


def _step(terms: IssuanceTerms, payoff: Step) -> Iterator[Finding]:
    for index, coupon in enumerate(payoff.coupons):
        if decimal(coupon.rate) < 0:
            yield "rate_negative", f"/payoff/coupons/{index}/rate", {}
        yield from _rate(coupon.rate, f"/payoff/coupons/{index}/rate")
    if all(decimal(coupon.rate) == 0 for coupon in payoff.coupons):
        yield "rate_not_positive", "/payoff/coupons", {}
    days = [coupon.on for coupon in payoff.coupons]
    yield from _interest_days(terms, payoff.accrual_start_on, days, "coupons")


def _amortising(terms: IssuanceTerms, payoff: Amortising) -> Iterator[Finding]:
    if decimal(payoff.rate) < 0:
        yield "rate_negative", "/payoff/rate", {}
    yield from _rate(payoff.rate, "/payoff/rate")
    for index, part in enumerate(payoff.parts):
        if part.principal_kopecks == 0:
            yield "part_zero", f"/payoff/parts/{index}/principal_kopecks", {}
    repaid = sum(part.principal_kopecks for part in payoff.parts)
    if terms.price_kopecks and repaid != terms.price_kopecks:
        yield "parts_differ_from_nominal", "/payoff/parts", {"sum": repaid, "nominal": terms.price_kopecks}
    days = [part.on for part in payoff.parts]
    yield from _interest_days(terms, payoff.accrual_start_on, days, "parts")


def _floating(terms: IssuanceTerms, payoff: Floating) -> Iterator[Finding]:
    if payoff.day_count is DayCount.THIRTY_360:
        yield "floating_day_count", "/payoff/day_count", {}
    for name in ("spread", "floor", "cap"):
        yield from _rate(getattr(payoff, name), f"/payoff/{name}")
    yield from _floor_and_cap(payoff.floor, payoff.cap)
    yield from _source(payoff.observation, "/payoff/observation", SeriesKind.RATE)
    yield from _interest_days(terms, payoff.accrual_start_on, payoff.coupon_dates, "coupon_dates")


def _indexed(payoff: Indexed) -> Iterator[Finding]:
    yield from _floor_and_cap(payoff.floor, payoff.cap)
    if decimal(payoff.floor) < -1:
        yield "floor_below_minus_one", "/payoff/floor", {"floor": payoff.floor}
    if decimal(payoff.participation) <= 0:
        yield "participation_not_positive", "/payoff/participation", {}
    if payoff.initial_value is not None and decimal(payoff.initial_value) <= 0:
        yield "initial_value_not_positive", "/payoff/initial_value", {}
    if payoff.initial_on >= payoff.final_on:
        yield "initial_not_before_final", "/payoff/initial_on", {}
    yield from _source(payoff.observation, "/payoff/observation", SeriesKind.PRICE)


def _rate(rate: str | None, pointer: str) -> Iterator[Finding]:
    if rate is not None and abs(decimal(rate)) > 1:
        yield "rate_looks_like_percent", pointer, {"rate": rate}


def _payout(terms: IssuanceTerms, amount_kopecks: int, pointer: str) -> Iterator[Finding]:
    if amount_kopecks * terms.quantity_max > VOLUME_KOPECKS_MAX:
        yield "payout_out_of_range", pointer, {}


def _floor_and_cap(floor: str | None, cap: str | None) -> Iterator[Finding]:
    if floor is not None and cap is not None and decimal(floor) > decimal(cap):
        yield "floor_above_cap", "/payoff/floor", {"floor": floor, "cap": cap}


def _event(terms: IssuanceTerms, payoff: Event) -> Iterator[Finding]:
    codes = [outcome.code for outcome in payoff.outcomes]
    for index, outcome in enumerate(payoff.outcomes):
        yield from _payout(terms, outcome.amount_kopecks, f"/payoff/outcomes/{index}/amount_kopecks")
    for index, code in enumerate(codes):
        if code in codes[:index]:
            yield "outcome_repeated", f"/payoff/outcomes/{index}/code", {"outcome": code}
    if payoff.fallback_outcome not in codes:
        yield "fallback_outcome_unknown", "/payoff/fallback_outcome", {}
    if not SITE.fullmatch(payoff.source_url):
        yield "source_not_url", "/payoff/source_url", {}


def _interest_days(
    terms: IssuanceTerms, accrual_start_on: date, days: Sequence[date], field: str
) -> Iterator[Finding]:
    if accrual_start_on < moscow_day(terms.placement_start_at):
        yield "accrual_before_placement", "/payoff/accrual_start_on", {}
    if not ascend(days):
        # Which day is the first or the last has no meaning then.
        yield "days_not_ascending", f"/payoff/{field}", {}
        return
    if days[0] <= accrual_start_on:
        yield "coupon_before_accrual", f"/payoff/{field}/0", {}
    last: dict[str, str | int] = {"on": days[-1].isoformat()}
    if days[-1] > terms.redemption.on:
        yield "coupon_after_redemption", f"/payoff/{field}/{len(days) - 1}", last
    if days[-1] < terms.redemption.on:
        yield "last_payment_before_redemption", f"/payoff/{field}/{len(days) - 1}", last


def ascend(days: Sequence[date]) -> bool:
    """Whether days strictly ascend."""
    return all(earlier < later for earlier, later in pairwise(days))


def _basket(payoff: Basket) -> Iterator[Finding]:
    yield from _floor_and_cap(payoff.floor, payoff.cap)
    if decimal(payoff.floor) < -1:
        yield "floor_below_minus_one", "/payoff/floor", {"floor": payoff.floor}
    if decimal(payoff.participation) <= 0:
        yield "participation_not_positive", "/payoff/participation", {}
    if payoff.initial_on >= payoff.final_on:
        yield "initial_not_before_final", "/payoff/initial_on", {}
    yield from _weights(payoff)
    series = [component.observation.series for component in payoff.components]
    for index, component in enumerate(payoff.components):
        pointer = f"/payoff/components/{index}"
        if series[index] in series[:index]:
            yield "component_repeated", f"{pointer}/observation/series", {"series": series[index]}
        if component.initial_value is not None and decimal(component.initial_value) <= 0:
            yield "initial_value_not_positive", f"{pointer}/initial_value", {}
        yield from _source(component.observation, f"{pointer}/observation", SeriesKind.PRICE)


def _weights(payoff: Basket) -> Iterator[Finding]:
    weights = [component.weight for component in payoff.components]
    if payoff.rule is not BasketRule.WEIGHTED:
        for index, weight in enumerate(weights):
            if weight is not None:
                yield "weight_meaningless", f"/payoff/components/{index}/weight", {"rule": payoff.rule.value}
        return
    known = [decimal(weight) for weight in weights if weight is not None]
    for index, weight in enumerate(weights):
        if weight is None or decimal(weight) <= 0:
            yield "weight_not_positive", f"/payoff/components/{index}/weight", {}
    if len(known) == len(weights) and min(known) > 0 and sum(known) != 1:
        yield "weights_not_one", "/payoff/components", {"sum": f"{sum(known):f}"}


def _auto_convert(terms: IssuanceTerms, payoff: AutoConvert) -> Iterator[Finding]:
    if payoff.delivery == "securities":
        yield "delivery_not_supported", "/payoff/delivery", {}
    if decimal(payoff.rate) <= 0:
        yield "rate_not_positive", "/payoff/rate", {}
    yield from _rate(payoff.rate, "/payoff/rate")
    if not 0 < decimal(payoff.barrier) <= 1:
        yield "barrier_out_of_range", "/payoff/barrier", {"barrier": payoff.barrier}
    if not 0 <= decimal(payoff.floor) <= 1:
        yield "conversion_floor_out_of_range", "/payoff/floor", {"floor": payoff.floor}
    if payoff.initial_value is not None and decimal(payoff.initial_value) <= 0:
        yield "initial_value_not_positive", "/payoff/initial_value", {}
    if payoff.initial_on >= payoff.final_on:
        yield "initial_not_before_final", "/payoff/initial_on", {}
    days = payoff.barrier_days
    if not ascend(days):
        yield "barrier_days_not_ascending", "/payoff/barrier_days", {}
    elif days[0] <= payoff.initial_on or days[-1] > payoff.final_on:
        yield "barrier_days_out_of_span", "/payoff/barrier_days", {}
    yield from _source(payoff.observation, "/payoff/observation", SeriesKind.PRICE)
    yield from _interest_days(terms, payoff.accrual_start_on, payoff.coupon_dates, "coupon_dates")


def _source(observation: Observation, pointer: str, kind: SeriesKind) -> Iterator[Finding]:
    is_url = SITE.fullmatch(observation.source_url) is not None
    if not is_url:
        yield "source_not_url", f"{pointer}/source_url", {}
    known = SERIES.get(observation.series)
    if known is None:
        yield "series_unknown", f"{pointer}/series", {"series": observation.series, "known": ", ".join(SERIES)}
        return
    if known.kind is not kind:
        yield "series_of_another_kind", f"{pointer}/series", {"series": observation.series}
    if is_url and not is_of_host(observation.source_url, known.host):
        yield "source_of_another_host", f"{pointer}/source_url", {"series": observation.series, "host": known.host}
    if observation.publication_lag_business_days < known.lag_min:
        facts: dict[str, str | int] = {"series": observation.series, "lag": known.lag_min}
        yield "published_later", f"{pointer}/publication_lag_business_days", facts
    yield from _substitute_source(observation, f"{pointer}/substitute_series", kind)


def _substitute_source(observation: Observation, pointer: str, kind: SeriesKind) -> Iterator[Finding]:
    """A fallback to another source names it by its series, else nobody could perform it."""
    named = observation.substitute_series
    if isinstance(named, UnsetType):
        if observation.fallback == "substitute_source":
            yield "substitute_not_named", pointer, {}
        return
    if observation.fallback != "substitute_source":
        yield "substitute_not_asked", pointer, {"fallback": observation.fallback}
    if named == observation.series:
        yield "substitute_is_itself", pointer, {"series": named}
    elif (known := SERIES.get(named)) is None:
        yield "series_unknown", pointer, {"series": named, "known": ", ".join(SERIES)}
    elif known.kind is not kind:
        yield "series_of_another_kind", pointer, {"series": named}
