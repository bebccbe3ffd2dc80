"""What waits for persons, counted by the indices of rows that wait."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.ports.waiting import WaitingForPersons

_COUNT: Final = text(
    """
    SELECT b.breaks, b.oldest,
        (SELECT count(*) FROM incoming_message WHERE state = 'parked') AS messages,
        (SELECT count(*) FROM dvp_instruction WHERE rail = 'escrow'
            AND state IN ('review_before_record', 'review_after_record')) AS reviews,
        (SELECT count(*) FROM withdrawal WHERE state = 'awaiting_approval') AS withdrawals
    FROM (SELECT count(*) AS breaks, min(opened_at) AS oldest FROM reconciliation_break
        WHERE state IN ('open', 'resolution_proposed')) AS b
    """
)


class WaitingRows:
    """Implements `ports.Waiting`."""

    async def count(self, conn: AsyncConnection) -> WaitingForPersons:
        """All of it, as of now."""
        row = (await conn.execute(_COUNT)).one()
        return WaitingForPersons(row.breaks, row.oldest, row.messages, row.reviews, row.withdrawals)
