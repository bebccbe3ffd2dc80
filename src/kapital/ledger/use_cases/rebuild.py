"""Use case: throw away everything that can be derived and make it again from the entries.

Balances, wallets, assets, freezes, legs, tiles, batches and the index by account are views of the log. Entries,
their order and signed checkpoints are the record and stay: entries that do not hash to what was signed are not built
upon.
"""

from typing import Final

import asyncpg
import msgspec

from kapital.kernel.problems import InvariantBroken
from kapital.ledger.adapters import store
from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.tree import Tile
from kapital.ledger.use_cases.check import Finding, Replay
from kapital.verify.account_index import AccountIndex
from kapital.verify.entry import touched_keys
from kapital.verify.rfc9162 import leaf_hash
from kapital.verify.signed_note import NoteInvalid, parse_checkpoint, split_note

CHUNK: Final = 5_000


class RebuildRefused(InvariantBroken):
    """The entries themselves are not in order: nothing was changed. Run `kapital check`."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{findings[0].code} at {findings[0].where}: {findings[0].detail}")
        self.findings = findings


async def rebuild(connection: asyncpg.Connection) -> int:
    """Recompute every derived row from the entries, in one transaction; return the number of entries.

    The head is locked meanwhile: posting waits. Raises: RebuildRefused.
    """
    async with connection.transaction():
        head = await store.read_head(connection, lock=True)
        replay, index, tiles = Replay(), AccountIndex(), dict[tuple[int, int], Tile]()
        signed = await _signed_roots(connection)
        cursor = await connection.cursor("SELECT seq, id, legs, body FROM entry ORDER BY seq")
        count = 0
        wrong_legs: list[tuple[int, list[int]]] = []
        while rows := await cursor.fetch(CHUNK):
            for seq, entry_id, legs, body in rows:
                findings = replay.apply(StoredEntry(seq, body), entry_id, None)
                if seq != count:
                    findings = [Finding("entry_missing", f"entry seq={count}", f"the next entry is {seq}")]
                if findings:
                    raise RebuildRefused(findings)
                if legs != replay.last_legs:
                    wrong_legs.append((seq, replay.last_legs))
                count += 1
                if count in signed:
                    tiles.update({(t.level, t.number): t for t in replay.flush_tree()})
                    if signed.pop(count) != replay.tree.root():
                        raise RebuildRefused([_contradicts(count)])
            tiles.update({(t.level, t.number): t for t in replay.flush_tree()})
            index.apply_all(
                (seq, leaf_hash(body), touched_keys(msgspec.json.decode(body))) for seq, _, _, body in rows
            )
        if signed:
            raise RebuildRefused([_contradicts(min(signed))])
        await connection.executemany("UPDATE entry SET legs = $2 WHERE seq = $1", wrong_legs)
        batches = list(replay.batches())
        await _rewrite(connection, replay, index, list(tiles.values()))
        await connection.copy_records_to_table("batch", records=batches)
        await connection.execute(
            "UPDATE head SET size = $1, accounts = $2, recorded_at = $3, generation = generation + 1",
            count,
            len(replay.numbers),
            batches[-1][2] if batches else head.recorded_at,
        )
    return count


async def _signed_roots(connection: asyncpg.Connection) -> dict[int, bytes]:
    """Return what was signed: the root of the log at each size above 0. An unreadable note is refused too."""
    signed: dict[int, bytes] = {}
    for size, note in await connection.fetch("SELECT size, note FROM checkpoint WHERE size > 0"):
        try:
            checkpoint = parse_checkpoint(split_note(note)[0])
        except NoteInvalid as error:
            raise RebuildRefused([Finding("checkpoint_unreadable", f"checkpoint size={size}", str(error))]) from error
        signed[size] = checkpoint.root
    return signed


def _contradicts(size: int) -> Finding:
    return Finding("checkpoint_root_differs", f"checkpoint size={size}", "the entries are not those that were signed")


async def _rewrite(connection: asyncpg.Connection, replay: Replay, index: AccountIndex, tiles: list[Tile]) -> None:
    await connection.execute("TRUNCATE account, wallet, asset, wallet_freeze, tile, batch, account_digest")
    await connection.execute("UPDATE checkpoint_index SET size = $1", index.next_seq)
    await connection.copy_records_to_table(
        "account_digest", records=[(r.key_hash, r.count, r.chain) for r in index.records()]
    )
    await connection.copy_records_to_table("wallet", records=list(replay.opened_wallets.items()))
    await connection.copy_records_to_table("wallet_freeze", records=map(store.freeze_record, replay.freezes))
    assets = [(replay.book.assets[a], seq) for a, seq in replay.opened_assets.items()]
    await connection.copy_records_to_table(
        "asset", records=[(a.asset, a.kind, a.code, a.scale, a.issue_limit, seq) for a, seq in assets]
    )
    await connection.copy_records_to_table(
        "account",
        records=[
            (a.number, a.key.asset, a.key.position, a.key.wallet, a.balance, a.flags, a.last_seq)
            for a in replay.numbers
        ],
    )
    await connection.copy_records_to_table("tile", records=tiles)
