"""Balances now and after any number of entries, the holder register, and who an entry touched.

Each account heads a list through the log: a leg names the account's previous entry and the balance after it. So
what stood at any past moment is found by walking back from the account, without an index that grows with the log.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kapital.ledger.adapters.store import Connection, read_freezes
from kapital.ledger.api import AccountKey, FreezeInForce, Position, RegisterRow
from kapital.ledger.domain.freeze import as_set
from kapital.ledger.domain.problems import AssetNotFound, SizeAheadOfLog, WalletNotFound

_BALANCES: Final = """
    SELECT a.asset, a.position, a.wallet, a.balance
    FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS k(asset, position, wallet)
    JOIN account a USING (asset, position, wallet)
"""

# What no later entry has touched stands in the account itself. From the others walk from the last entry to the newest
# one below the size; its leg tells the balance after it.
_WALK: Final = """
    WITH RECURSIVE asked AS (
        SELECT a.number, a.asset, a.position, a.wallet, a.balance, a.last_seq FROM account a WHERE {accounts}
    ), walk(number, seq) AS (
        SELECT number, last_seq FROM asked WHERE last_seq >= $1
        UNION ALL
        SELECT w.number, leg.previous
        FROM walk w JOIN entry e ON e.seq = w.seq
        CROSS JOIN LATERAL (
            SELECT e.legs[4 * i + 3] AS previous
            FROM generate_series(0, cardinality(e.legs) / 4 - 1) AS i
            WHERE e.legs[4 * i + 1] = w.number LIMIT 1
        ) AS leg
        WHERE w.seq >= $1
    )
    SELECT asset, position, wallet, balance FROM asked WHERE last_seq >= 0 AND last_seq < $1
    UNION ALL
    SELECT a.asset, a.position, a.wallet, leg.balance
    FROM walk w
    JOIN asked a USING (number)
    JOIN entry e ON e.seq = w.seq
    CROSS JOIN LATERAL (
        SELECT e.legs[4 * i + 4] AS balance
        FROM generate_series(0, cardinality(e.legs) / 4 - 1) AS i
        WHERE e.legs[4 * i + 1] = w.number LIMIT 1
    ) AS leg
    WHERE w.seq < $1 AND w.seq >= 0
"""
_OF_KEYS: Final = _WALK.format(
    accounts="(a.asset, a.position, a.wallet) IN (SELECT * FROM unnest($2::uuid[], $3::text[], $4::uuid[]))"
)
_OF_ASSET: Final = _WALK.format(accounts="a.asset = $2")
OF_NUMBERS: Final = _WALK.format(accounts="a.number = ANY($2)")
"""What stood after $1 entries on the accounts with the numbers $2: asset, position, wallet, balance."""

_STATEMENT: Final = """
    WITH RECURSIVE walk(number, seq) AS (
        SELECT number, last_seq FROM account WHERE wallet = $1
        UNION ALL
        SELECT w.number, leg.previous
        FROM walk w JOIN entry e ON e.seq = w.seq
        CROSS JOIN LATERAL (
            SELECT e.legs[4 * i + 3] AS previous
            FROM generate_series(0, cardinality(e.legs) / 4 - 1) AS i
            WHERE e.legs[4 * i + 1] = w.number LIMIT 1
        ) AS leg
        WHERE w.seq >= 0
    )
    SELECT seq FROM (
        SELECT seq FROM walk
        UNION SELECT opened_seq FROM wallet WHERE wallet = $1
        UNION SELECT opened_seq FROM asset WHERE asset = $1
        UNION SELECT seq FROM wallet_freeze WHERE wallet = $1
    ) AS touched
    WHERE seq >= 0 AND seq < $2 ORDER BY seq
"""


_FROZEN_SINCE: Final = """
    SELECT f.wallet, f.freeze_id, min(f.seq)
    FROM wallet_freeze f
    LEFT JOIN (
        SELECT wallet, freeze_id, max(seq) AS seq FROM wallet_freeze WHERE wallet = ANY($1) AND stops = 0
        GROUP BY wallet, freeze_id
    ) AS lifted USING (wallet, freeze_id)
    WHERE f.wallet = ANY($1) AND f.seq > coalesce(lifted.seq, -1)
    GROUP BY f.wallet, f.freeze_id
