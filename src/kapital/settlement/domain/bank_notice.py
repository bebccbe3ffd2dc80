"""A call back of the bank: its signature, and what it says.

`Bank-Webhook-Signature: t=<seconds>,v1=<hex>` – Unix time, and HMAC-SHA-256 (RFC 2104, FIPS 198-1) under the shared
key over the digits of the time, a full stop and the bytes of the body.
"""

import hmac
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.sbp import qr_ids_in
from kapital.settlement.domain.sbp_problems import BankNoticeMalformed

NOTICE_BYTES_MAX: Final = 65_536
SIGNATURE_LENGTH_MAX: Final = 200
WINDOW_S: Final = 300
"""How far from our clock a notice may have been signed: what is older was perhaps overheard and is said again."""
KEY_BYTES_MIN: Final = 32

_HEADER: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class NoticeSignature(StrEnum):
    """What is found of a signature."""

    VALID = "valid"
    ABSENT = "absent"
    INVALID = "invalid"
    STALE = "stale"


class _Notice(msgspec.Struct, frozen=True):
    """What is read of a notice; fields that came later are let pass."""

    notice_id: Annotated[str, Meta(max_length=64)]
    qr_id: str
    incoming_id: str
    amount_kopecks: int
    purpose: str
    payer_account: str
    payer_name: str
    credited_at: Annotated[datetime, Meta(tz=True)]


def check_signature(header: str, body: bytes, key: bytes, now: datetime) -> NoticeSignature:
    """Whether the bank signed these bytes within the window; compared in constant time."""
    if not header:
        return NoticeSignature.ABSENT
    found = _HEADER.fullmatch(header)
    if found is None:
        return NoticeSignature.INVALID
    expected = hmac.new(key, f"{found[1]}.".encode() + body, "sha256").hexdigest()
    if not hmac.compare_digest(expected, found[2]):
        return NoticeSignature.INVALID
    return NoticeSignature.VALID if abs(now.timestamp() - int(found[1])) <= WINDOW_S else NoticeSignature.STALE


def read_notice(body: bytes) -> BankCredit:
    """The credit that a notice tells of; it has no place in the bank's list. Raises: BankNoticeMalformed."""
    try:
        notice = msgspec.json.decode(body, type=_Notice)
    except msgspec.DecodeError:
        raise BankNoticeMalformed(facts={"reason": "unreadable"}) from None
    credit = BankCredit(
        cursor=0,
        bank_id=notice.incoming_id,
        amount_kopecks=notice.amount_kopecks,
        purpose=notice.purpose,
        payer_account=notice.payer_account,
        payer_name=notice.payer_name,
        credited_at=notice.credited_at,
    )
    if not credit.is_well_formed():
        raise BankNoticeMalformed(facts={"reason": "credit"})
    if qr_ids_in(notice.purpose) != {notice.qr_id}:
        raise BankNoticeMalformed(facts={"reason": "qr_id"})
    return credit
