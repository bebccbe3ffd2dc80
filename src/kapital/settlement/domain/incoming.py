"""Whose money came: the decision about one credit of the bank."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.ids import derive_uuid7
from kapital.settlement.domain.states import INCOMING, IncomingState
from kapital.settlement.domain.top_up_code import codes_in

UNIDENTIFIED_WALLET: Final = derive_uuid7(UUID("0193a000-0000-7000-8000-000000000000"), "operator/unidentified-money")
"""The operator's wallet on which money lies whose owner is not known; well known, the same in every installation."""

AMOUNT_KOPECKS_MAX: Final = 2**53 - 1
BANK_ID_LENGTH_MAX: Final = 64
PURPOSE_LENGTH_MAX: Final = 210
ACCOUNT_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 160


class BankCredit(msgspec.Struct, frozen=True, kw_only=True):
    """One credit of the nominal account as the bank tells it.

    Shape: `cursor` is its place in the bank's list, ascending, gaps allowed; `bank_id` is the bank's own id of the
    payment and may come twice; texts within the limits of a payment order (name 160, purpose 210).
    """

    cursor: int
    bank_id: str
    amount_kopecks: int
    purpose: str
    payer_account: str
    payer_name: str
    credited_at: datetime

    def content_sha256(self) -> str:
        """Hash over what was paid by whom for what and when, without the bank's id and place in its list."""
        content = (self.amount_kopecks, self.purpose, self.payer_account, self.payer_name, self.credited_at)
        return sha256_hex(canonical_bytes(content))

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
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


class UnidentifiedReason(StrEnum):
    """Why nobody was found for a credit."""

    NO_CODE = "no_code"
    CODE_CHECK_FAILED = "code_check_failed"
    CODE_OF_NOBODY = "code_of_nobody"
    SEVERAL_CODES = "several_codes"
    SAME_CONTENT_OTHER_ID = "same_content_other_id"  # perhaps the same money told twice: a person looks
    CREDIT_REFUSED = "credit_refused"  # the ledger takes no credits for this wallet


class IncomingPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A credit that is kept, with the wallet it is to be booked to."""

    payment_id: UUID
    credit: BankCredit
    content_sha256: str
    state: IncomingState
    wallet_id: UUID
    reason: UnidentifiedReason | None = None


def decide_incoming(
    payment_id: UUID, credit: BankCredit, wallets: Mapping[str, UUID], *, content_seen: bool
) -> IncomingPayment:
    """Name the wallet a well-formed credit belongs to, or the operator's wallet and why.

    `wallets`: wallet by top-up code, for the codes in the purpose at least. `content_seen`: another credit with the
    same content and another bank id is already kept.
    """
    intact, broken = codes_in(credit.purpose)
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
        content_sha256=credit.content_sha256(),
        state=INCOMING.step(IncomingState.RECEIVED, "notice_checked").target,
        wallet_id=UNIDENTIFIED_WALLET if reason else owners.pop(),
        reason=reason,
    )
