"""The rules of frozen wallets (замораживание, 115-FZ art. 7(1)(6), 7.5): what a posting may still do there.

A freeze is of a wallet and not of accounts: it covers what is credited later too, and may be entered before the
wallet is open. In a frozen wallet nothing leaves the holder's disposal; what was bound (reserved, locked) may come
back; income goes to the position `frozen`, which is not debited while any freeze of the wallet is in force.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from kapital.ledger.api import AccountKey, AssetKind, OpenAsset, Position, SetFreeze, Transaction
from kapital.ledger.domain.refusal import Refusal

if TYPE_CHECKING:
    from kapital.ledger.domain.account import Account

DEBITS_STOPPED: Final = 1
CREDITS_STOPPED: Final = 2
MAX_FREEZES_PER_WALLET: Final = 100
MAX_ALLOWANCE: Final = 2**53 - 1  # it stands in the entry as a JSON number (RFC 8785, RFC 7493)

_HELD_BACK: Final = frozenset({Position.AVAILABLE, Position.FROZEN})


class Freeze(NamedTuple):
    """A freeze as it stands. `stops` 0: lifted. `allowance`: kopecks that may still leave."""

    freeze: UUID
    wallet: UUID
    asset: UUID | None
    kind: AssetKind | None
    stops: int
    allowance: int

    def covers(self, asset: OpenAsset) -> bool:
        """Whether the freeze is of this asset."""
        return self.asset in (None, asset.asset) and self.kind in (None, asset.kind)


Frozen = Mapping[UUID, tuple[Freeze, ...]]
"""The freezes in force of each wallet that has some."""


class FreezeChange(NamedTuple):
    """The freezes of a wallet before and after one step of a transaction."""

    wallet: UUID
    before: tuple[Freeze, ...]
    after: tuple[Freeze, ...]


class FreezeRow(NamedTuple):
    """A freeze as an entry left it."""

    seq: int
    freeze: Freeze


def freeze_rows(seq: int, changes: Sequence[FreezeChange]) -> list[FreezeRow]:
    """Return each freeze that an entry changed, as it left it; a lifted one stops nothing."""
    left: dict[tuple[UUID, UUID], Freeze] = {}
    for change in changes:
        kept = {one.freeze for one in change.after}
        lifted = (one._replace(stops=0, allowance=0) for one in change.before if one.freeze not in kept)
        for one in (*(now for now in change.after if now not in change.before), *lifted):
            left[one.wallet, one.freeze] = one
    return [FreezeRow(seq, one) for one in left.values()]


def malformed_freezes(tx: Transaction) -> str | None:
    """Say what is wrong with the shape of a transaction's freezes, or None."""
    if len({(change.freeze, change.wallet) for change in tx.freezes}) != len(tx.freezes):
        return "a transaction names a freeze of a wallet once"
    for change in tx.freezes:
        if change.asset is not None and change.kind is not None:
            return "a freeze is of one asset, of one kind of assets, or of all"
        allowance = change.debit_allowance
        if allowance.__class__ is not int or not 0 <= allowance <= MAX_ALLOWANCE:
            return "debit_allowance must be 0 to 2^53 - 1"
        if allowance and (not change.debits_stopped or change.asset is not None or change.kind is AssetKind.UNITS):
            return "debit_allowance is of money whose debits are stopped"
    return None


def changed_freezes(now: tuple[Freeze, ...], change: SetFreeze) -> tuple[Freeze, ...]:
    """Return the freezes of the wallet after the change. Raises: Refusal."""
    stops = (DEBITS_STOPPED if change.debits_stopped else 0) | (CREDITS_STOPPED if change.credits_stopped else 0)
    others = tuple(one for one in now if one.freeze != change.freeze)
    if not stops:
        if len(others) == len(now):
            raise Refusal("freeze_not_in_force", "no such freeze of this wallet", freeze=str(change.freeze))
        return others
    if len(others) >= MAX_FREEZES_PER_WALLET:
        raise Refusal("freezes_exceed_limit", "the wallet has as many freezes as it may", most=MAX_FREEZES_PER_WALLET)
    new = Freeze(change.freeze, change.wallet, change.asset, change.kind, stops, change.debit_allowance)
    return (*others, new)


def as_set(freeze: Freeze) -> SetFreeze:
    """Return the change that makes the freeze what it is."""
    credits_stopped, debits_stopped = bool(freeze.stops & CREDITS_STOPPED), bool(freeze.stops & DEBITS_STOPPED)
    freeze_id, wallet, asset, kind, _, allowance = freeze
    return SetFreeze(freeze_id, wallet, credits_stopped, debits_stopped, asset, kind, allowance)


