"""How a person who is no qualified investor is protected when acquiring units: what is asked on a day."""

from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from kapital.kernel.parameters import RetailLimitWindow


class RetailMeasure(StrEnum):
    """What is asked of an unqualified natural person for units that are not open to all.

    The Bank of Russia announced a test instead of the limit: which of the two holds on a day is a dated setting.
    """

    LIMIT = "limit"  # a yearly sum, whatever the person knows
    TEST = "test"  # a passed test, whatever the sum
    LIMIT_UNLESS_TESTED = "limit_unless_tested"  # a yearly sum, and none for who passed the test
    NONE = "none"


class RetailTerms(NamedTuple):
    """What is in force on one day. Units: kopecks in the year that `window` means; `basis` names the rule."""

    measure: RetailMeasure
    limit_kopecks: int
    window: RetailLimitWindow
    basis: str


def first_day_counted(window: RetailLimitWindow, on: date) -> date:
    """The first day whose purchases are added to those of `on`."""
    if window is RetailLimitWindow.CALENDAR_YEAR:
        return date(on.year, 1, 1)
    if (on.month, on.day) == (2, 29):
        return date(on.year - 1, 3, 1)
    # The same day of last year no longer counts.
    return on.replace(year=on.year - 1) + timedelta(days=1)
