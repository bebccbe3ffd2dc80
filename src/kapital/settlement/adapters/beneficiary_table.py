"""Table beneficiary."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.ports import Beneficiary

_ADD: Final = text(
    """
    INSERT INTO beneficiary (wallet_id, participant_id, top_up_code, registered_at)
    SELECT wallet_id, participant_id, top_up_code, :now
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:participants AS uuid[]), CAST(:codes AS text[]))
        AS b (wallet_id, participant_id, top_up_code)
    ON CONFLICT (wallet_id) DO NOTHING
    """
)
_BY_CODE: Final = text(
    "SELECT top_up_code, wallet_id FROM beneficiary WHERE top_up_code = ANY(CAST(:codes AS text[]))"
)
_OWNERS: Final = text(
    "SELECT wallet_id, participant_id FROM beneficiary WHERE wallet_id = ANY(CAST(:wallets AS uuid[]))"
)


class BeneficiaryTable:
    """Implements `ports.Beneficiaries`."""

    async def add(self, conn: AsyncConnection, beneficiaries: Sequence[Beneficiary], now: datetime) -> None:
        """Keep new ones; those already kept stay as they are."""
        values = {
            "wallets": [one.wallet_id for one in beneficiaries],
            "participants": [one.participant_id for one in beneficiaries],
            "codes": [one.top_up_code for one in beneficiaries],
        }
        await conn.execute(_ADD, {**values, "now": now})

    async def wallets_by_code(self, conn: AsyncConnection, codes: Iterable[str]) -> dict[str, UUID]:
        """The wallet of each known code."""
        if not (wanted := list(codes)):
            return {}
        rows = await conn.execute(_BY_CODE, {"codes": wanted})
        return {row.top_up_code: UUID(str(row.wallet_id)) for row in rows}

    async def owners(self, conn: AsyncConnection, wallet_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """The participant of each known wallet."""
        rows = await conn.execute(_OWNERS, {"wallets": list(wallet_ids)})
        return {UUID(str(row.wallet_id)): UUID(str(row.participant_id)) for row in rows}
