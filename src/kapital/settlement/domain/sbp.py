"""Top-up by a QR code of the Faster Payments System (СБП): one code for one payment to one wallet.

The payer of such a credit is the bank itself, in every message about it; its only link to the client is the code's id
in the purpose. So the id is the only thing money is matched by, wherever it is told first.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7

PURPOSE: Final = "Пополнение счёта в информационной системе"
"""What the payer is shown: no personal data, 140 characters at most."""

_QR_ID: Final = re.compile(r"A[DS][0-9A-Z]{30}")
_IN_TEXT: Final = re.compile(rf"(?<![0-9A-Za-z])({_QR_ID.pattern})(?![0-9A-Za-z])")
_LINK_HOST: Final = "qr.nspk.ru"
LINK_LENGTH_MAX: Final = 300


class SbpTopUpState(StrEnum):
    """Where a top-up stands, by what is kept and by the time."""

    REQUESTED = "requested"  # kept; the bank has not told the code yet, so nobody can pay it
    ACTIVE = "active"
    PAID = "paid"
    EXPIRED = "expired"


class SbpTopUp(msgspec.Struct, frozen=True, kw_only=True):
    """One top-up. `qr_id` and `link` are there once the bank made the code."""

    top_up_id: UUID
    wallet_id: UUID
    amount_kopecks: int
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    qr_id: str | None = None
    link: str | None = None
    is_paid: bool = False

    @property
    def reference(self) -> str:
        """The name under which the bank knows it. Another term is another code: the bank takes a term once."""
        return derive_uuid7(self.top_up_id, f"qr/{int(self.expires_at.timestamp())}").hex

    def state_at(self, now: datetime) -> SbpTopUpState:
        """Paid goes before expired: money that was late is the client's too."""
        if self.is_paid:
            return SbpTopUpState.PAID
        if self.qr_id is None:
            return SbpTopUpState.REQUESTED
        return SbpTopUpState.ACTIVE if now < self.expires_at else SbpTopUpState.EXPIRED


class QrCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code is for, and whether money came by it before."""

    wallet_id: UUID
    amount_kopecks: int
    is_paid: bool


def qr_ids_in(purpose: str) -> frozenset[str]:
    """The ids of QR codes written in a purpose of payment."""
    return frozenset(_IN_TEXT.findall(purpose))


def link_is_of(link: str, qr_id: str, amount_kopecks: int) -> bool:
    """Whether a link of НСПК is of this code and this sum (kopecks)."""
    if not _QR_ID.fullmatch(qr_id) or len(link) > LINK_LENGTH_MAX or not link.isascii() or not link.isprintable():
        return False
    parts = urlsplit(link)
    told = parse_qs(parts.query)
    return (
        (parts.scheme, parts.netloc, parts.path) == ("https", _LINK_HOST, f"/{qr_id}")
        and told.get("sum") == [str(amount_kopecks)]
        and told.get("cur") == ["RUB"]
    )
