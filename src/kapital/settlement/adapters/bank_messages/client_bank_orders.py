"""1CClientBankExchange about orders: the orders themselves (1c_to_kl.txt), and a bank's receipts for them.

The exchange has no message of refusal. A receipt is a document with the three keys `Квитанция…` and without an
account section; what its text may begin with is our profile, to be agreed with the bank.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import BinaryIO, Final

import msgspec

from kapital.settlement.adapters.bank_messages.client_bank_keys import PAYEE, PAYER, TAX_KEYS
from kapital.settlement.adapters.bank_messages.client_bank_reader import party_in
from kapital.settlement.adapters.bank_messages.client_bank_sections import Section, sections_of
from kapital.settlement.adapters.bank_messages.client_bank_writer import file_of, header_of, order_rows
from kapital.settlement.domain.bank_files import Document, document_reference
from kapital.settlement.domain.bank_message import Deviations, PaymentState, PaymentStatus, kopecks_of
from kapital.settlement.domain.payment_order import NO_UIN, PaymentOrder
from kapital.settlement.domain.problems import BankMessageUnreadable
from kapital.settlement.domain.tax_fields import TaxFields

_WORDS: Final = {
    "исполнен": PaymentState.EXECUTED,
    "отвергнут": PaymentState.REJECTED,
    "отклонен": PaymentState.REJECTED,
    "принят": PaymentState.PENDING,
    "приостановлен": PaymentState.PENDING,
}
_SAID: Final = {
    PaymentState.EXECUTED: "Исполнен",
    PaymentState.REJECTED: "Отвергнут",
    PaymentState.PENDING: "Принят",
}
_CONTENT: Final = re.compile(r"([А-Яа-яЁё]+)(?::\s*(.*))?")
_RECEIPT: Final = "КвитанцияСодержание"


def read_orders(file: BinaryIO, deviations: Deviations) -> list[PaymentOrder]:
    """The orders of a file; the reference of each is its day and number. At most 32 MiB.

    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageTooLarge, BankMessageAmountMustBeExact.
    """
    found = [_order(section, deviations) for section in sections_of(file, deviations).documents]
    if not found:
        raise BankMessageUnreadable("no payment in the file", {"reason": "no_payment"})
    return found


def read_receipts(file: BinaryIO, deviations: Deviations) -> list[PaymentStatus]:
    """What a bank says of orders, each by `document_reference`.

    A text that is not known concludes nothing: grave, PENDING.

    Raises: as `read_orders`.
    """
    found: list[PaymentStatus] = []
    for number, section in enumerate(sections_of(file, deviations).documents, start=1):
        where = f"document {number} (line {section.line})"
        said = _CONTENT.fullmatch(section.text(_RECEIPT))
        word = said[1].lower().replace("ё", "е") if said else ""
        if word not in _WORDS:
            deviations.report(where, "status_unknown", grave=True)
        document = Document(
            _day(section, where),
            section.text("Номер"),
            kopecks_of(section.text("Сумма"), where),
            party_in(section, PAYEE).account,
        )
        state = _WORDS.get(word, PaymentState.PENDING)
        reason = said[2] if said and state is PaymentState.REJECTED else None
        found.append(
            PaymentStatus(reference=document_reference(document), state=state, status_code="", reason=reason)
        )
    if not found:
        raise BankMessageUnreadable("no document in the file", {"reason": "no_document"})
    return found


def write_receipts(
    statuses: Sequence[PaymentStatus], orders: Sequence[PaymentOrder], *, created_at: datetime, encoding: str
) -> bytes:
    """A file of receipts, as a bank writes them; one for each order. Raises: BankMessageTextNotWritable."""
    days = [order.drawn_on for order in orders]
    rows = header_of(encoding, created_at, min(days), max(days))
    for status, order in zip(statuses, orders, strict=True):
        said = _SAID[status.state] + (f": {status.reason}" if status.reason else "")
        *document, end = order_rows(order)
        rows += [
            *document,
            ("КвитанцияДата", created_at.strftime("%d.%m.%Y")),
            ("КвитанцияВремя", created_at.strftime("%H:%M:%S")),
            (_RECEIPT, said),
            end,
        ]
    return file_of(rows, encoding)


def _order(section: Section, deviations: Deviations) -> PaymentOrder:
    where = f"line {section.line}"
    drawn_on, number = _day(section, where), section.text("Номер")
    priority = section.text("Очередность")
    if section.title not in {"Платежное поручение", "Платёжное поручение"}:
        deviations.report(where, "document_kind_unknown", grave=True)
    order = PaymentOrder(
        reference="",
        number=number,
        drawn_on=drawn_on,
        amount_kopecks=kopecks_of(section.text("Сумма"), where),
        payer=party_in(section, PAYER),
        payee=party_in(section, PAYEE),
        purpose=section.text("НазначениеПлатежа"),
        priority=int(priority) if priority.isascii() and priority.isdigit() and len(priority) == 1 else 0,
        purpose_code=section.text("КодНазПлатежа"),
        uin=section.text("Код") or NO_UIN,
        tax=_tax(section),
    )
    return msgspec.structs.replace(order, reference=f"{drawn_on:%Y%m%d}-{number}")


def _tax(section: Section) -> TaxFields | None:
    told = {name: section.text(key) for name, key in TAX_KEYS.items()}
    return TaxFields(**told) if told["payer_status"] else None


def _day(section: Section, where: str) -> date:
    try:
        return datetime.strptime(section.text("Дата"), "%d.%m.%Y").date()  # noqa: DTZ007 - a day, without a zone
    except ValueError as error:
        raise BankMessageUnreadable("a document has no day", {"reason": "date", "where": where}) from error
