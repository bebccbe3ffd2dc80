"""What an action pays: exactly for one unit, and rounded by the declared rule for each holder."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from msgspec import Struct

from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.domain.schedule import ScheduledAction
from kapital.tokenization.domain.terms import IssuanceTerms

Fixings = Mapping[tuple[str, date], Decimal]


class UnitPayout(Struct, frozen=True, kw_only=True):
    """What one unit is paid. `amount` is exact kopecks (whole when the rounding scope is per_unit)."""

    amount: Fraction
    extinguish: bool
    explanation: str


class Holding(Struct, frozen=True, kw_only=True):
    """Units of one wallet in one position at the record moment."""

    wallet_id: UUID
    position: str
    units: int


class PayoutLine(Struct, frozen=True, kw_only=True):
    """What one wallet is paid for one position, and how many units are extinguished with the payment."""

    wallet_id: UUID
    position: str
    units: int
    amount_kopecks: int
    extinguish_units: int


def per_unit(
    terms: IssuanceTerms,
    action: ScheduledAction,
    fixings: Fixings,
    outcome: str | None,
    *,
    calendar: BusinessCalendar,
) -> UnitPayout:
    """Raises: FixingMissing (code fixing_missing), OutcomeMissing (outcome_missing), OutcomeUnknown."""
    raise NotImplementedError


def lines(terms: IssuanceTerms, unit: UnitPayout, holdings: Sequence[Holding]) -> list[PayoutLine]:
    """One line per holding with units, in the order given."""
    raise NotImplementedError
