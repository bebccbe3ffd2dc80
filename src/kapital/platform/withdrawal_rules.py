"""From what sum of a day withdrawals need the approval of two persons: dated rules of the settings.

Without a rule none does: no law names a sum, so an installation says its own.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from pydantic import Field

from kapital.platform.dated_rules import DatedRule, by_day

_KOPECKS_MAX: Final = 10**15


class WithdrawalRule(DatedRule):
    """From a day to a day (both included) what an owner withdraws on a Moscow day waits from this sum on."""

    approval_from_kopecks: int = Field(ge=1, le=_KOPECKS_MAX)


class ApprovalLimit(NamedTuple):
    """A sum in kopecks and what it rests on."""

    kopecks: int
    basis: str


class WithdrawalRules:
    """The rules by day. Raises on making: InvariantBroken for rules that overlap."""

    def __init__(self, rules: Iterable[WithdrawalRule] = ()) -> None:
        self._rules = by_day("withdrawal_rules", rules)

    def approval_at(self, on: date) -> ApprovalLimit | None:
        """The sum of the day from which two persons approve; None when no rule holds on that day."""
        row = None if self._rules is None else self._rules.find_row_at(on)
        return None if row is None else ApprovalLimit(row.value.approval_from_kopecks, row.value.basis)
