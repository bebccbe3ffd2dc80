"""Table sbp_withdrawal: whom the SBP pays, and what was asked for; the parts are rows of table withdrawal."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.domain.sbp_payout import SbpWithdrawal

_LOCK_PAYEE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('sbp-payee/' || :phone, 0))")
_PAID_SINCE: Final = text(
    """
    SELECT coalesce(sum(w.amount_kopecks), 0)::bigint
    FROM sbp_withdrawal AS s JOIN withdrawal AS w USING (sbp_withdrawal_id)
    WHERE s.phone = :phone AND s.requested_at >= :since AND w.state NOT IN ('refused', 'rejected', 're_credited')
    """
)
_ADD: Final = text(
    """
    INSERT INTO sbp_withdrawal (sbp_withdrawal_id, wallet_id, amount_kopecks, phone, member_id, requested_by,
        command_id, requested_at)
    VALUES (:id, :wallet, :amount, :phone, :member, :actor, :command, :now)
    """
)
_OF_COMMAND: Final = text(
    """
    SELECT sbp_withdrawal_id, wallet_id, amount_kopecks, phone, member_id, requested_by
    FROM sbp_withdrawal WHERE requested_by = :actor AND command_id = :command
    """
)


class SbpWithdrawalTable:
    """Implements `ports.SbpWithdrawals`."""

    async def promised_since(self, conn: AsyncConnection, payee: SbpPayee, since: datetime) -> int:
        """What this phone was paid or is to be paid since then, in kopecks; others that ask wait for the commit."""
        await conn.execute(_LOCK_PAYEE, {"phone": payee.phone})
        return int((await conn.execute(_PAID_SINCE, {"phone": payee.phone, "since": since})).scalar_one())

    async def add(self, conn: AsyncConnection, asked: SbpWithdrawal, *, command_id: str, now: datetime) -> None:
        """Keep a new one, without its parts."""
        values = {
            "id": asked.sbp_withdrawal_id,
            "wallet": asked.wallet_id,
            "amount": asked.amount_kopecks,
            "phone": asked.payee.phone,
            "member": asked.payee.member_id,
            "actor": asked.requested_by,
            "command": command_id,
            "now": now,
        }
        await conn.execute(_ADD, values)

    async def of_command(self, conn: AsyncConnection, *, actor_id: str, command_id: str) -> SbpWithdrawal | None:
        """What a command asked for, without its parts."""
        row = (await conn.execute(_OF_COMMAND, {"actor": actor_id, "command": command_id})).one_or_none()
        if row is None:
            return None
        return SbpWithdrawal(
            sbp_withdrawal_id=UUID(str(row.sbp_withdrawal_id)),
            wallet_id=UUID(str(row.wallet_id)),
            amount_kopecks=row.amount_kopecks,
            payee=SbpPayee(phone=row.phone, member_id=row.member_id),
            requested_by=row.requested_by,
        )
