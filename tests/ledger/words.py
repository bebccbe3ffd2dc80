"""Short words for transactions, so that a test reads as what it promises."""

from uuid import UUID

from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    SetFlags,
    Transaction,
    money_asset,
)
from kapital.platform.ids import new_uuid7

RUB = money_asset()
BASIS = Basis(BasisKind.ORDER, "test")
AVAILABLE, RESERVED, LOCKED = Position.AVAILABLE, Position.RESERVED, Position.LOCKED


def tx(*parts: object, entry_id: UUID | None = None, linked: UUID | None = None, basis: Basis = BASIS) -> Transaction:
    """A transaction of postings, openings and flag changes, in any order."""
    return Transaction(
        entry_id or new_uuid7(),
        "machine:test",
        basis,
        tuple(p for p in parts if isinstance(p, Posting)),
        tuple(p for p in parts if isinstance(p, OpenWallet | OpenAsset)),
        tuple(p for p in parts if isinstance(p, SetFlags)),
        linked,
    )


def at(asset: UUID, wallet: UUID, position: Position = AVAILABLE) -> AccountKey:
    return AccountKey(asset, position, wallet)


def move(asset: UUID, source: UUID, target: UUID, amount: int, position: Position = AVAILABLE) -> tuple[Posting, ...]:
    return (Posting(at(asset, source, position), -amount), Posting(at(asset, target, position), amount))


def top_up(wallet: UUID, kopecks: int) -> tuple[Posting, ...]:
    return (Posting(AccountKey(RUB, Position.BANK, RUB), -kopecks), Posting(at(RUB, wallet), kopecks))


def issue(asset: UUID, wallet: UUID, units: int) -> tuple[Posting, ...]:
    return (Posting(AccountKey(asset, Position.ISSUED, asset), -units), Posting(at(asset, wallet), units))


def units(asset: UUID, limit: int | None = None) -> OpenAsset:
    return OpenAsset(asset, AssetKind.UNITS, f"UNITS-{asset}", 0, limit)
