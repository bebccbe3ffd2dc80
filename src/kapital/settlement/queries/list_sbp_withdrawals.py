"""Withdrawals by the SBP with their parts, newest first."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.sbp_problems import SbpWithdrawalNotFound
from kapital.settlement.sbp_withdrawal_rows import shown_sbp_withdrawals


async def list_sbp_withdrawals(
    conn: AsyncConnection, actor: Actor, *, before: UUID | None = None, limit: int = 100
) -> contract.SbpWithdrawalPage:
    """A page of those that the actor may see. Raises: NotPermitted."""
    whose = access.scope(actor, "list_sbp_withdrawals", "Withdrawal")
    found = await shown_sbp_withdrawals(conn, whose.only, one=None, before=before, limit=limit)
    return contract.SbpWithdrawalPage(sbp_withdrawals=found)


async def get_sbp_withdrawal(conn: AsyncConnection, actor: Actor, sbp_withdrawal_id: UUID) -> contract.SbpWithdrawal:
    """One. Raises: NotPermitted, SbpWithdrawalNotFound (also when it is another's)."""
    whose = access.scope(actor, "get_sbp_withdrawal", "Withdrawal")
    found = await shown_sbp_withdrawals(conn, whose.only, one=sbp_withdrawal_id, before=None, limit=1)
    if not found:
        raise SbpWithdrawalNotFound
    return found[0]
