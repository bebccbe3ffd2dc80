"""An issue (выпуск ЦФА): the placement's numbers drawn from its terms, and where it stands."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UnsetType

from kapital.kernel.calendar import MOSCOW, BusinessCalendar
from kapital.kernel.problems import StaleVersion
from kapital.kernel.states import Step
from kapital.tokenization.domain.problems import DecisionHashMustMatch
from kapital.tokenization.domain.schedule import ActionKind, ScheduledAction, actions
from kapital.tokenization.domain.states import ISSUE, IssueState
from kapital.tokenization.domain.terms import IssuanceTerms, WhenFull

_KINDS: Final = {
    "natural_person": "natural_persons",
    "sole_proprietor": "sole_proprietors",
    "legal_entity": "legal_entities",
    "foreign_entity": "foreign_entities",
}


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One issue. Shape: `issue_id` is also the ledger's asset id of the units.

    Units: kopecks; whole units; `quantity_min` is what the least amount comes to where that is more; `accepted_*`
    count live accepted orders. `window_at` is the first instant of the
    redemption window, known once the issue circulates; `locked_at` says that the transfer lock is in the ledger.
    `quote_min_kopecks` and `quote_max_kopecks` are the corridor of a price by quote, None where the price is fixed;
    `fill_every_s` is not None in a continuous placement, which fills orders at `fill_at` next; `allocation_parts`
    counts the parts of its allocation that settlement was told of; `stopped_by_operator` says
    that two persons suspended the placement, which then does not reopen by itself. `closes_when_full` and
    `issuer_may_end` say how it may end before its time, `ended_early_at` when it did.
    """

    issue_id: UUID
    issuer_participant_id: UUID
    issuer_wallet_id: UUID | None = None
    code: str
    title: str
    state: IssueState
    version: int
    decision_version: int
    decision_sha256: str
    drafted_by: str
    quantity_min: int
    quantity_max: int
    min_order_units: int
    max_order_units: int
    lot: int
    price_kopecks: int
    placement_start_at: datetime
    placement_end_at: datetime
    when_full: WhenFull
    orders_revocable: bool
    qualified_only: bool
    investor_kinds: list[str]
    retail_limited: bool = True
    quote_min_kopecks: int | None = None
    quote_max_kopecks: int | None = None
    fill_every_s: int | None = None
    fill_at: datetime | None = None
    allocation_parts: int = 0
    transfer_lock: bool
    accepted_orders: int = 0
    accepted_units: int = 0
    accepted_kopecks: int = 0
    allocated_units: int = 0
    paid_kopecks: int = 0
    published_at: datetime | None = None
    closed_at: datetime | None = None
    window_at: datetime | None = None
    locked_at: datetime | None = None
    stopped_by_operator: bool = False
    closes_when_full: bool = False
    issuer_may_end: bool = False
    ended_early_at: datetime | None = None

    def require_seen(self, decision_sha256: str, version: int | None) -> None:
        """Return if the actor saw this very decision. Raises: StaleVersion, DecisionHashMustMatch."""
        if version is not None and version != self.version:
            raise StaleVersion(facts={"seen": version, "kept": self.version})
        if decision_sha256 != self.decision_sha256:
            raise DecisionHashMustMatch(facts={"seen": decision_sha256, "kept": self.decision_sha256})

    def moved(self, on: str, **changes: Any) -> tuple["Issue", Step[IssueState]]:
        """The issue after the step that `on` makes, and the step. Raises: WrongState."""
        step = ISSUE.step(self.state, on)
        return self.changed(state=step.target, **changes), step

    def changed(self, **changes: Any) -> "Issue":
        """The next version of the issue, in the same state unless `changes` name another."""
        return msgspec.structs.replace(self, version=self.version + 1, **changes)

    @property
    def placement(self) -> tuple[datetime, datetime]:
        """First instant at which orders are taken, and first at which they are not."""
        return self.placement_start_at, self.ends_at

    @property
    def ends_at(self) -> datetime:
        """The end of the placement: its time by the decision, or the instant at which it ended before."""
        return self.ended_early_at or self.placement_end_at

    def filled_at(self, at: datetime) -> dict[str, datetime]:
        """What changes as live orders take the whole quantity: the placement ends, where the decision says so."""
        return {"ended_early_at": at} if self.closes_when_full and not self.is_over(at) else {}

    def is_over(self, at: datetime) -> bool:
        """Whether the instant of the close has come: the first at which no order is taken or withdrawn."""
        return at >= self.ends_at

    def reserved_for(self, units: int, max_price_kopecks: int | None) -> int:
        """What an order of so many units reserves: by its greatest price where that is a quote's."""
        if self.quote_max_kopecks is None or max_price_kopecks is None:
            return units * self.price_kopecks
        return units * max_price_kopecks

    @property
    def is_full(self) -> bool:
        """Whether live orders take the whole quantity and the decision suspends the placement then."""
        return self.when_full is WhenFull.SUSPEND and self.accepted_units >= self.quantity_max


def drawn_from(terms: IssuanceTerms) -> dict[str, Any]:
    """The columns of an issue that its terms decide."""
    return {
        "code": terms.code,
        "title": terms.title,
        "quantity_min": terms.least_units,
        "quantity_max": terms.quantity_max,
        "min_order_units": terms.min_order_units,
        "max_order_units": terms.max_order_units,
        "lot": terms.lot,
        "price_kopecks": terms.price_kopecks,
        "placement_start_at": terms.placement_start_at,
        "placement_end_at": terms.placement_end_at,
        "when_full": terms.when_full,
        "orders_revocable": terms.orders_revocable,
        "qualified_only": terms.eligibility.qualified_only,
        "investor_kinds": [kind for kind, field in _KINDS.items() if getattr(terms.eligibility, field) is True],
        "retail_limited": isinstance(terms.eligibility.without_limit_text, UnsetType),
        "quote_min_kopecks": terms.quote.price_min_kopecks if terms.quote else None,
        "quote_max_kopecks": terms.quote.price_max_kopecks if terms.quote else None,
        "fill_every_s": terms.continuous.every_s if terms.continuous else None,
        "fill_at": terms.placement_start_at if terms.continuous else None,
        "transfer_lock": terms.redemption.transfer_lock,
        "closes_when_full": terms.early_close is not None and terms.early_close.when_full,
        "issuer_may_end": terms.early_close is not None and terms.early_close.by_issuer,
    }


def day_start(on: date) -> datetime:
    """00:00 Moscow of a day."""
    return datetime.combine(on, time(), tzinfo=MOSCOW)


def window_start(scheduled: Sequence[ScheduledAction]) -> datetime | None:
    """The first instant of the redemption window."""
    starts = [action.pay_on for action in scheduled if action.kind is ActionKind.REDEMPTION]
    return day_start(min(starts)) if starts else None


def schedule_of(terms: IssuanceTerms, calendar: BusinessCalendar) -> list[ScheduledAction]:
    """Every payment of the terms."""
    return actions(terms, calendar=calendar)
