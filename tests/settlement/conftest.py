import pytest_asyncio

from tests.conftest import MakeDatabase
from tests.settlement.ledger_double import LedgerInMemory
from tests.settlement.world import World


@pytest_asyncio.fixture
async def world(make_database: MakeDatabase) -> World:
    database = await make_database("settlement", "kapital.settlement.migrations", pool_size=10)
    bank_database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    return await World.create(database, bank_database, LedgerInMemory())
