"""A payment that goes back to the account it came from: the bank knows it, whoever asks need not."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.sandbox.bank.payouts import PayoutOrder
from kapital.sandbox.bank.problems import BankObjectNotFound, BankRequestInvalid
from kapital.settlement.domain.payout_account import PayoutAccount

RETURN_KIND: Final = "return"

_CREDIT: Final = text("SELECT amount_kopecks, payer_account FROM credit WHERE bank_id = :bank_id")


async def return_order(
    conn: AsyncConnection, reference: str, bank_id: str, amount_kopecks: int, purpose: str
) -> PayoutOrder:
    """The order by which a credit goes back, whole. Raises: BankObjectNotFound, BankRequestInvalid."""
    row = (await conn.execute(_CREDIT, {"bank_id": bank_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no incoming payment {bank_id}")
    if row.amount_kopecks != amount_kopecks:
        raise BankRequestInvalid("a payment goes back whole", {"reason": "amount"})
    account = PayoutAccount(bic="", account=row.payer_account)
    return PayoutOrder(
        reference=reference, amount_kopecks=amount_kopecks, account=account, purpose=purpose, kind=RETURN_KIND
    )
