"""When a decision pays: its corporate actions, their record moments, and the outside values they need."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.domain.terms import IssuanceTerms


class ActionKind(StrEnum):
    """Kind of a scheduled action; partial repayment of the nominal is an amortisation."""

    COUPON = "coupon"
    AMORTISATION = "amortisation"
    REDEMPTION = "redemption"


class ScheduledAction(Struct, frozen=True, kw_only=True):
    """One payment of the issue (корпоративное действие), numbered from 1 in order of payment."""

    number: int
    kind: ActionKind
    nominal_on: date
    pay_on: date
    pay_by_on: date
    record_at: datetime


class FixingNeed(Struct, frozen=True, kw_only=True):
    """A value that must be recorded before an action can be calculated."""

    series: str
    observed_on: date
    available_at: datetime


def actions(terms: IssuanceTerms, *, calendar: BusinessCalendar) -> list[ScheduledAction]:
    """Every payment of the terms in order: by day, and on one day coupon, amortisation, redemption."""
    raise NotImplementedError


def required_fixings(
    terms: IssuanceTerms, action: ScheduledAction, *, calendar: BusinessCalendar
) -> list[FixingNeed]:
    """The values `payoff.per_unit` will look up for the action, in order of the observed day."""
    raise NotImplementedError


__all__: Sequence[str] = ("ActionKind", "FixingNeed", "ScheduledAction", "actions", "required_fixings")
