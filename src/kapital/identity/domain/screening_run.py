"""The full rescreening (полная перепроверка): every client against whole lists, at least so often, with evidence."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.screening import ListSource
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.parameters import Confidence, DatedParameter

FULL_RESCREEN_MONTHS: Final = DatedParameter(
    "screening_full_rescreen_months",
    [
        (
            date(2014, 1, 1),
            None,
            3,
            "115-FZ art. 7(1)(7): clients are checked against the lists at least once in three months",
            Confidence.RECALLED,
        ),
    ],
)
"""Calendar months from the beginning of one full rescreening to that of the next."""


class ComparedList(msgspec.Struct, frozen=True, order=True):
    """A version of a list that clients were compared with."""

    source: ListSource
    number: int


BEFORE_ALL: Final = UUID(int=0)


@dataclass(slots=True, kw_only=True)
class ScreeningRun:
    """A run. Shape: `after_client` is the last client compared, in the order of ids; `clients` how many were."""

    run_id: UUID
    started_at: datetime
    after_client: UUID = BEFORE_ALL
    clients: int = 0
    new_hits: int = 0
    lists: frozenset[ComparedList] = field(default_factory=frozenset)
    finished_at: datetime | None = None


def next_due_at(last_began_at: datetime) -> datetime:
    """When the next run has to begin: so many months later by the clock of Moscow, or on that month's last day."""
    began = last_began_at.astimezone(MOSCOW)
    months = began.month - 1 + FULL_RESCREEN_MONTHS.at(began.date())
    year, month = began.year + months // 12, months % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    days = (first_of_next - date(year, month, 1)).days
    return began.replace(year=year, month=month, day=min(began.day, days)).astimezone(last_began_at.tzinfo)
