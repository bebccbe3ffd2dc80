"""A corporate action (корпоративное действие): a payment of the issue on its way. Law: domain.md 3.6."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.states import Step
from kapital.tokenization.domain.early import Early
from kapital.tokenization.domain.issue import Issue, day_start
from kapital.tokenization.domain.schedule import ActionKind, FixingNeed, ScheduledAction, required_fixings
from kapital.tokenization.domain.states import ACTION, ActionState
from kapital.tokenization.domain.terms import Event, IssuanceTerms

_ONE_DAY = timedelta(days=1)


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """One payment. Instants: `fixing_at` when its outside values should be known, `pay_at` when paying begins,

    `overdue_at` when the last day to pay is over, `grace_until_at` when the days of grace are over. `early` is given
    for what ends units before their term. `reserved_kopecks` is what of the issuer's money is set aside for it, or
    may be, from the call for funding on; None of actions that were under way before money was set aside.
    """

    action_id: UUID
    issue_id: UUID
    number: int
    kind: ActionKind
    nominal_on: date
    pay_on: date
    pay_by_on: date
    record_at: datetime
    fixing_at: datetime
    pay_at: datetime
    overdue_at: datetime
    grace_until_at: datetime
    needs: list[FixingNeed]
    needs_outcome: bool
    state: ActionState
    version: int
    explanation: str | None = None
    record_size: int | None = None
    holders: int = 0
    total_kopecks: int = 0
    paid_kopecks: int = 0
    parts: int = 0
    early: Early | None = None
    reserved_kopecks: int | None = None

    def moved(self, on: str, **changes: Any) -> tuple["CorporateAction", Step[ActionState]]:
        """The action after the step that `on` makes, and the step. Raises: WrongState."""
        step = ACTION.step(self.state, on)
        return self.changed(state=step.target, **changes), step

    def changed(self, **changes: Any) -> "CorporateAction":
        """The next version of the action."""
        return msgspec.structs.replace(self, version=self.version + 1, **changes)

    @property
    def scheduled(self) -> ScheduledAction:
        """The action as the schedule of the terms names it."""
        return ScheduledAction(
            number=self.number,
            kind=self.kind,
            nominal_on=self.nominal_on,
            pay_on=self.pay_on,
            pay_by_on=self.pay_by_on,
            record_at=self.record_at,
        )


class OpenPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an action that is to be instructed, first or again."""

    action_id: UUID
    part: int
    amount_kopecks: int


def planned(
    issue: Issue, terms: IssuanceTerms, scheduled: Sequence[ScheduledAction], calendar: BusinessCalendar
) -> list[CorporateAction]:
    """The actions of an issue that begins to circulate; ids are derived, so that planning twice is planning once.

    Nothing is extinguished before the last list of income is what it will be: where the declared record moment is
    late on the day of redemption, the redemption is paid after it, on the same day.
    """
    last_list_at = max(action.record_at for action in scheduled)
    return [_plan(issue, terms, action, last_list_at, calendar) for action in scheduled]


def _plan(
    issue: Issue,
    terms: IssuanceTerms,
    action: ScheduledAction,
    last_list_at: datetime,
    calendar: BusinessCalendar,
) -> CorporateAction:
    needs = required_fixings(terms, action, calendar=calendar)
    is_redemption = action.kind is ActionKind.REDEMPTION
    needs_outcome = isinstance(terms.payoff, Event) and is_redemption
    day_at = day_start(action.pay_on)
    known = [need.available_at for need in needs]
    if isinstance(terms.payoff, Event) and needs_outcome:
        known.append(day_start(terms.payoff.determined_by_on))
    grace_on = calendar.add_business_days(action.pay_by_on, terms.default.grace_business_days)
    return CorporateAction(
        action_id=derive_uuid7(issue.issue_id, f"action/{action.number}"),
        issue_id=issue.issue_id,
        number=action.number,
        kind=action.kind,
        nominal_on=action.nominal_on,
        pay_on=action.pay_on,
        pay_by_on=action.pay_by_on,
        record_at=action.record_at,
        # Never later than the day of payment, so that a missing value shows as an action that waits in FIXING.
        fixing_at=min(max(known, default=action.record_at), day_at),
        pay_at=max(day_at, last_list_at) if is_redemption else day_at,
        overdue_at=day_start(action.pay_by_on + _ONE_DAY),
        grace_until_at=day_start(grace_on + _ONE_DAY),
        needs=needs,
        needs_outcome=needs_outcome,
        state=ActionState.SCHEDULED,
        version=1,
    )
