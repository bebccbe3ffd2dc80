from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio

from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import SandboxBank
from tests.conftest import MakeDatabase
from tests.sandbox.bank.serving import Caller, caller_of, served_here


@pytest_asyncio.fixture
async def bank(make_database: MakeDatabase) -> SandboxBank:
    database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    return SandboxBank(database, SteppedClock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest_asyncio.fixture
async def caller(bank: SandboxBank) -> AsyncIterator[Caller]:
    made = caller_of(served_here(bank))
    yield made
    await made.client.aclose()
