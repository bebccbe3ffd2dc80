"""What the bank by files reads and writes, in one format: orders in; words about them, notices and statements out."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Final, Protocol

import msgspec
from lxml import etree

from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.adapters.bank_messages.client_bank_keys import ENCODINGS
from kapital.settlement.adapters.bank_messages.client_bank_orders import read_orders, write_receipts
from kapital.settlement.adapters.bank_messages.client_bank_writer import write_statement
from kapital.settlement.adapters.bank_messages.pain001 import MESSAGE, read_pain001
from kapital.settlement.adapters.bank_messages.pain002 import write_pain002
from kapital.settlement.adapters.bank_messages.schemas import schema_of
from kapital.settlement.domain.bank_message import Deviations, PaymentStatus, Statement, StatementKind, StatementLine
from kapital.settlement.domain.payment_order import PaymentOrder
from kapital.settlement.domain.problems import BankMessageUnreadable

ORDER_BYTES_MAX: Final = 16_777_216


class Speech(Protocol):
    """One format. `suffix` ends the names of its files."""

    suffix: str

    def orders(self, content: bytes) -> list[PaymentOrder]:
        """The orders of a file that fits its format. Raises: BankMessageUnreadable and its kin."""
        ...

    def statuses(
        self, statuses: Sequence[PaymentStatus], orders: Sequence[PaymentOrder], *, message_id: str, now: datetime
    ) -> bytes | None:
        """A message about orders of one file; None where the format has no word for it."""
        ...

    def statement(self, head: Statement, lines: Sequence[StatementLine], now: datetime) -> bytes | None:
        """A statement, a report of the day, or a notice; None where the format has no such message."""
        ...


class Iso20022:
    """Implements `Speech`: pain.001 in; pain.002 and camt.052, 053, 054 out."""

    suffix = ".xml"

    def orders(self, content: bytes) -> list[PaymentOrder]:
        """The orders of a pain.001.001.09 that its schema takes. Raises: BankMessageUnreadable and its kin."""
        deviations = Deviations()
        found = read_pain001(BytesIO(content), deviations)  # refuses what no parser should meet
        if not schema_of(MESSAGE).validate(etree.fromstring(content)):
            raise BankMessageUnreadable("the schema does not take the message", {"reason": "schema"})
        if deviations.grave_count:
            raise BankMessageUnreadable("the message does not add up", {"reason": deviations.kept[0].code})
        return found

    def statuses(
        self,
        statuses: Sequence[PaymentStatus],
        orders: Sequence[PaymentOrder],  # noqa: ARG002 - the references say which
        *,
        message_id: str,
        now: datetime,
    ) -> bytes:
        """A pain.002; of one order in a file its id is the order's reference."""
        original = statuses[0].reference
        return write_pain002(statuses, message_id=message_id, original_message_id=original, created_at=now)

    def statement(self, head: Statement, lines: Sequence[StatementLine], now: datetime) -> bytes:
        """A camt message by the kind of the head."""
        file = BytesIO()
        write_camt(file, head, lines, created_at=now)
        return file.getvalue()


class ClientBank:
    """Implements `Speech` in 1CClientBankExchange: orders in; receipts for them and statements out."""

    suffix = ".txt"

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def orders(self, content: bytes) -> list[PaymentOrder]:
        """The orders of a 1c_to_kl file. Raises: BankMessageUnreadable and its kin."""
        deviations = Deviations()
        found = read_orders(BytesIO(content), deviations)
        if deviations.grave_count:
            raise BankMessageUnreadable("the file is not as its format says", {"reason": deviations.kept[0].code})
        return found

    def statuses(
        self,
        statuses: Sequence[PaymentStatus],
        orders: Sequence[PaymentOrder],
        *,
        message_id: str,  # noqa: ARG002 - the format has no ids
        now: datetime,
    ) -> bytes | None:
        """Receipts; none for a file that could not be read: the format names a document or nothing."""
        return write_receipts(statuses, orders, created_at=now, encoding=self._encoding) if orders else None

    def statement(self, head: Statement, lines: Sequence[StatementLine], now: datetime) -> bytes | None:
        """A kl_to_1c file of a statement; the format has no notices and no reports."""
        if head.kind is not StatementKind.STATEMENT:
            return None
        return write_statement(head, map(self._writable, lines), created_at=now, encoding=self._encoding)

    def _writable(self, line: StatementLine) -> StatementLine:
        """What a payer wrote, as far as the encoding has it, in one line."""
        payer = msgspec.structs.replace(line.payer, name=self._text(line.payer.name))
        return msgspec.structs.replace(line, payer=payer, purpose=self._text(line.purpose))

    def _text(self, told: str) -> str:
        codec = ENCODINGS[self._encoding.lower()]
        return " ".join(told.encode(codec, "replace").decode(codec).splitlines())


def speech_of(files_format: str, encoding: str) -> Speech:
    """`iso20022`, or `1c` in an encoding: `Windows` or `UTF-8`."""
    return ClientBank(encoding) if files_format == "1c" else Iso20022()
