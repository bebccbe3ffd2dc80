"""Writes 1CClientBankExchange 1.03: statements (as a bank does) and payment orders (1c_to_kl.txt)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from kapital.settlement.adapters.bank_messages.client_bank_keys import (
    ACCOUNT_END,
    ACCOUNT_SECTION,
    DETAIL_KEYS,
    DOCUMENT_END,
    DOCUMENT_SECTION,
    ENCODINGS,
    END_OF_FILE,
    KIND_DETAIL,
    PAYEE,
    PAYER,
    TAX_KEYS,
    TITLE,
)
from kapital.settlement.domain.bank_message import Party, Side, Statement, StatementLine, rubles_text
from kapital.settlement.domain.payment_order import PaymentOrder, require_sendable
from kapital.settlement.domain.problems import BankMessageTextNotWritable

_ORDER: Final = "Платежное поручение"


def write_statement(
    statement: Statement, lines: Iterable[StatementLine], *, created_at: datetime, encoding: str = "Windows"
) -> bytes:
    """A file of one account. Shape: lines have dates; `details` are written where the format has the key.

    Raises: BankMessageTextNotWritable for a text of several lines, or characters that the encoding has not.
    """
    rows = header_of(encoding, created_at, statement.from_on, statement.to_on)
    rows += [
        ("РасчСчет", statement.account),
        (ACCOUNT_SECTION, None),
        ("ДатаНачала", _day(statement.from_on)),
        ("ДатаКонца", _day(statement.to_on)),
        ("РасчСчет", statement.account),
        ("НачальныйОстаток", _balance(statement.opening_kopecks)),
        ("ВсегоПоступило", _balance(statement.told.credit_kopecks)),
        ("ВсегоСписано", _balance(statement.told.debit_kopecks)),
        ("КонечныйОстаток", _balance(statement.closing_kopecks)),
        (ACCOUNT_END, None),
    ]
    for line in lines:
        rows += _document(line)
    return file_of(rows, encoding)


def write_orders(orders: Sequence[PaymentOrder], *, created_at: datetime, encoding: str = "Windows") -> bytes:
    """A file of payment orders for the bank. Raises: PaymentOrderMalformed, BankMessageTextNotWritable."""
    require_sendable(orders)
    days = [order.drawn_on for order in orders]
    rows = header_of(encoding, created_at, min(days), max(days))
    rows += [("РасчСчет", account) for account in dict.fromkeys(order.payer.account for order in orders)]
    rows.append(("Документ", _ORDER))
    for order in orders:
        rows += order_rows(order)
    return file_of(rows, encoding)


Rows = list[tuple[str, str | None]]
"""Lines of a file: a key with its text, or a line of its own."""


def order_rows(order: PaymentOrder) -> Rows:
    """One payment order as a document; its end is the last row."""
    return [
        (DOCUMENT_SECTION, _ORDER),
        ("Номер", order.number),
        ("Дата", _day(order.drawn_on)),
        ("Сумма", rubles_text(order.amount_kopecks)),
        *_party(PAYER, order.payer),
        *_party(PAYEE, order.payee),
        ("ВидОплаты", "01"),
        ("КодНазПлатежа", order.purpose_code),
        ("Код", order.uin),
        *((key, getattr(order.tax, name)) for name, key in TAX_KEYS.items() if order.tax is not None),
        ("НазначениеПлатежа", order.purpose),
        ("Очередность", str(order.priority)),
        (DOCUMENT_END, None),
    ]


def header_of(encoding: str, created_at: datetime, from_on: date | None, to_on: date | None) -> Rows:
    """How every file begins."""
    return [
        (TITLE, None),
        ("ВерсияФормата", "1.03"),
        ("Кодировка", encoding),
        ("Отправитель", "Kapital"),
        ("Получатель", "Kapital"),
        ("ДатаСоздания", created_at.strftime("%d.%m.%Y")),
        ("ВремяСоздания", created_at.strftime("%H:%M:%S")),
        ("ДатаНачала", _day(from_on)),
        ("ДатаКонца", _day(to_on)),
    ]


def _document(line: StatementLine) -> Rows:
    details = dict(line.details)
    booked = "ДатаПоступило" if line.side is Side.CREDIT else "ДатаСписано"
    return [
        (DOCUMENT_SECTION, details.get(KIND_DETAIL, _ORDER)),
        ("Номер", line.document_number),
        ("Дата", _day(line.document_on)),
        ("Сумма", rubles_text(line.amount_kopecks)),
        (booked, _day(line.booked_on)),
        *_party(PAYER, line.payer),
        *_party(PAYEE, line.payee),
        ("ВидОплаты", line.document_kind),
        ("НазначениеПлатежа", line.purpose),
        *((key, details[key]) for key in DETAIL_KEYS if key in details),
        (DOCUMENT_END, None),
    ]


def _party(side: str, party: Party) -> Rows:
    return [
        (f"{side}Счет", party.account),
        (side, party.name),
        (f"{side}ИНН", party.inn),
        (f"{side}КПП", party.kpp),
        (f"{side}1", party.name),
        (f"{side}РасчСчет", party.account),
        (f"{side}Банк1", party.bank_name),
        (f"{side}БИК", party.bic),
        (f"{side}Корсчет", party.correspondent_account),
    ]


def _day(on: date | None) -> str:
    return on.strftime("%d.%m.%Y") if on else ""


def _balance(kopecks: int | None) -> str:
    if kopecks is None:
        return ""
    return ("-" if kopecks < 0 else "") + rubles_text(abs(kopecks))


def file_of(rows: Rows, encoding: str) -> bytes:
    """The rows as a file. Raises: BankMessageTextNotWritable."""
    lines = []
    for key, text in [*rows, (END_OF_FILE, None)]:
        if text is not None and ("\n" in text or "\r" in text):
            raise BankMessageTextNotWritable(facts={"key": key, "reason": "several_lines"})
        lines.append(key if text is None else f"{key}={text}")
    try:
        return ("\r\n".join(lines) + "\r\n").encode(ENCODINGS[encoding.lower()])
    except UnicodeEncodeError as error:
        raise BankMessageTextNotWritable(facts={"reason": "encoding"}) from error
