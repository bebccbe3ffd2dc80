"""QR codes of the Faster Payments System (СБП): one for each payment, and who pays one by it.

The shape of link and id is what НСПК gives to banks: `https://qr.nspk.ru/<32 characters>?type=02&bank=…&sum=…` and
`&cur=RUB&crc=…`, type 02 for a dynamic code, the sum in kopecks. The payer of such a credit is the bank itself: only
the id of the code in the purpose says what it is for.
"""

import binascii
import secrets
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.sandbox.bank.payouts import LOCK_ACCOUNT, PayoutOrder
from kapital.sandbox.bank.problems import BankIdTaken, BankObjectNotFound, BankStateRefuses
from kapital.settlement.domain.payout_account import PayoutAccount

BANK_MEMBER: Final = "100000000007"
"""The sandbox bank among the members of the SBP."""
PAYER_ACCOUNT: Final = "30232810000000000017"
PAYER_NAME: Final = "Учебный банк (СБП)"

SBP_KIND: Final = "sbp"

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GET: Final = text(
    "SELECT order_id, qr_id, amount_kopecks, purpose, expires_at, incoming_id FROM sbp_qr WHERE order_id = :order_id"
)
_GET_BY_ID: Final = text(
    "SELECT order_id, qr_id, amount_kopecks, purpose, expires_at, incoming_id FROM sbp_qr WHERE qr_id = :qr_id"
)
_ADD: Final = text(
    """
    INSERT INTO sbp_qr (order_id, qr_id, amount_kopecks, purpose, expires_at)
    VALUES (:order_id, :qr_id, :amount, :purpose, :expires_at)
    """
)
_PAID: Final = text("UPDATE sbp_qr SET incoming_id = :incoming_id WHERE qr_id = :qr_id")
_CALL_BACK: Final = text("INSERT INTO webhook (body, due_at) VALUES (:body, :now)")


def payout_order(
    reference: str, amount_kopecks: int, phone: str, member_id: str, purpose: str, beneficiary_id: str | None = None
) -> PayoutOrder:
    """A payout by the SBP in the bank's books: the member in the place of a BIC, the phone of an account."""
    return PayoutOrder(
        reference=reference,
        amount_kopecks=amount_kopecks,
        account=PayoutAccount(bic=member_id, account=phone),
        purpose=purpose,
        kind=SBP_KIND,
        beneficiary_id=beneficiary_id,
    )


async def register_qr(conn: AsyncConnection, asked: contract.RegisterSbpQr, now: datetime) -> contract.SbpQr:
    """A code for one payment; the same order again is the same code. Raises: BankIdTaken."""
    await conn.execute(LOCK_ACCOUNT)
    row = (await conn.execute(_GET, {"order_id": asked.order_id})).one_or_none()
    if row is None:
        values = {
            "order_id": asked.order_id,
            "qr_id": "AD" + "".join(secrets.choice(_ALPHABET) for _ in range(30)),
            "amount": asked.amount_kopecks,
            "purpose": asked.purpose,
            "expires_at": asked.expires_at,
        }
        await conn.execute(_ADD, values)
        row = (await conn.execute(_GET, {"order_id": asked.order_id})).one()
    elif (row.amount_kopecks, row.purpose) != (asked.amount_kopecks, asked.purpose):
        raise BankIdTaken(f"order {asked.order_id} came again with other content")
    return _qr(row, now)


async def get_qr(conn: AsyncConnection, order_id: str, now: datetime) -> contract.SbpQr:
    """One code. Raises: BankObjectNotFound."""
    row = (await conn.execute(_GET, {"order_id": order_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no QR code of order {order_id}")
    return _qr(row, now)


async def qr_to_pay(conn: AsyncConnection, qr_id: str, now: datetime) -> contract.SbpQr:
    """A code that can be paid now, its account locked. Raises: BankObjectNotFound, BankStateRefuses."""
    await conn.execute(LOCK_ACCOUNT)
    row = (await conn.execute(_GET_BY_ID, {"qr_id": qr_id})).one_or_none()
    if row is None:
        raise BankObjectNotFound(f"no QR code {qr_id}")
    qr = _qr(row, now)
    if qr.state is not contract.SbpQrState.active:
        raise BankStateRefuses(facts={"state": qr.state.value})
    return qr


def purpose_of(qr: contract.SbpQr, now: datetime) -> str:
    """What stands in the purpose of the credit: as banks write it, with the id of the code."""
    return f"Зачисление по операции СБП [{BANK_MEMBER} - {qr.qr_id}] за {now:%d/%m/%y}"


async def note_paid(conn: AsyncConnection, qr: contract.SbpQr, credit: Any) -> None:
    """Note by which credit (a row of `credit`) a code was paid, and queue the call back."""
    await conn.execute(_PAID, {"incoming_id": credit.bank_id, "qr_id": qr.qr_id})
    notice = contract.SbpPaidNotice(
        notice_id=f"N-{credit.bank_id}",
        qr_id=qr.qr_id,
        incoming_id=credit.bank_id,
        amount_kopecks=credit.amount_kopecks,
        purpose=credit.purpose,
        payer_account=credit.payer_account,
        payer_name=credit.payer_name,
        credited_at=credit.credited_at,
    )
    await conn.execute(_CALL_BACK, {"body": msgspec.json.encode(notice), "now": credit.credited_at})


def link_of(qr_id: str, amount_kopecks: int) -> str:
    """The link that the code says. What НСПК takes the four digits `crc` over is not public: CRC-16 of the rest."""
    rest = f"https://qr.nspk.ru/{qr_id}?type=02&bank={BANK_MEMBER}&sum={amount_kopecks}&cur=RUB"
    return f"{rest}&crc={binascii.crc_hqx(rest.encode(), 0xFFFF):04X}"


def _qr(row: Any, now: datetime) -> contract.SbpQr:
    state = contract.SbpQrState.active if row.expires_at > now else contract.SbpQrState.expired
    return contract.SbpQr(
        order_id=row.order_id,
        qr_id=row.qr_id,
        link=link_of(row.qr_id, row.amount_kopecks),
        amount_kopecks=row.amount_kopecks,
        expires_at=row.expires_at,
        state=contract.SbpQrState.paid if row.incoming_id else state,
        incoming_id=row.incoming_id,
    )
