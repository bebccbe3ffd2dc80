"""Limits of the Faster Payments System: dated rules of the settings, else what НСПК was last seen to allow.

The tariff tables of НСПК change without a law: an installation names what its bank's agreement says.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from pydantic import Field

from kapital.kernel.parameters import (
    SBP_PAYOUT_DAY_KOPECKS,
    SBP_PAYOUT_KOPECKS,
    SBP_TOP_UP_KOPECKS,
    DatedParameter,
)
from kapital.platform.dated_rules import DatedRule, by_day

_KOPECKS_MAX: Final = 10**15


class SbpRule(DatedRule):
    """From a day to a day (both included) these limits hold; one that is not given is the parameter's."""

    top_up_kopecks_max: int | None = Field(default=None, ge=1, le=_KOPECKS_MAX)
    payout_kopecks_max: int | None = Field(default=None, ge=1, le=_KOPECKS_MAX)
    payout_day_kopecks_max: int | None = Field(default=None, ge=1, le=_KOPECKS_MAX)


class SbpLimit(NamedTuple):
    """A limit in kopecks and what it rests on."""

    kopecks: int
    basis: str


class SbpRules:
    """The rules by day. Raises on making: InvariantBroken for rules that overlap."""

    def __init__(self, rules: Iterable[SbpRule] = ()) -> None:
        self._rules = by_day("sbp_rules", rules)

    def top_up_at(self, on: date) -> SbpLimit:
        """The most that one QR code may be for. Raises: ParameterNotInForce."""
        return self._at(on, "top_up_kopecks_max", SBP_TOP_UP_KOPECKS)

    def payout_at(self, on: date) -> SbpLimit:
        """The most of one payout. Raises: ParameterNotInForce."""
        return self._at(on, "payout_kopecks_max", SBP_PAYOUT_KOPECKS)

    def payout_day_at(self, on: date) -> SbpLimit:
        """The most that one recipient is paid in a day. Raises: ParameterNotInForce."""
        return self._at(on, "payout_day_kopecks_max", SBP_PAYOUT_DAY_KOPECKS)

    def _at(self, on: date, name: str, law: DatedParameter[int]) -> SbpLimit:
        row = None if self._rules is None else self._rules.find_row_at(on)
        given = None if row is None else getattr(row.value, name)
        if row is not None and given is not None:
            return SbpLimit(given, row.value.basis)
        found = law.row_at(on)
        return SbpLimit(found.value, found.legal_basis)