"""


async def balances(connection: Connection, keys: Sequence[AccountKey]) -> list[int]:
    """Return present balances in the order of the keys; 0 for an account that nothing touched."""
    rows = await connection.fetch(_BALANCES, *_columns(keys))
    found = {AccountKey(r[0], Position(r[1]), r[2]): r[3] for r in rows}
    return [found.get(key, 0) for key in keys]


async def balances_at(connection: Connection, keys: Sequence[AccountKey], size: int) -> list[int]:
    """Return balances after the first `size` entries, in the order of the keys."""
    await require_size(connection, size)
    rows = await connection.fetch(_OF_KEYS, size, *_columns(keys))
    found = {AccountKey(r[0], Position(r[1]), r[2]): r[3] for r in rows}
    return [found.get(key, 0) for key in keys]


async def wallet_balances(connection: Connection, wallet: UUID) -> list[tuple[AccountKey, int]]:
    """Return all accounts of a wallet, by asset and position. Raises WalletNotFound."""
    await _require_wallet(connection, wallet)
    rows = await connection.fetch(
        "SELECT asset, position, balance FROM account WHERE wallet = $1 ORDER BY asset, position", wallet
    )
    return [(AccountKey(asset, Position(position), wallet), balance) for asset, position, balance in rows]


async def wallet_accounts(connection: Connection, wallet: UUID) -> list[AccountKey]:
    """Return the accounts of a wallet, by asset and position; none of a wallet that is not open."""
    rows = await connection.fetch(
        "SELECT asset, position FROM account WHERE wallet = $1 ORDER BY asset, position", wallet
    )
    return [AccountKey(asset, Position(position), wallet) for asset, position in rows]


async def register(connection: Connection, asset: UUID, size: int | None) -> list[RegisterRow]:
    """Return every balance of the asset that is not zero, by wallet and position (реестр обладателей).

    Law: 259-FZ art. 6 and 8 (register of holders, extract as of an instant).
    """
    await require_asset(connection, asset, size)
    if size is None:
        rows = await connection.fetch("SELECT asset, position, wallet, balance FROM account WHERE asset = $1", asset)
    else:
        await require_size(connection, size)
        rows = await connection.fetch(_OF_ASSET, size, asset)
    held = [RegisterRow(r[2], Position(r[1]), r[3]) for r in rows if r[3]]
    return sorted(held, key=lambda row: (row.wallet, row.position))


async def statement(connection: Connection, wallet: UUID, size: int | None) -> list[int]:
    """Return the numbers of all entries that touch the wallet or opened it, in order."""
    end = await require_size(connection, size)
    await _require_wallet(connection, wallet)
    return [row[0] for row in await connection.fetch(_STATEMENT, wallet, end)]


async def freezes(connection: Connection, wallets: Sequence[UUID]) -> list[FreezeInForce]:
    """Return the freezes in force, each with the first entry since which it has not been lifted."""
    in_force = await read_freezes(connection, wallets)
    since = {(row[0], row[1]): row[2] for row in await connection.fetch(_FROZEN_SINCE, wallets)}
    return [FreezeInForce(since[one.wallet, one.freeze], as_set(one)) for one in in_force]


async def require_size(connection: Connection, size: int | None) -> int:
    """Return the size to answer for; None means now. Raises SizeAheadOfLog."""
    present: int = await connection.fetchval("SELECT size FROM head")
    if size is None:
        return present
    if not 0 <= size <= present:
        raise SizeAheadOfLog(facts={"size": present, "asked": size})
    return size


async def require_asset(connection: Connection, asset: UUID, size: int | None) -> None:
    """Return if the asset was open after `size` entries. Raises AssetNotFound."""
    opened = await connection.fetchval("SELECT opened_seq FROM asset WHERE asset = $1", asset)
    if opened is None or (size is not None and opened >= size):
        raise AssetNotFound(facts={"asset": str(asset)})


async def _require_wallet(connection: Connection, wallet: UUID) -> None:
    known = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM wallet WHERE wallet = $1) OR EXISTS (SELECT FROM asset WHERE asset = $1)", wallet
    )
    if not known:
        raise WalletNotFound(facts={"wallet": str(wallet)})


def _columns(keys: Sequence[AccountKey]) -> tuple[list[UUID], list[str], list[UUID]]:
    return [k.asset for k in keys], [str(k.position) for k in keys], [k.wallet for k in keys]
