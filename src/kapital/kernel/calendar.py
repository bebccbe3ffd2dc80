"""The business calendar (производственный календарь): which days count for legal and payment terms.

Law: Labour Code of the Russian Federation art. 112 and the yearly Government decrees on moved days off;
the days themselves are data in `data/`, one dated file, whose origin stands in `data/SOURCES.md`.
"""

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from kapital.kernel.problems import Family, Problem, Retry, ensure

MOSCOW: Final = ZoneInfo("Europe/Moscow")

_PACKAGED: Final = "ru_production_calendar_2024_2027.csv"
_COLUMNS: Final = ["date", "kind", "holiday", "moved_from"]
_FILE_CHARACTERS_MAX: Final = 1_000_000
_ONE_DAY: Final = timedelta(days=1)
PROVISIONAL_YEARS: Final = 30
"""How far beyond the loaded years the days of a decision may be planned."""
_HOLIDAYS: Final = (
    *((1, day) for day in range(1, 9)),
    (2, 23),
    (3, 8),
    (5, 1),
    (5, 9),
    (6, 12),
    (11, 4),
)
"""Months and days of the holidays that the Labour Code art. 112 names itself."""
_SATURDAY: Final = 5


class CalendarYearNotCovered(Problem):
    """A day lies in a year for which no production calendar is loaded. Facts: `year`, `first`, `last`."""

    code = "calendar_year_not_covered"
    title = "The business calendar of this year is not loaded"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class CalendarFileMalformed(Problem):
    """A file is not a production calendar. Facts: `line` (0 for the file as a whole)."""

    code = "calendar_file_malformed"
    title = "The business calendar file cannot be used"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DayKind(StrEnum):
    """What the calendar says of a day it names; days it does not name follow the week."""

    NON_WORKING = "non_working"
    WORKING_SHORT = "working_short"  # the eve of a holiday; may be a Saturday, and is working then too
    WORKING_WEEKEND = "working_weekend"


class Convention(StrEnum):
    """Where a payment day goes that is not a business day."""

    NONE = "none"
    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"  # following, but back if that is another month
    PRECEDING = "preceding"


