from collections.abc import AsyncIterator

import pytest_asyncio

from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from tests.conftest import MakeDatabase
from tests.settlement.watched_ledger import WatchedLedger
from tests.settlement.world import START, World


@pytest_asyncio.fixture
async def world(make_database: MakeDatabase) -> AsyncIterator[World]:
    clock = SteppedClock(START)
    ledger = LedgerService(
        await make_database("ledger", "kapital.ledger.migrations"),
        clock,
        rule_book_version="2026-01-01",
        code_version="0.1.0",
        origin="kapital.example/test",
    )
    database = await make_database("settlement", "kapital.settlement.migrations", pool_size=10)
    bank_database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    yield await World.create(database, bank_database, WatchedLedger(ledger), clock)
    await ledger.close()
