"""The ledger's own PostgreSQL database: one transaction a batch, rows by COPY, balances and tiles in one statement.

asyncpg is used bare here: COPY carries the volume, and this is the one hot path of the house.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from kapital.ledger.adapters.copy_format import copy_entries
from kapital.ledger.api import AccountKey, AssetKind, OpenAsset, Position, StoredEntry
from kapital.ledger.domain.account import AccountRow
from kapital.ledger.domain.book import Head, Missing
from kapital.ledger.domain.freeze import Freeze, FreezeRow
from kapital.ledger.domain.plan import Batch
from kapital.ledger.domain.tree import GrowingTree, Tile, right_edge

Connection: TypeAlias = asyncpg.Connection

ENTRY_ID_CONSTRAINT: Final = "entry_id_key"

_POSITIONS: Final = {str(p): p for p in Position}

_HEAD: Final = "SELECT size, accounts, recorded_at, closed_at, generation FROM head"
_ACCOUNTS: Final = """
    SELECT a.number, a.asset, a.position, a.wallet, a.balance, a.flags, a.last_seq
    FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS k(asset, position, wallet)
    JOIN account a USING (asset, position, wallet)
"""
# Everything that a batch changes in place, in one statement: each turn to the server and back costs a batch its time.
_CHANGE: Final = """
    WITH changed_accounts AS (
        UPDATE account a SET balance = d.balance, flags = d.flags, last_seq = d.last_seq
        FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[]) AS d(number, balance, flags, last_seq)
        WHERE a.number = d.number
    ), changed_tiles AS (
        INSERT INTO tile (level, index, hashes)
        SELECT * FROM unnest($5::smallint[], $6::bigint[], $7::bytea[])
        ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
    ), new_batch AS (
        INSERT INTO batch VALUES ($8, $9, $11)
    )
    UPDATE head SET size = $9, accounts = $10, recorded_at = $11
"""

# The writer's statements name rows by key, few against the table: only index look-ups make sense, and one plan.
WRITER_SETTINGS: Final = {
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}


async def read_head(connection: Connection, *, lock: bool = False) -> Head:
    """Return where the log ends; with `lock` nobody else can append until this transaction ends."""
    row = await connection.fetchrow(_HEAD + (" FOR UPDATE" if lock else ""))
    return Head(*row)


async def read_accounts(connection: Connection, keys: Sequence[AccountKey]) -> list[AccountRow]:
    """Return those of the accounts that exist."""
    rows = await connection.fetch(
        _ACCOUNTS, [k.asset for k in keys], [k.position for k in keys], [k.wallet for k in keys]
    )
    return [
        AccountRow(number, AccountKey(asset, _POSITIONS[position], wallet), balance, flags, last_seq)
        for number, asset, position, wallet, balance, flags, last_seq in rows
    ]


async def read_wallets(connection: Connection, wallets: Sequence[UUID]) -> list[UUID]:
    """Return those of the wallets that are open."""
    rows = await connection.fetch("SELECT wallet FROM wallet WHERE wallet = ANY($1)", wallets)
    return [row[0] for row in rows]


async def read_freezes(connection: Connection, wallets: Sequence[UUID]) -> list[Freeze]:
    """Return the freezes in force of these wallets, in the order in which they were set."""
    rows = await connection.fetch(
        "SELECT * FROM (SELECT DISTINCT ON (wallet, freeze_id) freeze_id, wallet, asset, kind, stops, allowance, seq"
        " FROM wallet_freeze WHERE wallet = ANY($1) ORDER BY wallet, freeze_id, seq DESC) AS last"
        " WHERE stops > 0 ORDER BY seq, freeze_id",
        wallets,
    )
    return [Freeze(row[0], row[1], row[2], AssetKind(row[3]) if row[3] else None, row[4], row[5]) for row in rows]


def freeze_record(row: FreezeRow) -> tuple[int, UUID, UUID, UUID | None, AssetKind | None, int, int]:
    """Return a row of `wallet_freeze`."""
    seq, (freeze, wallet, asset, kind, stops, allowance) = row
    return seq, wallet, freeze, asset, kind, stops, allowance


async def read_assets(connection: Connection, assets: Sequence[UUID]) -> tuple[list[OpenAsset], list[UUID]]:
    """Return those of the assets that are open, and those of them that are on hold."""
    rows = await connection.fetch(
        "SELECT a.asset, kind, code, scale, issue_limit, h.asset IS NOT NULL"
        " FROM asset a LEFT JOIN hold h ON h.asset = a.asset AND h.lifted_at IS NULL WHERE a.asset = ANY($1)",
        assets,
    )
    opened = [OpenAsset(row[0], AssetKind(row[1]), row[2], row[3], row[4]) for row in rows]
    return opened, [row[0] for row in rows if row[5]]


async def read_missing(
    connection: Connection, missing: Missing
) -> tuple[list[AccountRow], list[UUID], list[OpenAsset], list[UUID], list[Freeze]]:
    """Return what there is of the missing accounts, wallets and assets, which of these assets are on hold, and the
    freezes of these wallets, be they open or not.
    """
    accounts = await read_accounts(connection, missing.accounts) if missing.accounts else []
    wallets = await read_wallets(connection, missing.wallets) if missing.wallets else []
    assets, held = await read_assets(connection, missing.assets) if missing.assets else ([], [])
    freezes = await read_freezes(connection, missing.wallets) if missing.wallets else []
    return accounts, wallets, assets, held, freezes


async def read_existing(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, StoredEntry]:
    """Return the entries that already bear one of these ids."""
    rows = await connection.fetch("SELECT id, seq, body FROM entry WHERE id = ANY($1)", ids)
    return {row[0]: StoredEntry(row[1], row[2]) for row in rows}


async def read_tiles(connection: Connection, wanted: Sequence[tuple[int, int]]) -> list[Tile]:
    """Return the tiles (level, index) that exist."""
    rows = await connection.fetch(
        "SELECT level, index, hashes FROM tile JOIN unnest($1::smallint[], $2::bigint[]) AS w(level, index)"
        " USING (level, index)",
        [level for level, _ in wanted],
        [index for _, index in wanted],
    )
    return [Tile(*row) for row in rows]


async def read_tree(connection: Connection, size: int) -> GrowingTree:
    """Return the right edge of the log of `size` entries; `size` is the present one or a multiple of 256^L."""
    return GrowingTree(size, await read_tiles(connection, right_edge(size)))


async def write_batch(connection: Connection, batch: Batch) -> None:
    """Write one batch. The caller holds the head's lock and commits."""
    if batch.new_wallets:
        await connection.copy_records_to_table("wallet", records=batch.new_wallets)
    if batch.new_assets:
        await connection.copy_records_to_table(
            "asset",
            records=[(a.asset, a.kind, a.code, a.scale, a.issue_limit, seq) for a, seq in batch.new_assets],
        )
    if batch.new_accounts:
        await connection.copy_records_to_table(
            "account",
            records=[
                (a.number, a.key.asset, a.key.position, a.key.wallet, a.balance, a.flags, a.last_seq)
                for a in batch.new_accounts
            ],
        )
    if batch.new_freezes:
        await connection.copy_records_to_table("wallet_freeze", records=map(freeze_record, batch.new_freezes))
    await connection.copy_to_table("entry", source=copy_entries(batch.entries), format="binary")
    after = batch.after
    await connection.execute(
        _CHANGE,
        *batch.changed_accounts,
        [t.level for t in batch.tiles],
        [t.number for t in batch.tiles],
        [t.hashes for t in batch.tiles],
        batch.before.size,
        after.size,
        after.accounts,
        after.recorded_at,
    )
