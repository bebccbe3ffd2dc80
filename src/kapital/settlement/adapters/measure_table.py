"""Table participant_measure: who is under a measure of 115-FZ, as identity told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NOTE: Final = text(
    """
    INSERT INTO participant_measure (participant_id, measure, told_at)
    SELECT id, measure, :now FROM unnest(CAST(:ids AS uuid[]), CAST(:measures AS text[])) AS m (id, measure)
    ORDER BY id
    ON CONFLICT (participant_id) DO UPDATE SET measure = excluded.measure, told_at = excluded.told_at
    """
)
_END: Final = text("DELETE FROM participant_measure WHERE participant_id = ANY(CAST(:ids AS uuid[]))")
_WALLETS: Final = text(
    """
    SELECT b.wallet_id FROM beneficiary b JOIN participant_measure USING (participant_id)
    WHERE b.wallet_id = ANY(CAST(:wallets AS uuid[]))
    """
)


class MeasureTable:
    """Implements `ports.Measures`."""

    async def note(self, conn: AsyncConnection, measures: Mapping[UUID, str | None], now: datetime) -> None:
        """Keep what was told; None ends a measure."""
        kept = {participant: measure for participant, measure in measures.items() if measure is not None}
        if ended := [participant for participant in measures if participant not in kept]:
            await conn.execute(_END, {"ids": ended})
        if kept:
            await conn.execute(_NOTE, {"ids": list(kept), "measures": list(kept.values()), "now": now})

    async def wallets_held(self, conn: AsyncConnection, wallets: set[UUID]) -> frozenset[UUID]:
        """Those of these wallets whose owners are under a measure."""
        rows = (await conn.execute(_WALLETS, {"wallets": list(wallets)})).scalars()
        return frozenset(UUID(str(wallet)) for wallet in rows)
