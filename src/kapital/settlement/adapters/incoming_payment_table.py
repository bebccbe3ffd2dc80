"""Tables bank_feed, incoming_payment and refused_notice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.settlement.domain.incoming import NAMELESS, BankCredit, CreditCore, IncomingPayment, UnidentifiedReason
from kapital.settlement.domain.states import IncomingState
from kapital.settlement.ports import KeptCredit, KnownNotices

_LOCK_CURSOR: Final = text("SELECT cursor FROM bank_feed FOR UPDATE")
_MOVE_CURSOR: Final = text("UPDATE bank_feed SET cursor = :cursor")
_KNOWN_IDS: Final = text(
    """
    SELECT bank_id, content_sha256, amount_kopecks, purpose, payer_account, credited_at, bank_cursor
    FROM incoming_payment WHERE bank_id = ANY(CAST(:ids AS text[]))
    """
)
_KNOWN_CONTENTS: Final = text(
    "SELECT DISTINCT content_sha256 FROM incoming_payment WHERE content_sha256 = ANY(CAST(:contents AS text[]))"
)
_KNOWN_NAMELESS: Final = text(
    f"""
    SELECT bank_id, content_sha256, p.amount_kopecks, p.purpose, p.payer_account, credited_at, bank_cursor
    FROM incoming_payment AS p
        JOIN (SELECT DISTINCT * FROM unnest(CAST(:amounts AS bigint[]), CAST(:accounts AS text[]))
            AS c (amount_kopecks, payer_account)) AS c USING (amount_kopecks, payer_account)
    WHERE p.bank_id LIKE '{NAMELESS}%'
    """  # noqa: S608 - a constant; values are bound
)
_ADD: Final = text(
    """
    INSERT INTO incoming_payment (payment_id, bank_id, bank_cursor, amount_kopecks, purpose, payer_account,
        payer_name, credited_at, content_sha256, state, wallet_id, reason, qr_id, kept_at, changed_at)
    SELECT p.*, :now, :now
    FROM unnest(CAST(:payment_id AS uuid[]), CAST(:bank_id AS text[]), CAST(:bank_cursor AS bigint[]),
        CAST(:amount_kopecks AS bigint[]), CAST(:purpose AS text[]), CAST(:payer_account AS text[]),
        CAST(:payer_name AS text[]), CAST(:credited_at AS timestamptz[]), CAST(:content_sha256 AS text[]),
        CAST(:state AS text[]), CAST(:wallet_id AS uuid[]), CAST(:reason AS text[]), CAST(:qr_id AS text[])) AS p
    """
)
_REFUSE: Final = text(
    """
    INSERT INTO refused_notice (bank_cursor, bank_id, reason, seen_at)
    SELECT bank_cursor, bank_id, reason, :now
    FROM unnest(CAST(:cursors AS bigint[]), CAST(:ids AS text[]), CAST(:reasons AS text[]))
        AS n (bank_cursor, bank_id, reason)
    """
)
_UNBOOKED: Final = text(
    """
    SELECT payment_id, bank_id, bank_cursor, amount_kopecks, purpose, payer_account, payer_name, credited_at,
        content_sha256, state, wallet_id, reason, qr_id
    FROM incoming_payment WHERE state = 'verified' ORDER BY payment_id LIMIT :limit
    """
)
_MARK: Final = text(
    """
    UPDATE incoming_payment AS p
    SET state = b.state, wallet_id = b.wallet_id, reason = b.reason, entry_seq = b.entry_seq, changed_at = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:wallets AS uuid[]), CAST(:reasons AS text[]),
        CAST(:seqs AS bigint[])) AS b (payment_id, state, wallet_id, reason, entry_seq)
    WHERE p.payment_id = b.payment_id AND p.state = 'verified'
    RETURNING p.payment_id
    """
)


class IncomingPaymentTable:
    """Implements `ports.IncomingPayments`."""

    async def lock_cursor(self, conn: AsyncConnection) -> int:
        """The place up to which the bank's list is read; keeps others from reading on until the commit."""
        return int((await conn.execute(_LOCK_CURSOR)).scalar_one())

    async def move_cursor(self, conn: AsyncConnection, cursor: int) -> None:
        """Note that the list is read up to `cursor`."""
        await conn.execute(_MOVE_CURSOR, {"cursor": cursor})

    async def known(self, conn: AsyncConnection, page: Sequence[BankCredit]) -> KnownNotices:
        """Which of these ids and contents are kept."""
        if not page:
            return KnownNotices({}, frozenset())
        ids = await conn.execute(_KNOWN_IDS, {"ids": [credit.bank_id for credit in page]})
        by_bank_id = {row.bank_id: _kept(row) for row in ids}
        wanted = [credit.content_sha256 for credit in page]
        contents = (await conn.execute(_KNOWN_CONTENTS, {"contents": wanted})).scalars()
        named = [credit for credit in page if not credit.bank_id.startswith(NAMELESS)]
        values = {
            "amounts": [credit.amount_kopecks for credit in named],
            "accounts": [credit.payer_account for credit in named],
        }
        nameless = (await conn.execute(_KNOWN_NAMELESS, values)).all() if named else []
        return KnownNotices(by_bank_id, frozenset(contents), frozenset(_kept(row).core for row in nameless))

    async def add(self, conn: AsyncConnection, payments: Sequence[IncomingPayment], now: datetime) -> None:
        """Keep new payments; a bank id twice is an error."""
        if not payments:
            return
        rows = [_row(payment) for payment in payments]
        await conn.execute(_ADD, {name: [row[name] for row in rows] for name in rows[0]} | {"now": now})

    async def refuse(self, conn: AsyncConnection, notices: Sequence[tuple[BankCredit, str]], now: datetime) -> None:
        """Keep notices that are not booked, with the reason: `altered` or `malformed`."""
        if not notices:
            return
        values = {
            "cursors": [credit.cursor for credit, _ in notices],
            "ids": [credit.bank_id if reason == "altered" else None for credit, reason in notices],
            "reasons": [reason for _, reason in notices],
        }
        await conn.execute(_REFUSE, {**values, "now": now})

    async def list_unbooked(self, conn: AsyncConnection, limit: int) -> list[IncomingPayment]:
        """Payments that are kept and not yet marked as booked, oldest first."""
        return [_payment(row) for row in await conn.execute(_UNBOOKED, {"limit": limit})]

    async def mark_booked(
        self, conn: AsyncConnection, booked: Sequence[tuple[IncomingPayment, IncomingState, int]], now: datetime
    ) -> frozenset[UUID]:
        """Save wallet, reason, state and entry of payments still unbooked; returns which were."""
        values = {
            "ids": [payment.payment_id for payment, _, _ in booked],
            "states": [state.value for _, state, _ in booked],
            "wallets": [payment.wallet_id for payment, _, _ in booked],
            "reasons": [payment.reason.value if payment.reason else None for payment, _, _ in booked],
            "seqs": [seq for _, _, seq in booked],
        }
        marked = (await conn.execute(_MARK, {**values, "now": now})).scalars()
        return frozenset(UUID(str(payment_id)) for payment_id in marked)


