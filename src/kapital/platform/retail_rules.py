"""Which protection of unqualified investors is in force: dated rules of the settings, else the limit of the law.

Law: 5635-U of 25.11.2020 on 259-FZ art. 4 (the limit; its year is doubtful memory [M?]); the Bank of Russia announced
a test of investors in the limit's place, so that both are switched by day and basis and not by a release.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from pydantic import Field

from kapital.kernel.parameters import (
    RETAIL_LIMIT_KOPECKS,
    RETAIL_LIMIT_WINDOW,
    RetailLimitWindow,
)
from kapital.kernel.retail import RetailMeasure, RetailTerms
from kapital.platform.dated_rules import DatedRule, by_day

_LIMIT_KOPECKS_MAX: Final = 10**15


class RetailRule(DatedRule):
    """From a day to a day (both included) this measure holds; sum and window are the law's unless given."""

    measure: RetailMeasure
    limit_kopecks: int | None = Field(default=None, ge=1, le=_LIMIT_KOPECKS_MAX)
    window: RetailLimitWindow | None = None


class RetailRules:
    """The rules by day. Raises on making: InvariantBroken for rules that overlap."""

    def __init__(self, rules: Iterable[RetailRule] = ()) -> None:
        self._rules = by_day("retail_rules", rules)

    def terms_at(self, on: date) -> RetailTerms:
        """What is in force on a day. Raises: ParameterNotInForce (a day before the limit was set)."""
        row = None if self._rules is None else self._rules.find_row_at(on)
        if row is None:
            limit = RETAIL_LIMIT_KOPECKS.row_at(on)
            window = RETAIL_LIMIT_WINDOW.at(on)
            return RetailTerms(RetailMeasure.LIMIT, limit.value, window, limit.legal_basis)
        rule = row.value
        return RetailTerms(
            measure=rule.measure,
            limit_kopecks=rule.limit_kopecks or RETAIL_LIMIT_KOPECKS.at(on),
            window=rule.window or RETAIL_LIMIT_WINDOW.at(on),
            basis=rule.basis,
        )
