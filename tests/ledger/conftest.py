"""A ledger on a fresh real database, with a signing key, and words to speak to it with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kapital.ledger.service import MIGRATIONS, LedgerService, tiles_audit
from kapital.platform.clock import SystemClock
from kapital.platform.database import Database
from tests.ledger.words import RUB

ORIGIN = "kapital.test/ledger"


class TestSigner:
    """A key in memory that signs checkpoints."""

    __test__ = False
    key_name = ORIGIN

    def __init__(self, seed: bytes = bytes(32)) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def build(database: Database, *, folder: Path | None = None, **changes: Any) -> LedgerService:
    settings: dict[str, Any] = {
        "rule_book_version": "2026-01-01",
        "code_version": "test",
        "origin": ORIGIN,
        "signers": [TestSigner()],
        "audit": tiles_audit(folder) if folder else None,
    }
    return LedgerService(database, changes.pop("clock", SystemClock()), **{**settings, **changes})


MakeLedger = Callable[..., Awaitable[LedgerService]]


@pytest_asyncio.fixture
async def database(make_database: Any) -> Database:
    return await make_database("ledger", MIGRATIONS)


@pytest_asyncio.fixture
async def make_ledger(database: Database) -> AsyncIterator[MakeLedger]:
    made: list[LedgerService] = []

    async def make(**changes: Any) -> LedgerService:
        ledger = build(database, **changes)
        made.append(ledger)
        assert await ledger.open_money() == RUB
        return ledger

    yield make
    for ledger in made:
        await asyncio.wait_for(ledger.close(), 180)  # a ledger that cannot end is a fault, not a test that hangs


@pytest_asyncio.fixture
async def ledger(make_ledger: MakeLedger, tmp_path: Path) -> LedgerService:
    return await make_ledger(folder=tmp_path / "audit")


@pytest_asyncio.fixture
async def sql(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()
