"""Day count (база расчёта): a span of days as an exact fraction of a year (2006 ISDA Definitions, 4.16)."""

from calendar import isleap
from datetime import date
from fractions import Fraction

from kapital.tokenization.domain.terms import DayCount


def year_fraction(day_count: DayCount, start_on: date, end_on: date) -> Fraction:
    """The span from `start_on` (included) to `end_on` (excluded, not before `start_on`) in years."""
    match day_count:
        case DayCount.ACT_365F:
            return Fraction((end_on - start_on).days, 365)
        case DayCount.ACT_ACT_ISDA:
            return _act_act_isda(start_on, end_on)
        case DayCount.THIRTY_360:  # pragma: no branch (mypy: nothing is left)
            return _thirty_360(start_on, end_on)


def _act_act_isda(start_on: date, end_on: date) -> Fraction:
    # 4.16(b): days that fall in a leap year over 366, the others over 365.
    total = Fraction(0)
    for year in range(start_on.year, end_on.year + 1):
        first, last = max(start_on, date(year, 1, 1)), min(end_on, date(year + 1, 1, 1))
        total += Fraction((last - first).days, 366 if isleap(year) else 365)
    return total


def _thirty_360(start_on: date, end_on: date) -> Fraction:
    # 4.16(f), Bond Basis: the 31st of the start is the 30th; that of the end too, if the start is the 30th.
    start_day = min(start_on.day, 30)
    end_day = 30 if end_on.day == 31 and start_day == 30 else end_on.day
    months = 12 * (end_on.year - start_on.year) + end_on.month - start_on.month
    return Fraction(30 * months + end_day - start_day, 360)
