"""What waits for persons."""

from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class WaitingForPersons(NamedTuple):
    """How much of each kind waits. `oldest_break_at`: when the oldest open break was opened, None without one."""

    breaks: int
    oldest_break_at: datetime | None
    parked_messages: int
    escrow_reviews: int
    withdrawals: int


class Waiting(Protocol):
    """What of settlement waits for persons, counted over what waits, not over all that ever was."""

    async def count(self, conn: AsyncConnection) -> WaitingForPersons:
        """All of it, as of now."""
        ...
