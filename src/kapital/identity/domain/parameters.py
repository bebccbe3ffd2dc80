"""How long an approval holds, and what a simplified identification allows: numbers of the law, dated."""

from calendar import monthrange
from datetime import date, datetime
from typing import Final, NamedTuple

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.clock import require_utc
from kapital.kernel.parameters import Confidence, DatedParameter


class MonthsByRisk(NamedTuple):
    """Months, by the degree of risk."""

    low: int
    medium: int
    high: int


KYC_REFRESH_MONTHS: Final = DatedParameter(
    "kyc_refresh_months",
    [
        (
            date(2014, 1, 1),
            None,
            MonthsByRisk(low=12, medium=12, high=6),
            "115-FZ art. 7(1)(3): at least once a year; more often where the risk is high, by the operator's rules",
            Confidence.RECALLED,
        ),
    ],
)
"""After how many months an approval ends. The operator's settings may say otherwise (`kyc_refresh_months_*`)."""

SIMPLIFIED_LIMIT_KOPECKS: Final = DatedParameter(
    "simplified_limit_kopecks",
    [
        (
            date(2014, 1, 1),
            None,
            1_500_000,
            "115-FZ art. 7(1.1), (1.11): 15,000 roubles an operation; a lawyer has to confirm which sum is meant",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""What one operation may come to after a simplified identification."""


KYC_DOUBT_BUSINESS_DAYS: Final = DatedParameter(
    "kyc_doubt_business_days",
    [
        (
            date(2014, 1, 1),
            None,
            7,
            "115-FZ art. 7(1)(3): renewed within seven working days after a doubt about their truth or accuracy",
            Confidence.RECALLED,
        ),
    ],
)
"""Business days after a doubt until whose end an identification still holds."""

KYC_RENEWAL_NOTICE_DAYS: Final = DatedParameter(
    "kyc_renewal_notice_days",
    [
        (
            date(2014, 1, 1),
            None,
            30,
            "Rules of internal control (115-FZ art. 7 part 2); the operator's own choice",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""How many days before the end of its term a participant is asked to renew. Longer than any term that a doubt leaves
(holidays included), so that being asked tells nothing of a doubt."""


def day_of(now: datetime) -> date:
    """The calendar day in Moscow: the one of dated parameters."""
    return now.astimezone(MOSCOW).date()


def valid_until_of(approved_at: datetime, *, months: int) -> datetime:
    """The first instant at which an approval of `approved_at` does not hold any more.

    The same wall-clock time in Moscow so many calendar months later, or on the last day of a month that is too short;
    UTC.
    """
    approved = require_utc(approved_at).astimezone(MOSCOW)
    year, month = divmod(approved.year * 12 + approved.month - 1 + months, 12)
    day = min(approved.day, monthrange(year, month + 1)[1])
    return approved.replace(year=year, month=month + 1, day=day).astimezone(approved_at.tzinfo)
