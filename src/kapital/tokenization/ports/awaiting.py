"""Orders that await their money."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.order import Order


class Awaited(NamedTuple):
    """Totals of the orders of an issue that await money."""

    orders: int
    units: int
    kopecks: int


class AwaitedOrders(Protocol):
    """Orders in the state AWAITING_FUNDS."""

    async def note_money(self, conn: AsyncConnection, wallets: Iterable[UUID], at: datetime) -> None:
        """Let the ledger be asked, from an instant on, for those that await money of the wallets."""
        ...

    async def lock_due(self, conn: AsyncConnection, now: datetime, after: UUID, limit: int) -> list[Order]:
        """Those that the ledger is to be asked for, by id above `after`, locked.

        Shape: of open placements, their cut-off to come; and all that it was asked for before.
        """
        ...

    async def over(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Order]:
        """Those whose cut-off has come, or whose placement was cancelled or ended early."""
        ...

    async def count(self, conn: AsyncConnection) -> int:
        """How many there are."""
        ...

    async def count_of(self, conn: AsyncConnection, participant_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many each participant has; who has none is missing."""
        ...

    async def totals(self, conn: AsyncConnection, issue_id: UUID) -> Awaited:
        """What those of an issue come to."""
        ...
