"""One account (счёт) of the book: its key, its balance, and the bounds that the balance keeps."""

from typing import Final, NamedTuple, cast

from kapital.ledger.api import MIRROR_POSITIONS, AccountKey, AssetKind, OpenAsset, Position
from kapital.ledger.domain.codec import account_json
from kapital.ledger.domain.refusal import Refusal

INT64_MAX: Final = 2**63 - 1
NO_FLOOR: Final = -INT64_MAX
NO_ENTRY: Final = -1  # `last_seq` of an account that no entry touched yet
NO_NUMBER: Final = -1

_MIRROR_KINDS: Final = {
    Position.ISSUED: AssetKind.UNITS,
    Position.EXTINGUISHED: AssetKind.UNITS,
    Position.BANK: AssetKind.MONEY,
}


class Account:
    """One account as the plan sees it. `number` is its row, -1 until an entry touches it first.

    `frozen`: a freeze of its wallet is in force. `beside`: the account of the same wallet that the book took in
    before this one. The book keeps both.
    """

    __slots__ = ("asset", "balance", "beside", "flags", "floor", "frozen", "json", "key", "last_seq", "number")

    def __init__(self, key: AccountKey, asset: OpenAsset, row: "AccountRow | None" = None) -> None:
        self.key, self.asset, self.floor = key, asset, _floor(key, asset)
        self.json = account_json(key)
        self.frozen, self.beside = False, cast("Account | None", None)
        self.number, _, self.balance, self.flags, self.last_seq = row or (NO_NUMBER, key, 0, 0, NO_ENTRY)


def _floor(key: AccountKey, asset: OpenAsset) -> int:
    """Return the least balance the account may have. Only mirror accounts may be negative."""
    if key.position is Position.ISSUED:
        return NO_FLOOR if asset.issue_limit is None else -asset.issue_limit
    return NO_FLOOR if key.position is Position.BANK else 0


class AccountRow(NamedTuple):
    """An account as it is stored."""

    number: int
    key: AccountKey
    balance: int
    flags: int
    last_seq: int


def position_fits(key: AccountKey, asset: OpenAsset | None) -> bool:
    """Mirror positions belong to the asset's own wallet and kind, and to no other."""
    if asset is None or (key.wallet == key.asset) is not (key.position in MIRROR_POSITIONS):
        return False
    return key.wallet != key.asset or _MIRROR_KINDS[key.position] is asset.kind


def out_of_bounds(account: Account, reached: int) -> Refusal:
    """Say which bound the balance would pass. `reached` counts every posting: an account may be named twice."""
    key, balance, amount = account.key, account.balance, reached - account.balance
    if not -INT64_MAX <= reached <= INT64_MAX:
        return Refusal("amount_out_of_range", "the balance would pass 64 bits", amount=str(amount))
    if key.position is Position.ISSUED:
        return Refusal(
            "issue_limit_exceeded",
            "more units than the decision on issuance allows",
            asset=str(key.asset),
            left=balance - account.floor,
            asked=-amount,
        )
    return Refusal(
        "balance_insufficient",
        "the balance would be negative",
        wallet=str(key.wallet),
        position=key.position,
        balance=balance,
        asked=-amount,
    )
