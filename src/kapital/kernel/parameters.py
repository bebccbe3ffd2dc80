"""Dated parameters: a number the law sets has a term and a basis, and is never a constant in code."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

from kapital.kernel.problems import Family, Problem, Retry, ensure

T = TypeVar("T")


class ParameterNotInForce(Problem):
    """No value of a dated parameter is in force on the day asked for. Facts: `parameter`, `on`."""

    code = "parameter_not_in_force"
    title = "The parameter has no value for this day"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class Confidence(StrEnum):
    """How sure we are that a value is what the law says; anything but CONFIRMED awaits a lawyer."""

    CONFIRMED = "confirmed"  # the text of the act was read by a lawyer
    FOUND = "found"  # read in a public source about the act
    RECALLED = "recalled"  # from memory
    DOUBTFUL = "doubtful"  # from memory, and sources differ or are silent


class DatedValue(NamedTuple, Generic[T]):
    """One value with its term. Both days are included; `effective_to` None means until further notice."""

    effective_from: date
    effective_to: date | None
    value: T
    legal_basis: str
    confidence: Confidence


class DatedParameter(Generic[T]):
    """A parameter of law or rule-book whose value depends on the day.

    Shape: rows ascend and do not overlap, only the last may be open-ended, each names its basis; checked
    when made. Gaps are allowed: on such a day there is no value, and asking is a refusal, not a guess.
    """

    def __init__(self, name: str, values: Iterable[tuple[date, date | None, T, str, Confidence]]) -> None:
        self.name = name
        self.rows: tuple[DatedValue[T], ...] = tuple(DatedValue(*row) for row in values)
        self._check()

    def at(self, on: date) -> T:
        """The value in force on `on`. Raises: ParameterNotInForce."""
        return self.row_at(on).value

    def row_at(self, on: date) -> DatedValue[T]:
        """The value in force on `on` with its term, basis and confidence. Raises: ParameterNotInForce."""
        if (row := self.find_row_at(on)) is not None:
            return row
        facts = {"parameter": self.name, "on": on.isoformat()}
        raise ParameterNotInForce(f"{self.name} has no value on {on.isoformat()}", facts)

    def find_row_at(self, on: date) -> DatedValue[T] | None:
        """As `row_at`, and None on a day of a gap: for what has a meaning of its own where nothing is in force."""
        for row in self.rows:
            if row.effective_from <= on and (row.effective_to is None or on <= row.effective_to):
                return row
        return None

    def _check(self) -> None:
        ensure(bool(self.rows), f"{self.name}: a parameter has at least one value")
        for row in self.rows:
            ensure(bool(row.legal_basis.strip()), f"{self.name}: every value names its basis")
            last_on = row.effective_to or date.max
            ensure(row.effective_from <= last_on, f"{self.name}: a term ends before it begins")
        for earlier, later in zip(self.rows, self.rows[1:], strict=False):
            last_on = earlier.effective_to or date.max
            ensure(last_on < later.effective_from, f"{self.name}: terms ascend and do not overlap")


class RetailLimitWindow(StrEnum):
    """Over which span purchases of an unqualified investor are added up."""

    CALENDAR_YEAR = "calendar_year"
    ROLLING_YEAR = "rolling_year"


RETAIL_LIMIT_KOPECKS: Final = DatedParameter(
    "retail_limit_kopecks",
    [
        (
            date(2021, 1, 1),
            None,
            60_000_000,  # 600,000 roubles a year, counted per operator
            "Bank of Russia Ordinance 5635-U of 25.11.2020, on 259-FZ art. 4",
            Confidence.FOUND,
        ),
    ],
)
"""What a natural person who is not a qualified investor may spend on restricted assets a year."""

RETAIL_LIMIT_WINDOW: Final = DatedParameter(
    "retail_limit_window",
    [
        (
            date(2021, 1, 1),
            None,
            RetailLimitWindow.CALENDAR_YEAR,
            "Bank of Russia Ordinance 5635-U of 25.11.2020; a lawyer has to confirm which year is meant",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""The year the retail limit is counted in."""

CREDIT_DFA_QUALIFIED_ONLY: Final = DatedParameter(
    "credit_dfa_qualified_only",
    [
        (
            date(2026, 1, 1),
            None,
            True,
            "Bank of Russia, as told by abn.agency on 25.08.2025; the act itself has to be named by a lawyer",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""Since when ЦФА that carry the risk of loans of others are placed among qualified investors only."""

SBP_TOP_UP_KOPECKS: Final = DatedParameter(
    "sbp_top_up_kopecks",
    [
        (
            date(2019, 1, 28),
            None,
            100_000_000,  # 1,000,000 roubles
            "rules of the SBP (НСПК) for payments by QR code; the agreement with the bank says what holds",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""What one payment by a QR code of the Faster Payments System may be."""

SBP_PAYOUT_KOPECKS: Final = DatedParameter(
    "sbp_payout_kopecks",
    [
        (
            date(2019, 1, 28),
            None,
            60_000_000,  # 600,000 roubles
            "rules of the SBP (НСПК) as a bank's API of 2021 has them; the agreement with the bank says what holds",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""What one payout to a person by the Faster Payments System may be."""

SBP_PAYOUT_DAY_KOPECKS: Final = DatedParameter(
    "sbp_payout_day_kopecks",
    [
        (
            date(2019, 1, 28),
            None,
            100_000_000,  # 1,000,000 roubles
            "rules of the SBP (НСПК) as a bank's API of 2021 has them; the agreement with the bank says what holds",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""What one recipient may be paid in a day by the Faster Payments System."""
