"""A wallet was opened: it becomes a beneficiary of the nominal account and gets its top-up code."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.ports import Beneficiary, Parts


class WalletOpened(msgspec.Struct, frozen=True, kw_only=True):
    """What settlement needs of registry.wallet_opened."""

    wallet_id: UUID
    participant_id: UUID


async def register_beneficiaries(parts: Parts, tx: Transaction, opened: Sequence[WalletOpened]) -> None:
    """Keep a beneficiary for each wallet, for a bank that keeps shares too; a repeat changes nothing."""
    fresh = [
        Beneficiary(
            wallet_id=one.wallet_id,
            participant_id=one.participant_id,
            top_up_code=top_up_code(one.wallet_id),
        )
        for one in {one.wallet_id: one for one in opened}.values()
    ]
    await parts.beneficiaries.add(tx.conn, fresh, tx.now)
    if parts.shares.bank is not None:
        await parts.shares.records.add_holders(tx.conn, [one.wallet_id for one in fresh], tx.now)