def _row(payment: IncomingPayment) -> dict[str, Any]:
    credit = payment.credit
    return {
        "payment_id": payment.payment_id,
        "bank_id": credit.bank_id,
        "bank_cursor": credit.cursor,
        "amount_kopecks": credit.amount_kopecks,
        "purpose": credit.purpose,
        "payer_account": credit.payer_account,
        "payer_name": credit.payer_name,
        "credited_at": credit.credited_at,
        "content_sha256": payment.content_sha256,
        "state": payment.state.value,
        "wallet_id": payment.wallet_id,
        "reason": payment.reason.value if payment.reason else None,
        "qr_id": payment.qr_id,
    }


def _kept(row: Any) -> KeptCredit:
    day = moscow_day(row.credited_at)
    core = CreditCore(row.amount_kopecks, row.purpose, row.payer_account, day)
    return KeptCredit(row.content_sha256, core, of_list=row.bank_cursor > 0)


def _payment(row: Any) -> IncomingPayment:
    return IncomingPayment(
        payment_id=UUID(str(row.payment_id)),
        credit=BankCredit(
            cursor=row.bank_cursor,
            bank_id=row.bank_id,
            amount_kopecks=row.amount_kopecks,
            purpose=row.purpose,
            payer_account=row.payer_account,
            payer_name=row.payer_name,
            credited_at=row.credited_at,
        ),
        content_sha256=row.content_sha256,
        state=IncomingState(row.state),
        wallet_id=UUID(str(row.wallet_id)),
        reason=UnidentifiedReason(row.reason) if row.reason else None,
        qr_id=row.qr_id,
    )
