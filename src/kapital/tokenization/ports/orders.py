"""Orders, who gives them, what they may cost and use, and the reviews of their acts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.order_review import ActToReview, OrderReview
from kapital.tokenization.domain.quote import Quote
from kapital.tokenization.domain.rule_books import RuleBooks


class Orders(Protocol):
    """Subscription orders and their fills."""

    async def of_commands(self, conn: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Order]:
        """The orders kept for (actor id, command id) pairs."""
        ...

    async def add(self, conn: AsyncConnection, orders: Sequence[Order]) -> set[UUID]:
        """Insert orders; return the ids of those whose (actor, command, item) was not there."""
        ...

    async def save(
        self, conn: AsyncConnection, orders: Sequence[Order], changed: Iterable[str], *, steps: int = 1
    ) -> None:
        """Write the fields that were changed by so many steps, each a version. Raises: StaleVersion."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id. From acceptance on they stand while the issue's row is locked."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those orders that exist, by id, locked. The issue's row is locked before."""
        ...

    async def versions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, int]:
        """The present version of those that exist. Stands while the issue's row is locked."""
        ...

    async def undecided(self, conn: AsyncConnection, before: datetime, limit: int) -> list[Order]:
        """Orders whose reserve was perhaps asked for and not decided, older than `before`."""
        ...

    async def undecided_of(self, conn: AsyncConnection, issue_ids: Iterable[UUID], limit: int) -> list[Order]:
        """The same for issues that close, whatever the age."""
        ...

    async def issues_undecided(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have undecided orders."""
        ...

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Order]:
        """Orders whose reserve has to go back, with ids above `after`."""
        ...

    async def accepted(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> list[Order]:
        """Live orders of issues, by time priority. They stand while the issues' rows are locked."""
        ...

    async def live_of(self, conn: AsyncConnection, participant_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """Order and participant of each order that is under way or accepted."""
        ...

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> int:
        """Note the ledger entry with which each reserve went back."""
        ...

    async def add_fills(self, conn: AsyncConnection, fills: Sequence[Mapping[str, Any]]) -> None:
        """Keep what each order got."""
        ...

    async def empty_fills(self, conn: AsyncConnection, order_ids: Iterable[UUID]) -> tuple[int, int]:
        """Note that nothing was delivered to these orders; returns the units and kopecks that they had."""
        ...

    async def any_unsettled(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue still waits for its ledger entry."""
        ...

    async def any_ever_accepted(self, conn: AsyncConnection, issue_id: UUID) -> bool:
        """Whether an order of the issue was ever accepted, withdrawn since or not."""
        ...


class Investors(Protocol):
    """What others told of participants."""

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Investor]:
        """Those participants of whom anything was told."""
        ...

    async def note(self, conn: AsyncConnection, news: Sequence[dict[str, Any]], now: datetime) -> None:
        """Take in what events told; later news of one participant stands after earlier."""
        ...

    async def note_rule_book(self, conn: AsyncConnection, version: str, effective_at: datetime) -> None:
        """Take in that a version of the rule book is in force."""
        ...

    async def rule_book_in_force(self, conn: AsyncConnection) -> str | None:
        """The version in force, or None when no event told of one."""
        ...

    async def rule_books(self, conn: AsyncConnection) -> RuleBooks:
        """Every version that an event told of."""
        ...


class Quotes(Protocol):
    """Published quotes of issues whose price follows one."""

    async def add(self, conn: AsyncConnection, quote: Quote) -> None:
        """Keep a quote for ever. The issue's row is locked."""
        ...

    async def last(self, conn: AsyncConnection, at: Mapping[UUID, datetime]) -> dict[UUID, Quote]:
        """The latest quote of each issue that was published by an instant, whether it still serves or not."""
        ...

    async def page(self, conn: AsyncConnection, issue_id: UUID, *, before: int | None, limit: int) -> list[Quote]:
        """Quotes of an issue, latest first, with numbers below `before`."""
        ...


class RetailUse(Protocol):
    """What unqualified persons have used of their yearly limit."""

    async def read(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on, as it stands now."""
        ...

    async def lock(
        self, conn: AsyncConnection, participant_ids: Iterable[UUID], since: date
    ) -> dict[UUID, dict[date, int]]:
        """What each has used, by day from `since` on; nobody else takes of theirs until the transaction ends."""
        ...

    async def add(self, conn: AsyncConnection, changes: Mapping[tuple[UUID, date], int]) -> None:
        """Add to (or, below zero, take from) what persons have used on days."""
        ...


class OrderReviews(Protocol):
    """Checks of acts before settlement, and the reviews of those that they hold."""

    async def to_check(
        self, conn: AsyncConnection, issue_ids: Iterable[UUID], *, before: datetime, limit: int
    ) -> list[ActToReview]:
        """Acts behind accepted orders not checked yet, or last in vain before an instant."""
        ...

    async def lock_of_acts(self, conn: AsyncConnection, acts: Sequence[ActToReview]) -> list[OrderReview]:
        """The reviews that these acts have already, locked."""
        ...

    async def add(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> set[UUID]:
        """Keep reviews; the ids of those whose act had none."""
        ...

    async def lock(self, conn: AsyncConnection, review_id: UUID) -> OrderReview | None:
        """One review, locked."""
        ...

    async def save(self, conn: AsyncConnection, reviews: Sequence[OrderReview]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def issues_open(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[UUID]:
        """Which of the issues have accepted orders whose act is not checked, or held."""
        ...

    async def barred(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> set[tuple[UUID, str, str]]:
        """Issue, actor and command of the acts whose orders get nothing."""
        ...

    async def page(
        self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int
    ) -> list[OrderReview]:
        """Reviews by id above `after`, in one state if it is given."""
        ...

    async def orders_of(self, conn: AsyncConnection, review_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
        """The orders that each review is about, in the order of their command."""
        ...

    async def count_open(self, conn: AsyncConnection) -> int:
        """How many acts keep placements from closing."""
        ...
