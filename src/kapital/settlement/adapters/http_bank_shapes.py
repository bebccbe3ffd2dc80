"""What is read of a bank's answers over HTTP; fields that came later are let pass."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

PAGE_MAX: Final = 1_000


class CreditSaid(msgspec.Struct, frozen=True):
    """One credit of the list."""

    cursor: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    incoming_id: str
    amount_kopecks: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    purpose: str
    payer_account: str
    payer_name: str
    credited_at: Annotated[datetime, Meta(tz=True)]


class PageSaid(msgspec.Struct, frozen=True):
    """A page of the list."""

    items: Annotated[list[CreditSaid], Meta(max_length=PAGE_MAX)]


class PaymentSaid(msgspec.Struct, frozen=True):
    """A payment and where it stands."""

    payment_id: str
    amount_kopecks: int
    state: str
    reason: Annotated[str, Meta(max_length=64)] | None = None


class QrSaid(msgspec.Struct, frozen=True):
    """A QR code of the SBP."""

    order_id: str
    qr_id: str
    link: str
    amount_kopecks: int


class AccountSaid(msgspec.Struct, frozen=True):
    """The account."""

    balance_kopecks: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Refusal(msgspec.Struct, frozen=True):
    """A refusal of the bank by its stable code."""

    code: Annotated[str, Meta(pattern="^[a-z0-9_]{1,64}$")]
