"""A beneficiary's top-up code, and its money by position as the ledger has it now."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.ledger.api import AccountKey, Ledger, Position, money_asset
from kapital.platform import access
from kapital.settlement.domain.problems import BeneficiaryNotFound

_POSITIONS: Final = (
    Position.AVAILABLE,
    Position.RESERVED,
    Position.LOCKED,
    Position.PLEDGED,
    Position.ARRESTED,
    Position.FROZEN,
)
_GET: Final = text(
    """
    SELECT wallet_id, top_up_code FROM beneficiary
    WHERE wallet_id = :wallet AND (CAST(:participant AS uuid) IS NULL OR participant_id = :participant)
    """
)


async def get_beneficiary(
    conn: AsyncConnection, ledger: Ledger, actor: Actor, wallet_id: UUID
) -> contract.Beneficiary:
    """The beneficiary of a wallet. Raises: NotPermitted, BeneficiaryNotFound (also when it is another's)."""
    whose = access.scope(actor, "get_beneficiary", "Beneficiary")
    found = await conn.execute(_GET, {"wallet": wallet_id, "participant": whose.only})
    row = found.one_or_none()
    if row is None:
        raise BeneficiaryNotFound
    keys = [AccountKey(asset=money_asset(), position=position, wallet=wallet_id) for position in _POSITIONS]
    available, reserved, locked, pledged, arrested, frozen = await ledger.balances(keys)
    return contract.Beneficiary(
        wallet_id=wallet_id,
        top_up_code=row.top_up_code,
        balances=contract.MoneyBalances(
            available_kopecks=available,
            reserved_kopecks=reserved,
            locked_kopecks=locked,
            pledged_kopecks=pledged,
            arrested_kopecks=arrested,
            frozen_kopecks=frozen,
        ),
    )
