"""How long an approval holds: a number of the law, dated."""

from datetime import date, datetime
from typing import Final

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.clock import require_utc
from kapital.kernel.parameters import Confidence, DatedParameter

KYC_VALIDITY_YEARS: Final = DatedParameter(
    "kyc_validity_years",
    [
        (
            date(2014, 1, 1),
            None,
            1,
            "115-FZ art. 7(1)(3): information on clients is refreshed at least once a year",
            Confidence.RECALLED,
        ),
    ],
)


def valid_until_of(approved_at: datetime) -> datetime:
    """The first instant at which an approval of `approved_at` does not hold any more.

    The same wall-clock time in Moscow so many calendar years later (28 February for the 29th); UTC.
    Raises: ParameterNotInForce.
    """
    approved = require_utc(approved_at).astimezone(MOSCOW)
    year = approved.year + KYC_VALIDITY_YEARS.at(approved.date())
    leap_day = approved.month == 2 and approved.day == 29
    until = approved.replace(year=year, day=28) if leap_day else approved.replace(year=year)
    return until.astimezone(approved_at.tzinfo)
