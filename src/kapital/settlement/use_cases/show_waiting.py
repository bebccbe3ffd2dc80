"""The figures of what waits for persons, for whoever is on duty."""

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.telemetry import (
    BREAK_AGE,
    BREAKS_OPEN,
    ESCROW_REVIEWS,
    MESSAGES_PARKED,
    WITHDRAWALS_AWAITING,
)
from kapital.settlement.ports import Parts


async def show_waiting(parts: Parts, conn: AsyncConnection) -> None:
    """Set them: breaks and the age of the oldest, parked messages, escrow reviews, withdrawals above the limit."""
    waiting = await parts.waiting.count(conn)
    opened_at = waiting.oldest_break_at
    BREAKS_OPEN.set(waiting.breaks)
    BREAK_AGE.set(0 if opened_at is None else (parts.uow.clock.now() - opened_at).total_seconds())
    MESSAGES_PARKED.set(waiting.parked_messages)
    ESCROW_REVIEWS.set(waiting.escrow_reviews)
    WITHDRAWALS_AWAITING.set(waiting.withdrawals)
