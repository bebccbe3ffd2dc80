"""Payment orders as files, in the format that the settings choose; one order in one file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kapital.settlement.adapters.bank_messages.client_bank_writer import write_orders
from kapital.settlement.adapters.bank_messages.pain001 import write_pain001
from kapital.settlement.domain.payment_order import PaymentOrder


class OrderFile(Protocol):
    """How an order is written."""

    @property
    def suffix(self) -> str:
        """How the file's name ends."""
        ...

    def write(self, order: PaymentOrder, *, created_at: datetime) -> bytes:
        """The file of one order. Raises: PaymentOrderMalformed, BankMessageTextNotWritable."""
        ...


@dataclass(frozen=True, slots=True)
class Pain001File:
    """Implements `OrderFile` in ISO 20022: the reference is the id of the message and of the payment in it."""

    suffix: str = ".xml"

    def write(self, order: PaymentOrder, *, created_at: datetime) -> bytes:
        """A pain.001.001.09, valid against the schema."""
        return write_pain001([order], message_id=order.reference, created_at=created_at)


@dataclass(frozen=True, slots=True)
class ClientBankFile:
    """Implements `OrderFile` in 1CClientBankExchange: the order is known by its number and day."""

    encoding: str = "Windows"
    suffix: str = ".txt"

    def write(self, order: PaymentOrder, *, created_at: datetime) -> bytes:
        """A 1c_to_kl file, in the encoding that it names."""
        return write_orders([order], created_at=created_at, encoding=self.encoding)


def order_file_of(files_format: str, encoding: str) -> OrderFile:
    """The format that the settings name: `iso20022`, or `1c` in an encoding of its own."""
    return ClientBankFile(encoding) if files_format == "1c" else Pain001File()
