from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from tests.conftest import MakeDatabase
from tests.sandbox.bank.serving import http_bank_here
from tests.settlement.watched_ledger import WatchedLedger
from tests.settlement.world import START, World

BOTH_BANKS = {
    "test_withdrawals",
    "test_book_incoming",
    "test_reconcile",
    "test_sbp_payouts",
    "test_money_decisions",
    "test_tax_paid",
}
"""Modules whose promises rest on the port of the bank: they hold for each implementation of it."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in BOTH_BANKS:
        metafunc.parametrize("world", ["in_process", "http"], indirect=True)


@pytest_asyncio.fixture
async def world(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncIterator[World]:
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
    reach = http_bank_here if getattr(request, "param", "in_process") == "http" else lambda bank: bank
    yield await World.create(database, bank_database, WatchedLedger(ledger), clock, reach)
    await ledger.close()
