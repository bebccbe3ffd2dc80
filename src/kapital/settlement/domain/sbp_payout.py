"""A withdrawal by the SBP: to a person's phone at a bank that is a member, in parts of at most the system's limit."""

from typing import Final
from uuid import UUID

import msgspec

from kapital.settlement.domain.payout_account import SbpPayee

PARTS_MAX: Final = 100


class SbpWithdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; its parts are withdrawals that name it."""

    sbp_withdrawal_id: UUID
    wallet_id: UUID
    amount_kopecks: int
    payee: SbpPayee
    requested_by: str


def split(amount_kopecks: int, limit_kopecks: int) -> tuple[int, ...]:
    """The sums of the parts: as few as the limit of one payment allows, together exactly the amount."""
    whole, rest = divmod(amount_kopecks, limit_kopecks)
    return (limit_kopecks,) * whole + ((rest,) if rest else ())
