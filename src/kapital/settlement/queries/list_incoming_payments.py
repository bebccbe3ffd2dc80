"""Money that came to the bank, newest first; with `unidentified`, the list of money whose owner is sought."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access

_LIST: Final = text(
    """
    SELECT p.payment_id, p.bank_id, p.amount_kopecks, p.purpose, p.payer_account, p.payer_name, p.credited_at,
        p.state, p.wallet_id, p.reason, p.entry_seq,
        (SELECT count(*) FROM refused_notice AS n WHERE n.bank_id = p.bank_id) AS altered_notices
    FROM incoming_payment AS p
    WHERE (CAST(:state AS text) IS NULL OR p.state = :state)
        AND (CAST(:before AS uuid) IS NULL OR p.payment_id < :before)
    ORDER BY p.payment_id DESC LIMIT :limit
    """
)


async def list_incoming_payments(
    conn: AsyncConnection,
    actor: Actor,
    *,
    state: contract.IncomingPaymentState | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.IncomingPaymentPage:
    """A page of payments; staff only, for it names payers. Raises: NotPermitted."""
    access.require(actor, "list_incoming_payments")
    values = {"state": state.value if state else None, "before": before, "limit": limit}
    rows = await conn.execute(_LIST, values)
    return contract.IncomingPaymentPage(incoming_payments=[_payment(row) for row in rows])


def _payment(row: Any) -> contract.IncomingPayment:
    return contract.IncomingPayment(
        payment_id=UUID(str(row.payment_id)),
        bank_id=row.bank_id,
        amount_kopecks=row.amount_kopecks,
        purpose=row.purpose,
        payer_account=row.payer_account,
        payer_name=row.payer_name,
        credited_at=row.credited_at,
        state=contract.IncomingPaymentState(row.state),
        wallet_id=UUID(str(row.wallet_id)),
        reason=unset_if_none(row.reason),
        entry_seq=unset_if_none(row.entry_seq),
        altered_notices=row.altered_notices,
    )
