"""Whose money came: the decision about one credit of the bank."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from kapital.kernel.calendar import moscow_day
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.ids import derive_uuid7
from kapital.settlement.domain.sbp import QrCode, qr_ids_in
from kapital.settlement.domain.states import INCOMING, IncomingState
from kapital.settlement.domain.top_up_code import codes_in

UNIDENTIFIED_WALLET: Final = derive_uuid7(UUID("0193a000-0000-7000-8000-000000000000"), "operator/unidentified-money")
"""The operator's wallet on which money lies whose owner is not known; well known, the same in every installation."""

AMOUNT_KOPECKS_MAX: Final = 2**53 - 1
BANK_ID_LENGTH_MAX: Final = 64
PURPOSE_LENGTH_MAX: Final = 210
ACCOUNT_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 160
_NOT_STORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class BankCredit(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One credit of the nominal account as the bank tells it.

    Shape: `cursor` is its place in the bank's list, ascending, gaps allowed, or 0 where another message told it first
    (a statement, a call back); `bank_id` is the bank's own id of the
    payment and may come twice; texts within the limits of a payment order (name 160, purpose 210).
    """

    cursor: int
    bank_id: str
    amount_kopecks: int
    purpose: str
    payer_account: str
    payer_name: str
    credited_at: datetime

    @cached_property
    def content_sha256(self) -> str:
        """Hash over what was paid by whom for what and when, without the bank's id and place in its list."""
        content = (self.amount_kopecks, self.purpose, self.payer_account, self.payer_name, self.credited_at)
        return sha256_hex(canonical_bytes(content))

    @cached_property
    def core(self) -> "CreditCore":
        """What every kind of message says of a credit in the same way."""
        return CreditCore(self.amount_kopecks, self.purpose, self.payer_account, moscow_day(self.credited_at))

    @cached_property
    def codes(self) -> tuple[frozenset[str], bool]:
        """The intact top-up codes in the purpose, and whether a broken one stands there too."""
        return codes_in(self.purpose)

    def is_well_formed(self) -> bool:
        """Whether it may be booked at all: a positive sum, and texts that a payment can carry."""
        return (
            0 < self.amount_kopecks <= AMOUNT_KOPECKS_MAX
            and 0 < len(self.bank_id) <= BANK_ID_LENGTH_MAX
            and self.bank_id.isascii()
            and self.bank_id.isprintable()
            and len(self.purpose) <= PURPOSE_LENGTH_MAX
            and len(self.payer_account) <= ACCOUNT_LENGTH_MAX
            and len(self.payer_name) <= NAME_LENGTH_MAX
            and _is_storable(self.purpose + self.payer_account + self.payer_name)
        )


def _is_storable(text: str) -> bool:
    """Whether a text has neither zero characters nor halves of surrogate pairs, which no table can keep."""
    return _NOT_STORABLE.search(text) is None


NAMELESS: Final = "L-"
"""How ids begin that we made for credits of a statement that names none of the bank's."""


class CreditCore(NamedTuple):
    """How much was paid from which account for what on which day (Moscow). A statement knows no time of day."""

    amount_kopecks: int
    purpose: str
    payer_account: str
    credited_on: date


class UnidentifiedReason(StrEnum):
    """Why nobody was found for a credit."""

    NO_CODE = "no_code"
    CODE_CHECK_FAILED = "code_check_failed"
    CODE_OF_NOBODY = "code_of_nobody"
    SEVERAL_CODES = "several_codes"
    SAME_CONTENT_OTHER_ID = "same_content_other_id"  # perhaps the same money told twice: a person looks
    QR_OF_NOBODY = "qr_of_nobody"  # a code that nobody asked for here
    QR_SUM_DIFFERS = "qr_sum_differs"  # a dynamic code has one sum: the bank told another
    QR_PAID_BEFORE = "qr_paid_before"  # a dynamic code is paid once
    CREDIT_REFUSED = "credit_refused"  # the ledger takes no credits for this wallet


class IncomingPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A credit that is kept, with the wallet it is to be booked to."""

    payment_id: UUID
    credit: BankCredit
    content_sha256: str
    state: IncomingState
    wallet_id: UUID
    reason: UnidentifiedReason | None = None
    qr_id: str | None = None


def decide_incoming(
    payment_id: UUID,
    credit: BankCredit,
    wallets: Mapping[str, UUID],
    *,
    content_seen: bool,
    qr_codes: Mapping[str, QrCode] = MappingProxyType({}),
) -> IncomingPayment:
    """Name the wallet a well-formed credit belongs to, or the operator's wallet and why.

    `wallets`: wallet by top-up code, for the codes in the purpose at least; `qr_codes`: QR codes of the SBP by their
    ids, the same. `content_seen`: another credit with the same content and another bank id is already kept.
    Where the purpose names a QR code, that alone says whose the money is.
    """
    qr_ids = qr_ids_in(credit.purpose)
    if qr_ids:
        return _decide_by_qr(payment_id, credit, sorted(qr_ids), qr_codes, content_seen=content_seen)
    intact, broken = credit.codes
    owners = {wallets[code] for code in intact if code in wallets}
    reason: UnidentifiedReason | None = None
    if content_seen:
        reason = UnidentifiedReason.SAME_CONTENT_OTHER_ID
    elif len(intact) > 1:
        reason = UnidentifiedReason.SEVERAL_CODES
    elif not intact:
        reason = UnidentifiedReason.CODE_CHECK_FAILED if broken else UnidentifiedReason.NO_CODE
    elif not owners:
        reason = UnidentifiedReason.CODE_OF_NOBODY
    return IncomingPayment(
        payment_id=payment_id,
        credit=credit,
        content_sha256=credit.content_sha256,
        state=INCOMING.step(IncomingState.RECEIVED, "notice_checked").target,
        wallet_id=UNIDENTIFIED_WALLET if reason else owners.pop(),
        reason=reason,
    )


def _decide_by_qr(
    payment_id: UUID,
    credit: BankCredit,
    qr_ids: Sequence[str],
    qr_codes: Mapping[str, QrCode],
    *,
    content_seen: bool,
) -> IncomingPayment:
    reason: UnidentifiedReason | None = None
    code = qr_codes.get(qr_ids[0])
    if content_seen:
        reason = UnidentifiedReason.SAME_CONTENT_OTHER_ID
    elif len(qr_ids) > 1:
        reason = UnidentifiedReason.SEVERAL_CODES
    elif code is None:
        reason = UnidentifiedReason.QR_OF_NOBODY
    elif code.is_paid:
        reason = UnidentifiedReason.QR_PAID_BEFORE
    elif code.amount_kopecks != credit.amount_kopecks:
        reason = UnidentifiedReason.QR_SUM_DIFFERS
    return IncomingPayment(
        payment_id=payment_id,
        credit=credit,
        content_sha256=credit.content_sha256,
        state=INCOMING.step(IncomingState.RECEIVED, "notice_checked").target,
        wallet_id=code.wallet_id if code is not None and reason is None else UNIDENTIFIED_WALLET,
        reason=reason,
        qr_id=qr_ids[0] if len(qr_ids) == 1 else None,
    )
