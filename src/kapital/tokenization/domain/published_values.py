"""Outside values as their sources publish them, and what stands in for one that is missing.

A value is never guessed: the fallback that the decision states leads to one published value, and that one counts for
this issue when two persons have recorded and confirmed it (2E). Law: domain.md 2.2, 3.6; 4, scenarios 31-33.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from msgspec import Struct, UnsetType

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.problems import Family, Problem, Retry
from kapital.tokenization.domain.terms import Observation

Fixings = Mapping[tuple[str, date], Decimal]
_ONE_DAY = timedelta(days=1)
_LOOK_DAYS = 31
"""How far a fallback looks: a source that is silent for a month is a matter for people, not for a rule."""


class FixingValuesDiffer(Problem):
    """One series has two values for one day. Facts: `series`, `observed_on`, `first`, `second`."""

    code = "fixing_values_differ"
    title = "One day has two different values"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class FallbackFindsNothing(Problem):
    """The fallback of the decision leads to no published value. Facts: `series`, `observed_on`, `fallback`."""

    code = "fallback_finds_nothing"
    title = "The fallback of the decision finds no value"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PublishedValue(Struct, frozen=True, kw_only=True):
    """A value as published. Shape: `text` is the number as it stood; `published_at` where the source tells it."""

    series: str
    observed_on: date
    text: str
    published_at: datetime | None = None

    @property
    def value(self) -> Decimal:
        """The exact number."""
        return Decimal(self.text)


class Substitute(Struct, frozen=True, kw_only=True):
    """What the fallback puts in the place of a day's value: of which series and day, and the reason in Russian."""

    observed_on: date
    taken_series: str
    taken_from_on: date
    value: Decimal
    reason: str


def merged(known: Fixings, arrived: Iterable[PublishedValue]) -> dict[tuple[str, date], Decimal]:
    """Known values with those that arrived; the same value again changes nothing.

    "14.0" and "14.00" are one value. Raises: FixingValuesDiffer – a published value is corrected by people only.
    """
    values = dict(known)
    for one in arrived:
        key = (one.series, one.observed_on)
        kept = values.setdefault(key, one.value)
        if kept != one.value:
            facts = {
                "series": one.series,
                "observed_on": one.observed_on.isoformat(),
                "first": str(kept),
                "second": one.text,
            }
            raise FixingValuesDiffer(f"{one.series} of {one.observed_on.isoformat()}", facts)
    return values


def substitute(
    observation: Observation, observed_on: date, published: Fixings, *, calendar: BusinessCalendar
) -> Substitute:
    """The value that the decision's fallback puts in the place of a missing one.

    Only days of the business calendar are looked at, at most a month away. A substitute source that the decision
    does not name by its series leads to nothing.
    Raises: FallbackFindsNothing, CalendarYearNotCovered.
    """
    for series, day in looked_at(observation, observed_on):
        value = published.get((series, day))
        if value is not None and calendar.is_business_day(day):
            of_series = f" ряда {series}" if series != observation.series else ""
            return Substitute(
                observed_on=observed_on,
                taken_series=series,
                taken_from_on=day,
                value=value,
                reason=(
                    f"Значение {observation.series} за {observed_on:%d.%m.%Y} не опубликовано; по решению о выпуске "
                    f"взято {_WORDS[observation.fallback]}{of_series}: за {day:%d.%m.%Y}"
                ),
            )
    facts = {
        "series": observation.series,
        "observed_on": observed_on.isoformat(),
        "fallback": observation.fallback,
    }
    raise FallbackFindsNothing(f"{observation.series} of {observed_on.isoformat()}", facts)


def looked_at(observation: Observation, observed_on: date) -> list[tuple[str, date]]:
    """The series and days among whose values the fallback looks, the nearest first."""
    if observation.fallback == "substitute_source":
        named = observation.substitute_series
        return [] if isinstance(named, UnsetType) else [(named, observed_on)]
    step = -_ONE_DAY if observation.fallback == "previous_published" else _ONE_DAY
    return [(observation.series, observed_on + step * distance) for distance in range(1, _LOOK_DAYS + 1)]


_WORDS = {
    "previous_published": "последнее опубликованное до него",
    "next_published": "первое опубликованное после него",
    "substitute_source": "значение замещающего источника",
}
