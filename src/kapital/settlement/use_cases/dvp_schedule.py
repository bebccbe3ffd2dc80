"""Tick: work on the settlement queue when something has changed in it, and all of it again every half minute."""

from datetime import datetime, timedelta
from typing import Final

from kapital.kernel.calendar import moscow_day
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.settle_due import settle_due

RECYCLED_EVERY: Final = timedelta(seconds=30)
"""So often what could not settle is tried again though the queue stands still: money and units come elsewhere."""


class DvpSchedule:
    """Remembers when the queue was worked on last; the first tick of a process always does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._ran_at: datetime | None = None

    async def __call__(self, now: datetime) -> None:
        """Work on the queue if it is time. What changes while it is worked on is seen by the next tick."""
        if self._ran_at is not None and now < self._ran_at + RECYCLED_EVERY:
            async with self._parts.uow.database.read() as conn:
                if not await self._parts.queue.is_stirred(conn, moscow_day(now), now, self._ran_at):
                    return
        run = await settle_due(self._parts)
        self._ran_at = None if run.is_unfinished else now
