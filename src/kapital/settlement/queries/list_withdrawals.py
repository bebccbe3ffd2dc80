"""Withdrawals, newest first."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.bank_shares import SCORING_FAILED
from kapital.settlement.domain.problems import WithdrawalNotFound
from kapital.settlement.domain.withdrawal import shown_reason

_LIST: Final = text(
    """
    SELECT w.withdrawal_id, w.wallet_id, w.amount_kopecks, w.bic, w.account, w.state, w.entry_seq, w.requested_at,
        w.changed_at, coalesce(w.reason, CASE h.scoring WHEN 'failed' THEN CAST(:held AS text) END) AS reason
    FROM withdrawal AS w JOIN beneficiary AS b USING (wallet_id)
        LEFT JOIN bank_share_holder AS h ON h.wallet_id = w.wallet_id AND w.state = 'checked'
    WHERE w.sbp_withdrawal_id IS NULL
        AND (CAST(:participant AS uuid) IS NULL OR b.participant_id = :participant)
        AND (CAST(:one AS uuid) IS NULL OR w.withdrawal_id = :one)
        AND (CAST(:state AS text) IS NULL OR w.state = :state)
        AND (CAST(:before AS uuid) IS NULL OR w.withdrawal_id < :before)
    ORDER BY w.withdrawal_id DESC LIMIT :limit
    """
)
_HELD: Final = {"held": SCORING_FAILED}


async def list_withdrawals(
    conn: AsyncConnection,
    actor: Actor,
    *,
    state: contract.WithdrawalState | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.WithdrawalPage:
    """A page of the withdrawals that the actor may see. Raises: NotPermitted."""
    whose = access.scope(actor, "list_withdrawals", "Withdrawal")
    values = {"one": None, "state": state.value if state else None, "before": before, "limit": limit, **_HELD}
    rows = await conn.execute(_LIST, {**values, "participant": whose.only})
    return contract.WithdrawalPage(withdrawals=[_withdrawal(row, own=whose.only is not None) for row in rows])


async def get_withdrawal(conn: AsyncConnection, actor: Actor, withdrawal_id: UUID) -> contract.Withdrawal:
    """One withdrawal. Raises: NotPermitted, WithdrawalNotFound (also when it is another's)."""
    whose = access.scope(actor, "get_withdrawal", "Withdrawal")
    values = {"one": withdrawal_id, "state": None, "before": None, "limit": 1, **_HELD}
    found = await conn.execute(_LIST, {**values, "participant": whose.only})
    row = found.one_or_none()
    if row is None:
        raise WithdrawalNotFound
    return _withdrawal(row, own=whose.only is not None)


def _withdrawal(row: Any, *, own: bool) -> contract.Withdrawal:
    return contract.Withdrawal(
        withdrawal_id=UUID(str(row.withdrawal_id)),
        wallet_id=UUID(str(row.wallet_id)),
        amount_kopecks=row.amount_kopecks,
        payout_account=contract.PayoutAccount(bic=row.bic, account=row.account),
        state=contract.WithdrawalState(row.state),
        reason=unset_if_none(shown_reason(row.reason, own=own)),
        entry_seq=unset_if_none(row.entry_seq),
        requested_at=row.requested_at,
        changed_at=row.changed_at,
    )
