"""A corporate action (корпоративное действие): a payment of the issue on its way. Law: domain.md 3.6."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.states import Step
from kapital.tokenization.domain.early import Early
from kapital.tokenization.domain.issue import Issue, day_start
from kapital.tokenization.domain.schedule import ActionKind, FixingNeed, ScheduledAction, required_fixings
from kapital.tokenization.domain.shortfall import ArrearsRules, arrears_rules
from kapital.tokenization.domain.states import ACTION, ActionState
from kapital.tokenization.domain.terms import Event, IssuanceTerms

_ONE_DAY = timedelta(days=1)


class CorporateAction(msgspec.Struct, frozen=True, kw_only=True):
    """One payment. Instants: `fixing_at` when its outside values should be known, `pay_at` when paying begins,

    `overdue_at` when the last day to pay is over, `grace_until_at` when the days of grace are over. `early` is given
    for what ends units before their term. `reserved_kopecks` is what of the issuer's money is set aside for it, or
    may be, from the call for funding on; None of actions that were under way before money was set aside.

    `arrears` is what the decision says of being late, None where it says nothing. `share_kopecks`: None while nothing
    is decided about a share, what is to be set aside for it, and 0 when that is done or there was nothing. `rest_of`:
    of which payment this is what stayed due. `late_kopecks` is the interest of being late: while `late_on` is given
    it is the one up to that day and added to what is due, afterwards part of `total_kopecks`. While it runs
    `reserved_kopecks` is None until the issuer has the whole.
    `calendar_sha256` is of the calendar that planned its days; None of actions from before it was kept.
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
    arrears: ArrearsRules | None = None
    rest_of: UUID | None = None
    share_kopecks: int | None = None
    late_on: date | None = None
    late_kopecks: int = 0
    calendar_sha256: str | None = None

    def moved(self, on: str, **changes: Any) -> tuple["CorporateAction", Step[ActionState]]:
        """The action after the step that `on` makes, and the step. Raises: WrongState."""
        step = ACTION.step(self.state, on)
        return self.changed(state=step.target, **changes), step

    def changed(self, **changes: Any) -> "CorporateAction":
        """The next version of the action."""
        return msgspec.structs.replace(self, version=self.version + 1, **changes)

    @property
    def shares_money(self) -> bool:
        """Whether a share of it is paid when the money is too little."""
        return self.arrears is not None and self.arrears.pro_rata

    @property
    def bears_interest(self) -> bool:
        """Whether being late costs interest."""
        return self.arrears is not None and self.arrears.bears_interest

    @property
    def awaits_interest(self) -> bool:
        """Whether it is late and its interest has not begun to run: until then the ledger is not asked for money."""
        late = self.state is ActionState.GRACE and self.bears_interest
        return late and self.late_on is None and not self.late_kopecks

    @property
    def needed_kopecks(self) -> int:
        """What is to be set aside for what is not paid yet, or stands set aside for it."""
        if self.share_kopecks:
            return self.share_kopecks
        late = 0 if self.late_on is None else self.late_kopecks
        return self.total_kopecks - self.paid_kopecks + late

    @property
    def calculation_sha256(self) -> str | None:
        """SHA-256 (hex) of what was calculated and of the days it is for, in canonical form; None before.

        It is what two persons approve. `explanation` has the values, the arithmetic and what one unit is paid.
        """
        if self.explanation is None:
            return None
        content = {
            "action_id": str(self.action_id),
            "issue_id": str(self.issue_id),
            "kind": self.kind.value,
            "nominal_on": self.nominal_on.isoformat(),
            "pay_on": self.pay_on.isoformat(),
            "pay_by_on": self.pay_by_on.isoformat(),
            "record_at": self.record_at.astimezone(UTC).isoformat(),
            "explanation": self.explanation,
        }
        return sha256_hex(canonical_bytes(content))

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
        arrears=arrears_rules(terms),
        calendar_sha256=calendar.sha256,
    )
