"""A subscription order (заявка на приобретение): its checks and its steps. Law: 259-FZ art. 3; domain.md 3.4."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import INT64_MAX
from kapital.kernel.problems import Problem
from kapital.kernel.states import Step
from kapital.tokenization.domain.investor import (
    Investor,
    why_above_identification,
    why_ineligible,
    why_rule_book_bars,
)
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import (
    OrderAboveMaximum,
    OrderAmountTooLarge,
    OrderBelowMinimum,
    OrderMustBeWholeLots,
    OrderNeedsMaximumPrice,
    OrderPriceMustBeInCorridor,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.states import ORDER, IssueState, OrderState

_NO_PURCHASE: Final = frozenset(
    {OrderState.REJECTED, OrderState.WITHDRAWN, OrderState.EXPIRED, OrderState.NOT_ALLOCATED}
)
"""States after which the order uses nothing of a yearly limit (domain.md 1.6)."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `reserved_kopecks` is the price of all its units; the reserve's ledger number is its time priority.

    `act_file_sha256` names the file of the signed act in the object store; None where the session authorised it.
    `max_price_kopecks`: the most that it pays for a unit, where the price follows a quote.
    `limit_kopecks`: what the order counts under the yearly limit of its investor, on the Moscow day `limit_on`.
    `rule_book_version`: what its investor had accepted when it was placed; its records in the ledger name it.
    `release_due`: the reserve has to go back, and the ledger may not know it yet.
    `funds_until_at`: the first instant at which it awaits its money no more, None if it never does; `awaited_at`:
    since when it awaits, or awaited; `funds_look_at`: when the ledger is asked next; `reserve_asked`: the ledger may
    know of a reserve that this row does not tell of.
    `broker_id`: who placed it for its participant, by the mandate `mandate_id` (None: there was none: refused);
    `mandate_kopecks`: what it counts of the mandate's Moscow day `mandate_on`.
    """

    order_id: UUID
    issue_id: UUID
    participant_id: UUID
    wallet_id: UUID | None
    units: int
    reserved_kopecks: int
    state: OrderState
    version: int
    actor_id: str
    command_id: str
    item: int
    fingerprint: str
    created_at: datetime
    reserve_seq: int | None = None
    reserved_at: datetime | None = None
    accepted_at: datetime | None = None
    release_due: bool = False
    release_seq: int | None = None
    refusal_code: str | None = None
    refusal_detail: str | None = None
    refusal_facts: dict[str, str | int] | None = None
    entry_seq: int | None = None
    act_file_sha256: str | None = None
    max_price_kopecks: int | None = None
    limit_kopecks: int = 0
    limit_on: date | None = None
    rule_book_version: str | None = None
    funds_until_at: datetime | None = None
    awaited_at: datetime | None = None
    funds_look_at: datetime | None = None
    reserve_asked: bool = False
    broker_id: UUID | None = None
    mandate_id: UUID | None = None
    mandate_kopecks: int = 0
    mandate_on: date | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the ledger was perhaps asked for its reserve, and the answer is not written down."""
        return self.state is OrderState.CHECKED or self.reserve_asked

    def still(self, **changes: Any) -> "Order":
        """The next version of the order, in the same state."""
        return msgspec.structs.replace(self, version=self.version + 1, **changes)

    def is_cut_off(self, at: datetime) -> bool:
        """Whether it awaits its money no more at the instant."""
        return self.funds_until_at is not None and at >= self.funds_until_at

    def moved(self, on: str, **changes: Any) -> tuple["Order", Step[OrderState]]:
        """The order after the step that `on` makes, and the step. Raises: WrongState."""
        step = ORDER.step(self.state, on)
        if step.target in _NO_PURCHASE or on == "turned_back":
            changes["limit_kopecks"] = changes["mandate_kopecks"] = 0
        moved = msgspec.structs.replace(self, version=self.version + 1, state=step.target, **changes)
        return moved, step


def why_refused(
    issue: Issue,
    investor: Investor | None,
    units: int,
    at: datetime,
    *,
    rule_book: str,
    max_price_kopecks: int | None = None,
) -> Problem | None:
    """The first rule that an order breaks, or None; `rule_book` is the version in force.

    Money is not looked at: that is the ledger's to refuse.
    """
    if (closed := why_closed(issue, at)) is not None:
        return closed
    if (ineligible := why_ineligible(investor, issue, at)) is not None:
        return ineligible
    if units < issue.min_order_units:
        return OrderBelowMinimum(facts={"units": units, "min_units": issue.min_order_units})
    if units > issue.max_order_units:
        return OrderAboveMaximum(facts={"units": units, "max_units": issue.max_order_units})
    if issue.lot > 1 and units % issue.lot:
        return OrderMustBeWholeLots(facts={"units": units, "lot": issue.lot})
    if (beside := why_price_refused(issue, max_price_kopecks)) is not None:
        return beside
    amount = issue.reserved_for(units, max_price_kopecks)
    if amount > INT64_MAX:
        return OrderAmountTooLarge(facts={"units": units, "price_kopecks": max_price_kopecks or issue.price_kopecks})
    above = why_above_identification(investor, amount)
    return above or why_rule_book_bars(investor, rule_book)


def why_price_refused(issue: Issue, max_price_kopecks: int | None) -> Problem | None:
    """A refusal of an order whose greatest price is missing where it is needed, or at which nothing is placed."""
    low, high = issue.quote_min_kopecks, issue.quote_max_kopecks
    if low is None or high is None:
        if max_price_kopecks is None or max_price_kopecks >= issue.price_kopecks:
            return None
        low = high = issue.price_kopecks
    elif max_price_kopecks is None:
        return OrderNeedsMaximumPrice(facts={"price_min_kopecks": low, "price_max_kopecks": high})
    elif low <= max_price_kopecks <= high:
        return None
    return OrderPriceMustBeInCorridor(
        facts={"max_price_kopecks": max_price_kopecks, "price_min_kopecks": low, "price_max_kopecks": high}
    )


_FULL: Final = "live orders take the whole quantity; it opens again if one is withdrawn"
_FULL_AND_OVER: Final = "live orders take the whole quantity, and the decision ends the placement then"
_STOPPED: Final = (
    "the operator has suspended it by a decision of two persons; it opens again by another such decision"
)


def why_closed(issue: Issue, at: datetime) -> Problem | None:
    """A refusal unless the issue takes orders at the instant: opened, not full, not over."""
    if issue.state is IssueState.PLACEMENT_OPEN and not issue.is_over(at):
        return None
    start, end = (f"{one.astimezone(MOSCOW):%d.%m.%Y %H:%M}" for one in issue.placement)
    why = f"orders are taken from {start} to {end} Moscow time"
    if issue.state is IssueState.PLACEMENT_SUSPENDED and not issue.is_over(at):
        full = _FULL_AND_OVER if issue.closes_when_full else _FULL
        why = _STOPPED if issue.stopped_by_operator else full
    return PlacementMustBeOpen(
        f"the placement of {issue.code} is not open: {why}", {"state": issue.state.value, "code": issue.code}
    )
