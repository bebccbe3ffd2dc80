"""Breaks between the bank, the register and our own books."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.breaks import Books, Break, Finding, OpenBreaks


class Breaks(Protocol):
    """Breaks, found and explained in a fixed number of statements; none of them over all that ever was."""

    async def look_at_statements(self, conn: AsyncConnection, now: datetime, *, at_rest: bool) -> None:
        """Open what lines and statements not compared yet bring up, and explain what they explain.

        `at_rest`: the bank was asked about every payout just now; only then is a message done with.
        """
        ...

    async def walked(self, conn: AsyncConnection) -> int:
        """Number of the first entry that was not compared with our books; locked until the commit."""
        ...

    async def walk_on(self, conn: AsyncConnection, next_seq: int) -> None:
        """Note how far the log was compared."""
        ...

    async def books(self, conn: AsyncConnection, start: int, stop: int, references: Iterable[str]) -> Books:
        """What our tables say of bank money of these references, and of what entries start <= seq < stop settled."""
        ...

    async def standing_entries(self, conn: AsyncConnection, limit: int) -> list[int]:
        """Entries about which books and register still differ."""
        ...

    async def note_books(
        self, conn: AsyncConnection, compared: Sequence[int], found: Sequence[Finding], now: datetime
    ) -> None:
        """Open what was found; explain what stands about the entries compared and was not found any more."""
        ...

    async def books_kopecks(self, conn: AsyncConnection) -> int:
        """By our own tables: what came less what was paid."""
        ...

    async def note_difference(
        self, conn: AsyncConnection, subject: str, difference_kopecks: int, now: datetime, *, reconciliation_id: UUID
    ) -> None:
        """Open, change or explain the break of sums (`balance`, `books`) by what other breaks leave unexplained."""
        ...

    async def open_breaks(self, conn: AsyncConnection) -> OpenBreaks:
        """What stops withdrawals."""
        ...

    async def lock(self, conn: AsyncConnection, break_id: UUID) -> Break | None:
        """A break, locked until the commit."""
        ...

    async def save(self, conn: AsyncConnection, changed: Break) -> None:
        """Save state, proposal and decision of a break that is locked."""
        ...
