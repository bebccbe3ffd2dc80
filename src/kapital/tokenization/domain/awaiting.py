"""An order that awaits its money (заявка, ожидающая оплаты): until when it may, and when the ledger is asked for it.

Law: 259-FZ art. 3; domain.md 1.3 (no reserve, no acceptance), 3.4; scenarios 8, 9.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import UnsetType

from kapital.kernel.problems import Problem
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems_awaiting import FundsCutOffMustBeBeforeClose, OrdersMustBeAllowedToAwait
from kapital.tokenization.domain.states import PLACEMENT_LIVE

LAST_LOOK: Final = timedelta(minutes=1)
"""So long before its cut-off an order is tried once more: no event tells of all money (income, a sale)."""
AWAITING_MAX: Final = 1000
"""Orders of one investor that may await money at a time: each is asked for when some comes."""
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def reckoned(funds_until_at: datetime | UnsetType) -> datetime | UnsetType:
    """A cut-off as it was said, in UTC. Raises: FundsCutOffMustBeBeforeClose.

    Neither a database nor a local time can tell of the first and the last hours of all time: no placement lies there.
    """
    if isinstance(funds_until_at, UnsetType):
        return funds_until_at
    if not _FIRST <= funds_until_at < _LAST:
        raise FundsCutOffMustBeBeforeClose(facts={"funds_until_at": funds_until_at.isoformat()})
    return funds_until_at.astimezone(UTC)


def why_may_not_await(
    issue: Issue, funds_until_at: datetime | None, at: datetime, *, allowed: bool
) -> Problem | None:
    """Why an order with this cut-off is not taken at an instant, or None; `allowed`: by the rule of the day."""
    if funds_until_at is None:
        return None
    if not allowed:
        return OrdersMustBeAllowedToAwait()
    if at < funds_until_at <= issue.placement_end_at:
        return None
    facts = {"funds_until_at": funds_until_at.isoformat(), "close_at": issue.placement_end_at.isoformat()}
    return FundsCutOffMustBeBeforeClose(facts=facts)


def may_await(order: Order, issue: Issue, at: datetime) -> bool:
    """Whether an order for which there is too little money begins to await it."""
    if order.funds_until_at is None or at >= order.funds_until_at:
        return False
    return issue.state in PLACEMENT_LIVE and not issue.is_over(at)


def next_look(order: Order, at: datetime) -> datetime | None:
    """When the ledger is asked again for an order that it is asked for now, if no money is told of before."""
    if order.funds_until_at is None:
        return None
    last = order.funds_until_at - LAST_LOOK
    return last if at < last else None
