"""Use case: trust nothing and recompute everything from the entries; name each row that is off.

`check` replays the log through the same pure rules that planned it, in order, and compares every derived row:
accounts, wallets, assets, legs, tiles, batches, the head, the index by account and the signed checkpoints.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import pairwise, zip_longest
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from kapital.ledger.adapters import store
from kapital.ledger.api import AccountKey, AssetKind, OpenAsset, OpenWallet, Position, StoredEntry
from kapital.ledger.domain.account import Account
from kapital.ledger.domain.book import Book, Head, malformed
from kapital.ledger.domain.codec import (
    accounts_entered,
    decode_entry,
    encode_entry,
    format_instant,
    parse_instant,
    transaction_of,
)
from kapital.ledger.domain.freeze import FreezeRow, freeze_rows
from kapital.ledger.domain.refusal import Refusal
from kapital.ledger.domain.tree import TILE_WIDTH, GrowingTree, Tile, right_edge, split
from kapital.verify.account_index import AccountIndex, index_root_of
from kapital.verify.entry import touched_keys
from kapital.verify.rfc9162 import leaf_hash
from kapital.verify.signed_note import NoteInvalid, NoteVerifier, open_note, parse_checkpoint

CHUNK: Final = 5_000
MAX_FINDINGS: Final = 1_000


class Finding(NamedTuple):
    """One row that is not what the log says. `where` names the table and key; `asset` is the one it is of, if one."""

    code: str
    where: str
    detail: str
    asset: UUID | None = None


class Totals(NamedTuple):
    """What the log adds up to in one asset."""

    asset: OpenAsset
    issued: int
    extinguished: int
    held: int
    bank: int


class CheckReport(NamedTuple):
    """Outcome of a check up to `size` entries, read in this generation. Clean if there are no findings."""

    generation: int
    size: int
    root: bytes
    accounts: int
    totals: list[Totals]
    findings: list[Finding]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Replay:
    """The register as the entries alone say it is."""

    def __init__(self) -> None:
        self.book = Book()
        self.tree = GrowingTree(0, [])
        self.numbers: list[Account] = []
        self.opened_wallets: dict[UUID, int] = {}
        self.opened_assets: dict[UUID, int] = {}
        self.freezes: list[FreezeRow] = []
        self.instants: dict[int, str] = {}
        self.leaves: list[bytes] = []
        self.last_legs: list[int] = []
        self._last_instant = ""

    def apply(self, entry: StoredEntry, entry_id: UUID | None, legs: list[int] | None) -> list[Finding]:
        """Take in the next entry; return what is wrong with it."""
        where = f"entry seq={entry.seq}"
        self.leaves.append(leaf_hash(entry.body))
        try:
            decoded = decode_entry(entry.body)
            tx = transaction_of(decoded)
        except (msgspec.MsgspecError, ValueError) as error:
            return [Finding("entry_unreadable", where, str(error))]
        findings = []
        if encode_entry(decoded) != entry.body:
            findings.append(Finding("entry_not_canonical", where, "the body is not the canonical form of itself"))
        if decoded.seq != entry.seq:
            findings.append(Finding("entry_out_of_order", where, f"the body says seq={decoded.seq}"))
        if entry_id is not None and decoded.id != entry_id:
            findings.append(Finding("entry_id_differs", where, f"column {entry_id}, body {decoded.id}"))
        if decoded.recorded_at < self._last_instant:
            findings.append(Finding("recorded_at_went_back", where, decoded.recorded_at))
        self._note_instant(entry.seq, decoded.recorded_at)
        if fault := malformed(tx):
            findings.append(Finding("entry_breaks_rule", where, fault))
        try:
            applied = self.book.apply(tx, self.book.accounts_of([tx])[0])
        except Refusal as no:
            return [*findings, Finding("entry_breaks_rule", where, f"{no.code}: {no.detail}")]
        if tx.income_of and accounts_entered(decoded) != [account.key for account, _ in applied.legs]:
            findings.append(Finding("entry_breaks_rule", where, "income did not go where the freezes send it"))
        self.freezes += freeze_rows(entry.seq, applied.freezes)
        for opening in tx.opens:
            if isinstance(opening, OpenWallet):
                self.opened_wallets[opening.wallet] = entry.seq
            else:
                self.opened_assets[opening.asset] = entry.seq
        touched = [*applied.legs, *((account, 0) for account, _ in applied.flagged)]
        self.last_legs = self._legs(entry.seq, touched)
        if legs is not None and legs != self.last_legs:
            findings.append(Finding("legs_differ", where, f"stored {legs}, from the body {self.last_legs}"))
        return findings

    def flush_tree(self) -> list[Tile]:
        """Append the gathered leaves and return the tiles that changed."""
        tiles = self.tree.append(self.leaves)
        self.leaves = []
        return tiles

    def batches(self) -> Iterator[tuple[int, int, datetime]]:
        """Return (first entry, size after, instant) of each batch: its entries share their instant."""
        for first, after in pairwise([*self.instants, self.tree.size]):
            yield first, after, parse_instant(self.instants[first])

    def _legs(self, seq: int, touched: list[tuple[Account, int]]) -> list[int]:
        flat: list[int] = []
        for account, amount in touched:
            if account.number < 0:
                account.number = len(self.numbers)
                self.numbers.append(account)
            flat += (account.number, amount, account.last_seq, account.balance)
        for account, _ in touched:
            account.last_seq = seq
        return flat

    def _note_instant(self, seq: int, instant: str) -> None:
        if instant != self._last_instant:
            self.instants[seq] = instant
            self._last_instant = instant


async def check(connection: asyncpg.Connection, keys: list[str]) -> CheckReport:
    """Recompute the register from its entries and compare. Read-only; give it a repeatable-read transaction.

    Shape: `keys` are the verifier keys whose signatures the checkpoints must bear. At most 1,000 findings.
    """
    head = await store.read_head(connection)
    replay, index = Replay(), AccountIndex()
    findings: list[Finding] = []
    indexed = await connection.fetchval("SELECT size FROM checkpoint_index")
    notes = {r[0]: r[1] for r in await connection.fetch("SELECT size, note FROM checkpoint ORDER BY size")}
    _check_note(notes.get(0), 0, replay, index, keys, findings)
    touching: list[tuple[int, bytes, tuple[str, ...]]] = []
    async for chunk in _chunks(connection):
        for seq, entry_id, legs, body in chunk:
            expected = len(replay.leaves) + replay.tree.size
            if seq != expected:
                findings.append(Finding("entry_missing", f"entry seq={expected}", f"the next entry is {seq}"))
                return CheckReport(head.generation, head.size, b"", len(replay.numbers), [], findings)
            findings += replay.apply(StoredEntry(seq, body), entry_id, legs)
            if seq < indexed:
                touching.append((seq, leaf_hash(body), _keys(body)))
            if seq + 1 in notes:
                index.apply_all(touching)
                touching.clear()
                await _check_tiles(connection, replay.flush_tree(), replay.tree.size, findings)
                _check_note(notes[seq + 1], seq + 1, replay, index if seq + 1 <= indexed else None, keys, findings)
        await _check_tiles(connection, replay.flush_tree(), replay.tree.size, findings)
        index.apply_all(touching)
        touching.clear()
        if len(findings) >= MAX_FINDINGS:
            break
    else:
        await _check_derived(connection, replay, head, findings)
        await _check_index(connection, index, indexed, findings)
        for size in sorted(size for size in notes if size > replay.tree.size):
            findings.append(
                Finding("checkpoint_ahead_of_log", f"checkpoint size={size}", f"the log has {replay.tree.size}")
            )
    totals = _totals(replay)
    for total in totals:
        if total.issued + total.bank + total.held + total.extinguished:
            findings.append(
                Finding("asset_not_in_balance", f"asset {total.asset.code}", str(total), total.asset.asset)
            )
    return CheckReport(
        head.generation, head.size, replay.tree.root(), len(replay.numbers), totals, findings[:MAX_FINDINGS]
    )


async def _chunks(connection: asyncpg.Connection) -> AsyncIterator[list[tuple[int, UUID, list[int], bytes]]]:
    cursor = await connection.cursor("SELECT seq, id, legs, body FROM entry ORDER BY seq")
    while rows := await cursor.fetch(CHUNK):
        yield [tuple(row) for row in rows]


async def _check_tiles(connection: asyncpg.Connection, tiles: list[Tile], size: int, findings: list[Finding]) -> None:
    """Compare tiles that are complete at this size; partial ones are compared at the end."""
    full = {(t.level, t.number): t.hashes for t in tiles if len(t.hashes) == 256 * 32}
    stored = {(t.level, t.number): t.hashes for t in await store.read_tiles(connection, list(full))}
    for tile, hashes in full.items():
        _compare_tile(Tile(*tile, hashes), stored.get(tile), size, findings)


def _compare_tile(told: Tile, stored: bytes | None, size: int, findings: list[Finding]) -> None:
    """Name a tile that differs, and each entry whose hash it does not hold: one of the two was changed."""
    if stored == told.hashes:
        return
    where = f"tile level={told.level} index={told.number}"
    findings.append(Finding("tile_differs", where, f"at size {size}" if stored else "is not there"))
    if told.level == 0 and stored is not None:
        for i, (mine, held) in enumerate(zip_longest(split(told.hashes), split(stored))):
            if mine != held:
                seq = told.number * TILE_WIDTH + i
                findings.append(Finding("entry_hash_differs", f"entry seq={seq}", f"{where} holds another hash"))


def _check_note(
    note: str | None,
    size: int,
    replay: Replay,
    index: AccountIndex | None,
    keys: list[str],
    findings: list[Finding],
) -> None:
    if note is None:
        return
    where = f"checkpoint size={size}"
    try:
        text, _ = open_note(note, [NoteVerifier.from_vkey(key) for key in keys])
        checkpoint = parse_checkpoint(text)
    except NoteInvalid as error:
        findings.append(Finding("checkpoint_signature_invalid", where, str(error)))
        return
    if (checkpoint.size, checkpoint.root) != (size, replay.tree.root()):
        findings.append(Finding("checkpoint_root_differs", where, "the entries do not hash to the signed root"))
    if index is None or index_root_of(checkpoint) != index.root():
        findings.append(
            Finding("checkpoint_index_differs", where, "the index by account differs from the signed one")
        )


async def _check_derived(connection: asyncpg.Connection, replay: Replay, head: Head, findings: list[Finding]) -> None:
    size = replay.tree.size
    if (head.size, head.accounts) != (size, len(replay.numbers)):
        findings.append(Finding("head_differs", "head", f"says {head.size}, {head.accounts}; log has {size}"))
    if replay.instants and max(replay.instants.values()) != format_instant(head.recorded_at):
        findings.append(Finding("head_differs", "head", "recorded_at is not the last entry's instant"))
    await _check_accounts(connection, replay, findings)
    wallets = {r[0]: r[1] for r in await connection.fetch("SELECT wallet, opened_seq FROM wallet")}
    _compare("wallet", wallets, replay.opened_wallets, findings)
    assets = {
        r[0]: (OpenAsset(r[0], AssetKind(r[1]), r[2], r[3], r[4]), r[5])
        for r in await connection.fetch("SELECT asset, kind, code, scale, issue_limit, opened_seq FROM asset")
    }
    expected = {a: (replay.book.assets[a], seq) for a, seq in replay.opened_assets.items()}
    _compare("asset", assets, expected, findings)
    batches = {
        r[0]: (r[1], r[2]) for r in await connection.fetch("SELECT first_seq, size_after, recorded_at FROM batch")
    }
    _compare("batch", batches, {first: (after, at) for first, after, at in replay.batches()}, findings)
    await _check_freezes(connection, replay, findings)
    await _check_edge(connection, replay, findings)


async def _check_freezes(connection: asyncpg.Connection, replay: Replay, findings: list[Finding]) -> None:
    """Compare the rows of freezes. A freeze that is not as the log says puts all that its wallet has in doubt."""
    told = {store.freeze_record(row) for row in replay.freezes}
    stored = {
        tuple(row)
        for row in await connection.fetch(
            "SELECT seq, wallet, freeze_id, asset, kind, stops, allowance FROM wallet_freeze"
        )
    }
    for row in sorted(told ^ stored, key=str):
        seq, wallet, freeze = row[:3]
        where = f"wallet_freeze wallet={wallet} freeze={freeze} seq={seq}"
        detail = "no entry says so" if row in stored else "the log has it, no row does"
        assets = {account.key.asset for account in replay.numbers if account.key.wallet == wallet}
        findings.extend(Finding("freeze_differs", where, detail, asset) for asset in sorted(assets))
        if not assets:
            findings.append(Finding("freeze_differs", where, detail))


async def _check_accounts(connection: asyncpg.Connection, replay: Replay, findings: list[Finding]) -> None:
    stored_numbers = bytearray(len(replay.numbers))
    cursor = await connection.cursor(
        "SELECT number, asset, position, wallet, balance, flags, last_seq FROM account ORDER BY number",
    )
    while rows := await cursor.fetch(CHUNK):
        for number, asset, position, wallet, balance, flags, last_seq in rows:
            where = f"account number={number} wallet={wallet} asset={asset} position={position}"
            if not 0 <= number < len(replay.numbers):
                findings.append(Finding("account_without_entry", where, "no entry touches it", asset))
                continue
            stored_numbers[number] = True
            told = replay.numbers[number]
            if AccountKey(asset, Position(position), wallet) != told.key:
                findings.append(Finding("account_differs", where, f"the log says {told.key}", told.key.asset))
            for name, stored, expected in (
                ("balance", balance, told.balance),
                ("flags", flags, told.flags),
                ("last_seq", last_seq, told.last_seq),
            ):
                if stored != expected:
                    findings.append(
                        Finding(f"{name}_differs", where, f"stored {stored}, the log says {expected}", asset)
                    )
    for number, there in enumerate(stored_numbers):
        if not there:
            key = replay.numbers[number].key
            where = f"account number={number} wallet={key.wallet} asset={key.asset} position={key.position}"
            findings.append(Finding("account_missing", where, "the log has it, no row does", key.asset))


async def _check_edge(connection: asyncpg.Connection, replay: Replay, findings: list[Finding]) -> None:
    """Compare the partial tiles, and find tiles that no log of this size has."""
    size = replay.tree.size
    stored = {(t.level, t.number): t.hashes for t in await store.read_tiles(connection, right_edge(size))}
    for tile in replay.tree.edge():
        _compare_tile(tile, stored.get((tile.level, tile.number)), size, findings)
    for level, index in await connection.fetch(
        "SELECT level, index FROM tile WHERE level > 7 OR level < 0 OR index < 0"
        " OR index >= (($1::bigint >> 8 * level::int) + 255) / 256 LIMIT 100",
        size,
    ):
        findings.append(Finding("tile_without_entry", f"tile level={level} index={index}", f"the log has {size}"))


async def _check_index(
    connection: asyncpg.Connection, index: AccountIndex, indexed: int, findings: list[Finding]
) -> None:
    if indexed != index.next_seq:
        findings.append(
            Finding("index_ahead_of_log", "checkpoint_index", f"says {indexed}, the log {index.next_seq}")
        )
    stored = {r[0]: (r[1], r[2]) for r in await connection.fetch("SELECT key_hash, count, chain FROM account_digest")}
    expected = {r.key_hash: (r.count, r.chain) for r in index.records()}
    _compare("account_digest", stored, expected, findings)


def _compare(table: str, stored: dict[Any, Any], expected: dict[Any, Any], findings: list[Finding]) -> None:
    for key in stored.keys() | expected.keys():
        if stored.get(key) != expected.get(key):
            name = key.hex() if isinstance(key, bytes) else key
            findings.append(
                Finding(
                    f"{table}_differs",
                    f"{table} {name}",
                    f"stored {stored.get(key)}, the log says {expected.get(key)}",
                    key if table == "asset" else None,
                )
            )


def _keys(body: bytes) -> tuple[str, ...]:
    """Return the keys an entry touches; none if it cannot be read, which is a finding of its own."""
    try:
        return touched_keys(msgspec.json.decode(body))
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError, AttributeError):
        return ()


def _totals(replay: Replay) -> list[Totals]:
    sums: dict[UUID, dict[Position | None, int]] = {asset: {} for asset in replay.book.assets}
    for account in replay.numbers:
        mirror = account.key.position if account.key.wallet == account.key.asset else None
        of_asset = sums[account.key.asset]
        of_asset[mirror] = of_asset.get(mirror, 0) + account.balance
    return [
        Totals(
            replay.book.assets[asset],
            of.get(Position.ISSUED, 0),
            of.get(Position.EXTINGUISHED, 0),
            of.get(None, 0),
            of.get(Position.BANK, 0),
        )
        for asset, of in sums.items()
    ]
