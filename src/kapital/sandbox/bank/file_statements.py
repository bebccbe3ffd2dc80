"""The lines of the bank by files: notices of credits, statements that go on where the last one ended, day reports."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.sandbox.bank.payouts import LOCK_ACCOUNT
from kapital.settlement.domain.bank_message import Party, Side, Statement, StatementKind, StatementLine, ToldTotals
from kapital.settlement.domain.payment_order import PaymentOrder

LINES_MAX: Final = 10_000
OTHER: Final = "Прочие операции банка"
_PAYER_BIC: Final = "044525225"
"""The bank of everybody who pays in."""

_DESK: Final = text(
    "SELECT account, bic, told_cursor, statement_number, closing_kopecks, open_on FROM file_desk FOR UPDATE"
)
_NOTICES: Final = text(
    """
    SELECT cursor, bank_id, amount_kopecks, purpose, payer_account, payer_name, credited_at FROM notice
    WHERE cursor > :after ORDER BY cursor LIMIT :limit
    """
)
_TOLD: Final = text("UPDATE file_desk SET told_cursor = :cursor")
_CREDITS: Final = text(
    """
    SELECT bank_id, amount_kopecks, purpose, payer_account, payer_name, credited_at FROM credit
    WHERE statement_number IS NULL ORDER BY credited_at, bank_id LIMIT :limit
    """
)
_PAYOUTS: Final = text(
    """
    SELECT p.reference, p.amount_kopecks, p.bic, p.account, p.purpose, f.payment_order FROM payout AS p
        LEFT JOIN file_payment AS f USING (reference)
    WHERE p.statement_number IS NULL AND p.state = 'executed' ORDER BY p.received_at, p.reference LIMIT :limit
    """
)
_STATED_CREDITS: Final = text("UPDATE credit SET statement_number = :number WHERE bank_id = ANY(:ids)")
_STATED_PAYOUTS: Final = text("UPDATE payout SET statement_number = :number WHERE reference = ANY(:ids)")
_CLOSE: Final = text(
    "UPDATE file_desk SET statement_number = :number, closing_kopecks = :closing, open_on = :open_on"
)
_BALANCE: Final = text("SELECT balance_kopecks FROM account")


async def next_notice(conn: AsyncConnection) -> tuple[Statement, list[StatementLine]] | None:
    """A notice of the credits that the bank has told since the last one; None when there is none."""
    desk = (await conn.execute(_DESK)).one()
    rows = (await conn.execute(_NOTICES, {"after": desk.told_cursor, "limit": LINES_MAX})).all()
    if not rows:
        return None
    await conn.execute(_TOLD, {"cursor": rows[-1].cursor})
    lines = [_credit(number, row, desk) for number, row in enumerate(rows, start=1)]
    name = f"N-{rows[0].cursor}-{rows[-1].cursor}"
    head = Statement(message_id=name, statement_id=name, kind=StatementKind.NOTICE, account=desk.account)
    return head, lines


async def close(conn: AsyncConnection, now: datetime) -> tuple[Statement, list[StatementLine]] | None:
    """The statement since the last one, to today; None when nothing moved since that of today.

    What moved without a word is a line of its own.
    """
    await conn.execute(LOCK_ACCOUNT)
    desk = (await conn.execute(_DESK)).one()
    number, today = desk.statement_number + 1, moscow_day(now)
    lines, came, went = await _lines(conn, desk, today)
    balance = int((await conn.execute(_BALANCE)).scalar_one())
    if len(lines) < LINES_MAX and (left := balance - desk.closing_kopecks - _sum(lines)):
        lines.append(_other(len(lines) + 1, left, number, today))
    if not lines and desk.statement_number and desk.open_on == today:
        return None
    closing = desk.closing_kopecks + _sum(lines)
    await conn.execute(_STATED_CREDITS, {"number": number, "ids": came})
    await conn.execute(_STATED_PAYOUTS, {"number": number, "ids": went})
    await conn.execute(_CLOSE, {"number": number, "closing": closing, "open_on": today})
    first_on = min([desk.open_on, *(line.booked_on for line in lines if line.booked_on)])
    head = Statement(
        message_id=f"S-{number}",
        statement_id=f"S-{number}",
        kind=StatementKind.STATEMENT,
        account=desk.account,
        sequence_number=number,
        from_on=first_on,
        to_on=today,
        opening_kopecks=desk.closing_kopecks,
        closing_kopecks=closing,
        told=_totals(lines),
    )
    return head, lines


async def report(conn: AsyncConnection, now: datetime) -> tuple[Statement, list[StatementLine]] | None:
    """What is booked since the last statement and not stated yet; None when nothing is."""
    desk = (await conn.execute(_DESK)).one()
    today = moscow_day(now)
    lines, _, _ = await _lines(conn, desk, today)
    if not lines:
        return None
    name = f"R-{desk.statement_number + 1}-{now:%Y%m%d%H%M%S%f}"
    head = Statement(
        message_id=name,
        statement_id=name,
        kind=StatementKind.REPORT,
        account=desk.account,
        from_on=today,
        to_on=today,
        told=_totals(lines),
    )
    return head, lines


async def _lines(conn: AsyncConnection, desk: Any, today: date) -> tuple[list[StatementLine], list[str], list[str]]:
    """Lines of what is not stated, and the keys of their credits and payouts."""
    came = (await conn.execute(_CREDITS, {"limit": LINES_MAX})).all()
    went = (await conn.execute(_PAYOUTS, {"limit": LINES_MAX - len(came)})).all()
    lines = [_credit(number, row, desk) for number, row in enumerate(came, start=1)]
    lines += [_debit(number, row, desk, today) for number, row in enumerate(went, start=len(came) + 1)]
    return lines, [row.bank_id for row in came], [row.reference for row in went]


def _own(desk: Any) -> Party:
    return Party(name="Номинальный счёт", account=desk.account, bic=desk.bic)


def _credit(number: int, row: Any, desk: Any) -> StatementLine:
    day = moscow_day(row.credited_at)
    return StatementLine(
        number=number,
        side=Side.CREDIT,
        amount_kopecks=row.amount_kopecks,
        booked_on=day,
        bank_reference=row.bank_id,
        document_number=row.bank_id[-6:].lstrip("0") or "1",
        document_on=day,
        document_kind="01",
        payer=Party(name=row.payer_name, account=row.payer_account, bic=_PAYER_BIC),
        payee=_own(desk),
        purpose=row.purpose,
    )


def _debit(number: int, row: Any, desk: Any, today: date) -> StatementLine:
    order = None if row.payment_order is None else msgspec.convert(row.payment_order, PaymentOrder)
    payee = Party(account=row.account, bic=row.bic) if order is None else order.payee
    return StatementLine(
        number=number,
        side=Side.DEBIT,
        amount_kopecks=row.amount_kopecks,
        booked_on=today,
        bank_reference=f"P-{row.reference}"[:35],
        end_to_end_id=row.reference[:35],
        document_number=str(number) if order is None else order.number,
        document_on=today if order is None else order.drawn_on,
        document_kind="01",
        payer=_own(desk),
        payee=payee,
        purpose=row.purpose,
    )


def _other(number: int, left: int, statement: int, today: date) -> StatementLine:
    return StatementLine(
        number=number,
        side=Side.CREDIT if left > 0 else Side.DEBIT,
        amount_kopecks=abs(left),
        booked_on=today,
        bank_reference=f"F-{statement}",
        document_number=str(number),
        document_on=today,
        document_kind="17",
        purpose=OTHER,
    )


def _sum(lines: Sequence[StatementLine]) -> int:
    return sum(line.amount_kopecks if line.side is Side.CREDIT else -line.amount_kopecks for line in lines)


def _totals(lines: Sequence[StatementLine]) -> ToldTotals:
    credit = [line.amount_kopecks for line in lines if line.side is Side.CREDIT]
    debit = [line.amount_kopecks for line in lines if line.side is Side.DEBIT]
    return ToldTotals(
        lines=len(lines),
        sum_kopecks=sum(credit) + sum(debit),
        net_kopecks=sum(credit) - sum(debit),
        credit_lines=len(credit),
        credit_kopecks=sum(credit),
        debit_lines=len(debit),
        debit_kopecks=sum(debit),
    )
