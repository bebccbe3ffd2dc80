"""What an action that ends units before their term (досрочное погашение) knows besides a scheduled one."""

from datetime import datetime
from enum import StrEnum

import msgspec

from kapital.tokenization.domain.schedule import ActionKind


class CallLock(StrEnum):
    """How the accounts that a call touches stand in the ledger: none locked yet, all locked, all let go again."""

    NONE = "none"
    LOCKED = "locked"
    FREED = "freed"


class Early(msgspec.Struct, frozen=True, kw_only=True):
    """How units end early. Shape: `option` is its number in the decision from 1, None for the issuer's own offer.

    Units: `price` is a fraction of the nominal not yet repaid, `price_kopecks` the whole price of one unit; exactly
    one is given. `units_max`: how many a part call or an offer takes, None for all. Holders' instructions are taken
    from `open_at` until before `close_at`; both None for a call. `units`: how many the list of the action ends.
    """

    option: int | None = None
    price: str | None = None
    price_kopecks: int | None = None
    units_max: int | None = None
    open_at: datetime | None = None
    close_at: datetime | None = None
    revocable: bool = False
    lock: CallLock = CallLock.NONE
    locked_size: int | None = None
    units: int = 0


BY_HOLDERS = frozenset({ActionKind.PUT, ActionKind.BUYBACK})
"""Kinds whose units are those that holders have named."""