def frozen_twin(key: AccountKey) -> AccountKey:
    """Return the blocked position beside an account."""
    return AccountKey(key.asset, Position.FROZEN, key.wallet)


def is_redirected(account: "Account", amount: int, units: OpenAsset, freezes: Sequence[Freeze]) -> bool:
    """Whether a posting of income on `units` goes to the blocked position: either end of it is frozen.

    Shape: `freezes` are those of the account's wallet.
    """
    if amount <= 0 or account.key.position is not Position.AVAILABLE:
        return False
    return any(one.covers(account.asset) or one.covers(units) for one in freezes)


def require_unfrozen(
    tx: Transaction, legs: Sequence[tuple["Account", int]], frozen: Frozen
) -> Sequence[FreezeChange]:
    """Refuse what a freeze stops; return what is used up of allowances. Raises: Refusal.

    Shape: `legs` are as they will be entered, income redirected. Accounts say themselves whether their wallet is
    frozen, so that a transaction that touches none pays nothing for those that are.
    """
    moves: dict[tuple[UUID, UUID], list[tuple[Account, int]]] = {}
    for leg in legs:
        if leg[0].frozen:
            key = leg[0].key
            moves.setdefault((key.wallet, key.asset), []).append(leg)
    used: list[FreezeChange] = []
    left: dict[UUID, tuple[Freeze, ...]] = {}
    for (wallet, _), moved in moves.items():
        change = _require_unfrozen(tx, legs, moved, left.get(wallet) or frozen[wallet])
        if change is not None:
            left[wallet] = change.after
            used.append(change)
    return used


def _require_unfrozen(
    tx: Transaction,
    legs: Sequence[tuple["Account", int]],
    moved: Sequence[tuple["Account", int]],
    freezes: tuple[Freeze, ...],
) -> FreezeChange | None:
    """Judge the moves of one frozen wallet in one asset."""
    account = moved[0][0]
    debits = [] if _extinguishes(tx, legs, account.asset) else [leg for leg in moved if leg[1] < 0]
    if any(leg[0].key.position is Position.FROZEN for leg in debits):
        raise _frozen(account, "debits")
    covering = [one for one in freezes if one.covers(account.asset)]
    disposable = sum(amount for leg, amount in moved if leg.key.position is not Position.FROZEN)
    if disposable > 0 and any(one.stops & CREDITS_STOPPED for one in covering):
        raise _frozen(account, "credits")
    stopping = [one for one in covering if one.stops & DEBITS_STOPPED]
    leaving = _leaving(legs, moved, debits) if stopping else 0
    if leaving <= 0:
        return None
    if account.asset.kind is not AssetKind.MONEY or leaving > min(one.allowance for one in stopping):
        raise _frozen(account, "debits")
    after = tuple(one._replace(allowance=one.allowance - leaving) if one in stopping else one for one in freezes)
    return FreezeChange(account.key.wallet, freezes, after)


def _leaving(
    legs: Sequence[tuple["Account", int]],
    moved: Sequence[tuple["Account", int]],
    debits: Sequence[tuple["Account", int]],
) -> int:
    """Return how much leaves the holder's disposal: what was bound and comes back does not."""
    free = -sum(amount for leg, amount in debits if leg.key.position is Position.AVAILABLE)
    bound = -sum(amount for leg, amount in debits if leg.key.position is not Position.AVAILABLE)
    back = sum(amount for leg, amount in moved if amount > 0 and leg.key.position in _HELD_BACK)
    # The bank had been told to pay before the freeze, and has paid: that is recorded, not decided.
    asset = moved[0][0].asset
    locked = -sum(amount for leg, amount in debits if leg.key.position is Position.LOCKED)
    paid = sum(amount for leg, amount in legs if leg.asset is asset and leg.key.position is Position.BANK)
    return free + max(0, bound - back - max(0, min(locked, paid)))


def _extinguishes(tx: Transaction, legs: Sequence[tuple["Account", int]], asset: OpenAsset) -> bool:
    """Whether all units that the transaction takes cease to exist by performance of their terms."""
    return tx.income_of == asset.asset and all(
        leg.key.position is Position.EXTINGUISHED for leg, amount in legs if leg.asset is asset and amount > 0
    )


def _frozen(account: "Account", side: str) -> Refusal:
    detail = f"{side} of this wallet are frozen (115-FZ art. 7)"
    return Refusal(f"wallet_{side}_frozen", detail, wallet=str(account.key.wallet))
