"""Short words for transactions, so that a test reads as what it promises."""

from typing import Any
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
    SetFreeze,
    Transaction,
    money_asset,
)
from kapital.platform.ids import new_uuid7

RUB = money_asset()
BASIS = Basis(BasisKind.ORDER, "test")
AVAILABLE, RESERVED, LOCKED = Position.AVAILABLE, Position.RESERVED, Position.LOCKED


def tx(
    *parts: object,
    entry_id: UUID | None = None,
    linked: UUID | None = None,
    basis: Basis = BASIS,
    income_of: UUID | None = None,
) -> Transaction:
    """A transaction of postings, openings, flag changes and freezes, in any order."""
    return Transaction(
        entry_id or new_uuid7(),
        "machine:test",
        basis,
        tuple(p for p in parts if isinstance(p, Posting)),
        tuple(p for p in parts if isinstance(p, OpenWallet | OpenAsset)),
        tuple(p for p in parts if isinstance(p, SetFlags)),
        linked,
        tuple(p for p in parts if isinstance(p, SetFreeze)),
        income_of,
    )


def at(asset: UUID, wallet: UUID, position: Position = AVAILABLE) -> AccountKey:
    return AccountKey(asset, position, wallet)


def move(asset: UUID, source: UUID, target: UUID, amount: int, position: Position = AVAILABLE) -> tuple[Posting, ...]:
    return (Posting(at(asset, source, position), -amount), Posting(at(asset, target, position), amount))


def top_up(wallet: UUID, kopecks: int) -> tuple[Posting, ...]:
    return (Posting(AccountKey(RUB, Position.BANK, RUB), -kopecks), Posting(at(RUB, wallet), kopecks))


def issue(asset: UUID, wallet: UUID, units: int) -> tuple[Posting, ...]:
    return (Posting(AccountKey(asset, Position.ISSUED, asset), -units), Posting(at(asset, wallet), units))


def freeze(wallet: UUID, name: UUID, *, stops: str = "both", **scope: Any) -> SetFreeze:
    """A freeze of "debits", "credits" or "both" of a wallet."""
    return SetFreeze(
        freeze=name,
        wallet=wallet,
        credits_stopped=stops in ("both", "credits"),
        debits_stopped=stops in ("both", "debits"),
        **scope,
    )


def lift(wallet: UUID, name: UUID) -> SetFreeze:
    return freeze(wallet, name, stops="nothing")


def units(asset: UUID, limit: int | None = None) -> OpenAsset:
    return OpenAsset(asset, AssetKind.UNITS, f"UNITS-{asset}", 0, limit)