class BusinessCalendar:
    """Business days of a run of whole years.

    Every question about a day outside those years raises CalendarYearNotCovered: a term is never counted
    on a guess, unless provisional years after the known ones were asked for. Counting is by position in one
    sorted list, so its cost does not grow with the distance.
    """

    def __init__(self, name: str, named_days: Mapping[date, DayKind], *, provisional_years: int = 0) -> None:
        """Shape: `named_days` has every day that is not as the week has it, with no year left out.

        In the `provisional_years` after them weekends and the holidays of the Labour Code are off, nothing is moved.
        """
        ensure(bool(named_days), "a calendar covers at least one year")
        self.name = name
        self.first_year = min(named_days).year
        self.known_to_year = max(named_days).year
        self.last_year = self.known_to_year + provisional_years
        self._known_days = dict(named_days)
        for year in range(self.known_to_year + 1, self.last_year + 1):
            named_days = {**named_days, **{date(year, *day): DayKind.NON_WORKING for day in _HOLIDAYS}}
        every_day = _days(date(self.first_year, 1, 1), date(self.last_year, 12, 31))
        self._business_days = [day for day in every_day if _is_working(day, named_days.get(day))]
        self._is_business = frozenset(self._business_days)

    @classmethod
    def from_csv(cls, name: str, text: str) -> "BusinessCalendar":
        """Read a calendar with the columns date, kind, holiday, moved_from.

        Shape: one row per day that departs from the week or is shortened; days ascend; each year from the
        first to the last is present, recognised by its 1 January.
        Raises: CalendarFileMalformed.
        """
        return cls(name, _read_days(text))

    def with_provisional_years(self, years: int = PROVISIONAL_YEARS) -> "BusinessCalendar":
        """The same calendar that answers for so many years after the known ones, provisionally.

        Law: Labour Code of the Russian Federation art. 112 (the holidays; how days off are moved the Government says
        year by year).
        """
        return BusinessCalendar(self.name, self._known_days, provisional_years=years)

    def with_years_of(self, other: "BusinessCalendar") -> "BusinessCalendar":
        """This calendar with the years that `other` knows in the place of its own, or after them.

        Raises: CalendarFileMalformed if a year between would be unknown.
        """
        years = range(other.first_year, other.known_to_year + 1)
        if other.first_year > self.known_to_year + 1 or other.known_to_year < self.first_year - 1:
            raise _malformed(0, f"the years between {self.known_to_year} and {other.first_year} are not filled in")
        kept = {day: kind for day, kind in self._known_days.items() if day.year not in years}
        return BusinessCalendar(self.name, dict(sorted({**kept, **other._known_days}.items())))

    def is_provisional(self, year: int) -> bool:
        """Whether the days of a year are not those of a loaded production calendar."""
        return year > self.known_to_year

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) of all that the calendar knows: what was planned by another has another."""
        known = "".join(f"{day} {kind}\n" for day, kind in sorted(self._known_days.items()))
        return sha256(f"{self.name} {self.last_year}\n{known}".encode()).hexdigest()

    def is_business_day(self, on: date) -> bool:
        """Whether `on` is a business day. Raises: CalendarYearNotCovered."""
        self._require_covered(on)
        return on in self._is_business

    def next_business_day(self, on: date) -> date:
        """The first business day after `on`, never `on` itself. Raises: CalendarYearNotCovered."""
        return self.add_business_days(on, 1)

    def add_business_days(self, on: date, days: int) -> date:
        """The `days`-th business day after `on`, or before it if `days` is negative; `on` itself for zero.

        `on` need not be a business day. Raises: CalendarYearNotCovered.
        """
        self._require_covered(on)
        if days == 0:
            return on
        before = bisect_right(self._business_days, on) - 1 if days > 0 else bisect_left(self._business_days, on)
        return self._business_day_at(before + days)

    def count_business_days(self, start_on: date, stop_on: date) -> int:
        """How many business days lie in the half-open span from `start_on` to before `stop_on`; 0 if empty.

        Raises: CalendarYearNotCovered for either end.
        """
        self._require_covered(start_on)
        self._require_covered(stop_on)
        span = bisect_left(self._business_days, stop_on) - bisect_left(self._business_days, start_on)
        return max(span, 0)

    def adjust(self, on: date, convention: Convention) -> date:
        """Move `on` to a business day as `convention` says. Raises: CalendarYearNotCovered."""
        if convention is Convention.NONE or self.is_business_day(on):
            return on
        position = bisect_left(self._business_days, on)
        if convention is Convention.PRECEDING:
            return self._business_day_at(position - 1)
        if convention is Convention.MODIFIED_FOLLOWING and not self._follows_in_month(position, on):
            return self._business_day_at(position - 1)
        return self._business_day_at(position)

    def _follows_in_month(self, position: int, on: date) -> bool:
        # Past the last known day there can be none left in this month: years are covered whole.
        following = self._business_days[position : position + 1]
        return bool(following) and following[0].month == on.month

    def _business_day_at(self, position: int) -> date:
        if position < 0:
            raise self._not_covered(self.first_year - 1)
        if position >= len(self._business_days):
            raise self._not_covered(self.last_year + 1)
        return self._business_days[position]

    def _require_covered(self, on: date) -> None:
        if not self.first_year <= on.year <= self.last_year:
            raise self._not_covered(on.year)

    def _not_covered(self, year: int) -> CalendarYearNotCovered:
        facts = {"year": year, "first": self.first_year, "last": self.last_year}
        return CalendarYearNotCovered(f"the calendar {self.name} knows nothing of {year}", facts)


@cache
def russian_calendar() -> BusinessCalendar:
    """The packaged production calendar of the Russian Federation (five-day week)."""
    text = files("kapital.kernel.data").joinpath(_PACKAGED).read_text(encoding="utf-8")
    return BusinessCalendar.from_csv("ru", text)


def moscow_day(at: datetime) -> date:
    """The calendar day in Moscow at an instant; legal terms are counted in it. `at` is aware."""
    ensure(at.utcoffset() is not None, "an instant must be aware")
    return at.astimezone(MOSCOW).date()


def _days(first_on: date, last_on: date) -> Iterable[date]:
    return (first_on + _ONE_DAY * number for number in range((last_on - first_on).days + 1))


def _is_working(day: date, kind: DayKind | None) -> bool:
    return day.weekday() < _SATURDAY if kind is None else kind is not DayKind.NON_WORKING


def _read_days(text: str) -> dict[date, DayKind]:
    if len(text) > _FILE_CHARACTERS_MAX:
        raise _malformed(0, "the file is too large")
    rows = csv.reader(text.splitlines())
    if next(rows, None) != _COLUMNS:
        raise _malformed(1, f"the columns must be {', '.join(_COLUMNS)}")
    named: dict[date, DayKind] = {}
    latest = date.min
    for line, row in enumerate(rows, start=2):
        day, kind = _read_row(line, row)
        if day <= latest:
            raise _malformed(line, "days must ascend")
        if kind is DayKind.WORKING_WEEKEND and day.weekday() < _SATURDAY:
            raise _malformed(line, "a working weekend is a Saturday or a Sunday")
        named[day] = kind
        latest = day
    years = {day.year for day in named}
    if not years:
        raise _malformed(0, "the file has no days")
    for year in range(min(years), max(years) + 1):
        if named.get(date(year, 1, 1)) is not DayKind.NON_WORKING:
            raise _malformed(0, f"the year {year} is not filled in")
    return named


def _read_row(line: int, row: list[str]) -> tuple[date, DayKind]:
    if len(row) != len(_COLUMNS):
        raise _malformed(line, "the number of columns is wrong")
    try:
        return date.fromisoformat(row[0]), DayKind(row[1])
    except ValueError:
        raise _malformed(line, "the date or the kind of day is not known") from None


def _malformed(line: int, why: str) -> CalendarFileMalformed:
    return CalendarFileMalformed(why, {"line": line})
