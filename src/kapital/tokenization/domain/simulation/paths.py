"""Paths of outside values for a simulation: stated, or random by a seed and the same everywhere.

A random value is drawn by SHA-256 of seed, series and day, in whole steps: no floating point and no generator whose
stream could change with a version. The walks are for seeing how terms react; they are no model of a market.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from msgspec import UnsetType

from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.domain.schedule import actions, observations, required_fixings
from kapital.tokenization.domain.series_catalogue import SERIES, SeriesKind
from kapital.tokenization.domain.terms import Event, IssuanceTerms

Fixings = dict[tuple[str, date], Decimal]

START: Final = {SeriesKind.RATE: Decimal(14), SeriesKind.PRICE: Decimal(100)}
"""Where a path begins when nobody says otherwise: 14 % a year, or 100."""
_AROUND: Final = timedelta(days=31)
"""How far paths reach beyond the observed days, so that a fallback finds its value."""
_MEETINGS_OF_250: Final = 8
_KEY_RATE_STEPS: Final = ("-1", "-0.5", "-0.25", "0.25", "0.5", "1")
_RATE_STEP_MAX: Final = 15
_PRICE_STEP_MAX: Final = 200
_LEAST_PRICE: Final = Decimal("0.0001")


def needed(terms: IssuanceTerms, *, calendar: BusinessCalendar) -> dict[str, list[date]]:
    """The days of each series that the payments look at, ascending."""
    days: dict[str, set[date]] = {}
    for action in actions(terms, calendar=calendar):
        for need in required_fixings(terms, action, calendar=calendar):
            days.setdefault(need.series, set()).add(need.observed_on)
    return {series: sorted(on) for series, on in sorted(days.items())}


def looked_at_series(terms: IssuanceTerms) -> set[str]:
    """The series that the payments look at, and those that stand in for one that is silent."""
    found = observations(terms)
    named = (one.substitute_series for one in found.values())
    return set(found) | {series for series in named if not isinstance(series, UnsetType)}


def constant(terms: IssuanceTerms, starts: Mapping[str, Decimal], *, calendar: BusinessCalendar) -> Fixings:
    """Each series at one value on every business day."""
    return {
        (series, on): starts.get(series, _start(series))
        for series, days in needed(terms, calendar=calendar).items()
        for on in _business_days(days, calendar)
    }


def random_walk(
    terms: IssuanceTerms, starts: Mapping[str, Decimal], *, seed: int, calendar: BusinessCalendar
) -> Fixings:
    """Each series on a walk of its own: the key rate by jumps of a meeting, other rates and prices a step a day."""
    path: Fixings = {}
    for series, days in needed(terms, calendar=calendar).items():
        value = starts.get(series, _start(series))
        for on in _business_days(days, calendar):
            path[series, on] = value
            value = _stepped(series, value, int(sha256(f"{seed}/{series}/{on}".encode()).hexdigest(), 16))
    return path


def random_outcome(terms: IssuanceTerms, *, seed: int) -> str | None:
    """An outcome of the event, each as likely as the others; None for other payoffs."""
    if not isinstance(terms.payoff, Event):
        return None
    codes = [outcome.code for outcome in terms.payoff.outcomes]
    return codes[int(sha256(f"{seed}/outcome".encode()).hexdigest(), 16) % len(codes)]


def _start(series: str) -> Decimal:
    known = SERIES.get(series)
    return START[SeriesKind.PRICE if known is None else known.kind]


def _stepped(series: str, value: Decimal, drawn: int) -> Decimal:
    if series == "cbr_key_rate":
        if drawn % 250 >= _MEETINGS_OF_250:
            return value
        step = Decimal(_KEY_RATE_STEPS[drawn // 250 % len(_KEY_RATE_STEPS)])
        return max(value + step, Decimal(0))
    if series in SERIES and SERIES[series].kind is SeriesKind.RATE:
        step = Decimal(drawn % (2 * _RATE_STEP_MAX + 1) - _RATE_STEP_MAX) / 100
        return max(value + step, Decimal(0))
    change = Decimal(drawn % (2 * _PRICE_STEP_MAX + 1) - _PRICE_STEP_MAX) / 10_000
    return max((value * (1 + change)).quantize(_LEAST_PRICE), _LEAST_PRICE)


def _business_days(days: list[date], calendar: BusinessCalendar) -> Iterator[date]:
    first = max(days[0] - _AROUND, date(calendar.first_year, 1, 1))
    last = min(days[-1] + _AROUND, date(calendar.last_year, 12, 31))
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        if calendar.is_business_day(on):
            yield on
