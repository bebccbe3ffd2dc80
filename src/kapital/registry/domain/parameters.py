"""How long an application may stay undecided: a number of the rule book, dated."""

from datetime import date, datetime, timedelta
from typing import Final

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.parameters import Confidence, DatedParameter

APPLICATION_TERM_DAYS: Final = DatedParameter(
    "application_term_days",
    [
        (
            date(2021, 1, 1),
            None,
            90,
            "rule book of the operator; 115-FZ art. 7(1)(1): what was collected has to be true when service begins",
            Confidence.DOUBTFUL,
        ),
    ],
)

FINAL_AFTER: Final = timedelta(minutes=10)
"""Longer than any transaction of the registry: statements end after two minutes, and a use case has a dozen
short ones. Until then one that began before the instant may still commit."""


def registered_before(now: datetime) -> datetime:
    """The instant of registration at or before which an undecided application has lost its term at `now`."""
    return now - timedelta(days=APPLICATION_TERM_DAYS.at(now.astimezone(MOSCOW).date()))
