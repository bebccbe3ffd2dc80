"""What an unqualified natural person (неквалифицированный инвестор) may still acquire in a year.

Law: 5635-U on 259-FZ art. 4, domain.md 1.6; scenario 27. The sum is counted by this operator's own orders: an order
takes it when it is checked and gives back what comes to no purchase. A redemption gives nothing back [M?].
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from kapital.kernel.money import format_rubles
from kapital.kernel.problems import Problem
from kapital.kernel.retail import RetailMeasure, RetailTerms, first_day_counted
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import InvestorTestMustBePassed, OrderExceedsRetailLimit

PERSONS: Final = frozenset({"natural_person", "sole_proprietor"})
"""Kinds of participant that the limit protects. That an entrepreneur is one of them is [M?]."""


class Used(Struct, kw_only=True):
    """What each person has used, by day; changed as orders are gone through one after another.

    Units: kopecks; days are Moscow days.
    """

    days: dict[UUID, dict[date, int]]

    def within(self, participant_id: UUID, terms: RetailTerms, on: date) -> int:
        """The sum that counts on a day."""
        since = first_day_counted(terms.window, on)
        return sum(kopecks for day, kopecks in self.days.get(participant_id, {}).items() if since <= day <= on)

    def add(self, participant_id: UUID, on: date, kopecks: int) -> None:
        """Count (or, below zero, give back) a sum on a day."""
        days = self.days.setdefault(participant_id, {})
        days[on] = days.get(on, 0) + kopecks


def is_person(investor: Investor | None, at: datetime) -> bool:
    """Whether the limit protects this participant at all."""
    return investor is not None and investor.kind in PERSONS and not investor.is_qualified(at)


def limit_left(terms: RetailTerms, investor: Investor | None, used_kopecks: int, at: datetime) -> int | None:
    """What the participant may still acquire for; None where no sum bounds it."""
    if investor is None or not is_person(investor, at):
        return None
    freed = terms.measure is RetailMeasure.LIMIT_UNLESS_TESTED and investor.has_passed_test(at)
    if freed or terms.measure in (RetailMeasure.NONE, RetailMeasure.TEST):
        return None
    return max(0, terms.limit_kopecks - used_kopecks)


def is_protected(investor: Investor, issue: Issue, at: datetime) -> bool:
    """Whether what this investor pays for units of the issue counts under the limit.

    Law: 5635-U: units named there are open to all, and their decision says so with its basis.
    """
    return issue.retail_limited and is_person(investor, at)


def why_protected(
    terms: RetailTerms, investor: Investor, amount_kopecks: int, used_kopecks: int, at: datetime
) -> Problem | None:
    """Why a protected investor may not acquire for this amount now, or None."""
    if terms.measure is RetailMeasure.TEST and not investor.has_passed_test(at):
        return InvestorTestMustBePassed(facts={"basis": terms.basis})
    left = limit_left(terms, investor, used_kopecks, at)
    if left is None or amount_kopecks <= left:
        return None
    facts: Mapping[str, str | int] = {
        "amount_kopecks": amount_kopecks,
        "limit_kopecks": terms.limit_kopecks,
        "used_kopecks": used_kopecks,
        "left_kopecks": left,
        "window": terms.window.value,
        "basis": terms.basis,
    }
    return OrderExceedsRetailLimit(
        f"the order is for {format_rubles(amount_kopecks, 'en')}; of the yearly limit of "
        f"{format_rubles(terms.limit_kopecks, 'en')} {format_rubles(left, 'en')} is left",
        dict(facts),
    )
