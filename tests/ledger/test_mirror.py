"""Scenario 53: a log that tells another history than its audit copy is found out, and where they part is named."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kapital.ledger.adapters.tiles import TilesAudit
from kapital.ledger.api import OpenWallet
from kapital.ledger.domain.problems import AuditDiverged
from kapital.ledger.service import LedgerService
from kapital.platform.ids import new_uuid7
from kapital.verify.rfc9162 import leaf_hash, root_from_leaf_hashes
from tests.ledger.conftest import MakeLedger
from tests.ledger.words import top_up, tx

WALLET = new_uuid7()
ALTERED = 150


@pytest.fixture
async def log(ledger: LedgerService) -> LedgerService:
    await ledger.post([tx(OpenWallet(WALLET)), *(tx(*top_up(WALLET, 1)) for _ in range(298))])
    return ledger


async def alter(sql: asyncpg.Connection, change: str) -> None:
    await sql.execute("ALTER TABLE entry DISABLE TRIGGER entry_is_insert_only")
    await sql.execute(change)
    await sql.execute("ALTER TABLE entry ENABLE TRIGGER entry_is_insert_only")


ACTOR = (
    "UPDATE entry SET body = convert_to(replace(convert_from(body, 'UTF8'), 'machine:test', 'machine:tess'), 'UTF8')"
    f" WHERE seq = {ALTERED}"
)


async def test_the_copy_follows_the_log_and_says_the_same_root(log, tmp_path):
    for _ in range(3):
        receipt = await log.mirror()
        assert receipt is not None
        entries = await log.entries(0, receipt.size)
        assert receipt.size == await log.size()
        assert receipt.root == root_from_leaf_hashes([leaf_hash(e.body) for e in entries])
        assert await TilesAudit(tmp_path / "audit").health() == receipt
        assert await log.mirror(whole=True) == receipt
        await log.post([tx(*top_up(WALLET, 1)) for _ in range(100)])


async def test_a_history_rewritten_with_all_that_follows_from_it_is_found_by_the_running_process(log, sql):
    receipt = await log.mirror()
    await log.inclusion_proof(0, 300)  # the process keeps the true tile in memory
    await alter(sql, ACTOR)
    await log.rebuild()
    assert (await log.check()).clean  # the log by itself is in perfect order now
    for _ in range(2):
        with pytest.raises(AuditDiverged) as found:
            await log.mirror()
        assert found.value.facts == {"seq": ALTERED}
        await log.post([tx(*top_up(WALLET, 1))])
    assert receipt is not None
    assert receipt.size == 300


async def test_the_copy_is_left_as_evidence(log, sql, tmp_path):
    receipt = await log.mirror()
    await alter(sql, ACTOR)
    await log.rebuild()
    with pytest.raises(AuditDiverged):
        await log.mirror()
    assert await TilesAudit(tmp_path / "audit").health() == receipt


async def test_an_entry_changed_under_an_unchanged_hash_is_found_when_all_are_compared(log, sql):
    await log.mirror()
    await alter(sql, ACTOR)
    with pytest.raises(AuditDiverged) as found:
        await log.mirror(whole=True)
    assert found.value.facts == {"seq": ALTERED}


async def test_an_entry_changed_before_it_is_copied_does_not_pass(log, sql):
    await alter(sql, ACTOR)
    with pytest.raises(AuditDiverged):
        await log.mirror()


async def test_a_log_rolled_back_behind_its_copy_is_found(log, sql, make_ledger: MakeLedger, tmp_path: Path):
    await log.mirror()
    await alter(sql, "DELETE FROM entry WHERE seq >= 280")
    restored = await make_ledger(folder=tmp_path / "audit")
    await restored.rebuild()
    with pytest.raises(AuditDiverged) as found:
        await restored.mirror()
    size = await restored.size()
    assert found.value.facts == {"held": 300, "log": size}
    # Rolled back and grown past the copy again: the first new entry differs.
    await restored.post([tx(*top_up(WALLET, 2)) for _ in range(40)])
    with pytest.raises(AuditDiverged) as found:
        await restored.mirror()
    assert found.value.facts == {"seq": 280}


async def test_without_a_copy_there_is_nothing_to_mirror(make_ledger: Any):
    assert await (await make_ledger()).mirror() is None
