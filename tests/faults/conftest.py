"""A server that may be killed, and the ledger's words."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from kapital.kernel.problems import Unavailable
from kapital.ledger.api import Committed, Refused, Transaction
from kapital.ledger.service import MIGRATIONS, LedgerService
from kapital.platform.database import Database, dsn_for
from kapital.platform.ids import new_uuid7
from kapital.platform.postgres import EmbeddedPostgres, create_missing
from kapital.platform.postgres_config import ServerSizes
from tests.ledger.conftest import build, database, ledger, make_ledger, sql
from tests.places import quick_folder
from tests.waiting import until

__all__ = ["database", "ledger", "make_ledger", "sql"]  # fixtures


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that no other test uses, so it may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="kapital-test-", dir=quick_folder()))
    server = EmbeddedPostgres(folder, sizes=ServerSizes(max_connections=60, shared_buffers_mb=64))
    server.start()
    yield server
    server.start()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture
async def own_database(own_server: EmbeddedPostgres) -> AsyncIterator[Database]:
    await asyncio.to_thread(own_server.start)
    name = f"ledger_{new_uuid7().hex}"
    await create_missing(own_server.dsn(), [name])
    made = Database("ledger", dsn_for(own_server.dsn(), name))
    await made.migrate(MIGRATIONS)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def own_ledger(own_database: Database) -> AsyncIterator[LedgerService]:
    made = build(own_database)
    await made.open_money()
    yield made
    await made.close()


async def insist(ledger: LedgerService, transactions: list[Transaction]) -> list[Committed | Refused]:
    """Ask again with the same ids until there is an answer, as every caller does who is told Unavailable."""
    answers: list[Committed | Refused] = []

    async def answered() -> bool:
        try:
            answers[:] = await ledger.post(transactions)
        except Unavailable:
            return False
        return True

    await until(answered, what="the ledger's answer")
    return answers


async def require_each_once(connection: asyncpg.Connection, answers: dict[Any, int]) -> None:
    """Each id stands in the log once and under the number that was told."""
    rows = await connection.fetch("SELECT id, seq FROM entry WHERE id = ANY($1)", list(answers))
    assert {r["id"]: r["seq"] for r in rows} == answers
    assert len(rows) == len(answers)
