"""A bank that is spoken to by files: what it says about our orders, and whether that may be believed."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.settlement.domain.bank_message import Deviation, PaymentState, PaymentStatus
from kapital.settlement.domain.incoming_message import MessageReason

REPORT_FORMATS: Final = frozenset({"pain002", "1c_receipt"})
"""Formats of messages that tell of orders and of no account."""
_DOCUMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/[0-9]+/[0-9]+/")
UNNAMED_PAYEE: Final = "Бенефициар номинального счёта"
"""Who is paid, where no credit from this account has told its owner's name: settlement knows pseudonyms only."""


class Document(msgspec.Struct, frozen=True):
    """An order as it was printed: how a format without references names it."""

    drawn_on: date
    number: str
    amount_kopecks: int
    payee_account: str


def document_reference(document: Document) -> str:
    """A text that stands for a document until our reference is found."""
    number = document.number.lstrip("0")
    return f"{document.drawn_on.isoformat()}/{number}/{document.amount_kopecks}/{document.payee_account}"


def day_of_document(reference: str) -> date | None:
    """The day of a text that stands for a document; None of any other reference."""
    if (found := _DOCUMENT.match(reference)) is None:
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None


class StatusesRead(msgspec.Struct, frozen=True, kw_only=True):
    """A message about orders as it was read, each word under the reference of the order."""

    told_id: str
    statuses: tuple[PaymentStatus, ...]
    deviations: tuple[Deviation, ...]
    deviation_count: int
    grave_count: int

    def with_references(self, named: Mapping[str, str]) -> "StatusesRead":
        """The same with our references where they are known by others."""
        statuses = tuple(
            msgspec.structs.replace(one, reference=named.get(one.reference, one.reference)) for one in self.statuses
        )
        return msgspec.structs.replace(self, statuses=statuses)

    def content_sha256(self) -> str:
        """Hash over all that was said, without the id of the message."""
        said = [[one.reference, one.state.value, one.status_code, one.reason or ""] for one in self.statuses]
        return sha256_hex(canonical_bytes(said))


class OrderStanding(msgspec.Struct, frozen=True):
    """How an order of ours stood before a message: its end, if it had one, by another message or by a line."""

    state: PaymentState


def reason_to_park_report(read: StatusesRead, orders: Mapping[str, OrderStanding]) -> MessageReason | None:
    """Why a message about orders that is the bank's and new is not believed, or None; in order of precedence.

    The end of an order never changes: a bank that says another one contradicts itself, and two persons ask it.
    """
    if read.grave_count:
        return MessageReason.DEVIATIONS
    if any(one.reference not in orders for one in read.statuses):
        return MessageReason.UNKNOWN_ORDER
    ends: dict[str, PaymentState] = {reference: order.state for reference, order in orders.items()}
    for one in read.statuses:
        before = ends[one.reference]
        if before is not PaymentState.PENDING and one.state not in {before, PaymentState.PENDING}:
            return MessageReason.CONTRADICTS
        if one.state is not PaymentState.PENDING:
            ends[one.reference] = one.state
    return None


def ends_of(statuses: Sequence[PaymentStatus]) -> list[PaymentStatus]:
    """The words that end an order, one for each."""
    return list({one.reference: one for one in statuses if one.state is not PaymentState.PENDING}.values())
