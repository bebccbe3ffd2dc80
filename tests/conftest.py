"""What all tests share: one real PostgreSQL for the session, a fresh migrated database per test, strict logs."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings

from kapital.platform.database import Database, Databases, dsn_for
from kapital.platform.logging import configure_logging
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.postgres_config import ServerSizes
from tests.order import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.places import quick_folder

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]  # hooks

configure_logging(strict=True)
# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("kapital", deadline=None)
settings.load_profile("kapital")

MakeDatabase = Callable[..., Awaitable[Database]]
"""`await make_database("registry", "kapital.registry.migrations")`: a Database named `registry`, migrated, empty."""

PLATFORM_TABLES_ONLY = "tests.platform.migrations"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _log_as_tests_expect() -> None:
    """A command that a test calls in its own process may have set another level or another strictness."""
    configure_logging(strict=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this process's own, in a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="kapital-test-", dir=quick_folder()))
    server = EmbeddedPostgres(folder, sizes=ServerSizes(max_connections=200, shared_buffers_mb=128))
    server.start()
    # Killed processes lose nothing by it, and no test here cuts the power. Each database that is made or dropped is a
    # checkpoint, after which every page would be written to the log as a whole.
    for name in ("fsync", "full_page_writes"):
        asyncio.run(_execute(server, f"ALTER SYSTEM SET {name} = off"))
    asyncio.run(_execute(server, "SELECT pg_reload_conf()"))
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _templates() -> dict[str, str]:
    """Migration package → name of the database that was migrated with it once."""
    return {}


@pytest_asyncio.fixture
async def make_database(postgres: EmbeddedPostgres, _templates: dict[str, str]) -> AsyncIterator[MakeDatabase]:
    """Makes databases: the first use of a package migrates a template, each test gets a copy of it."""
    made: list[tuple[Database, str]] = []

    async def make(service: str, package: str = PLATFORM_TABLES_ONLY, *, pool_size: int = 5) -> Database:
        if package not in _templates:
            template = f"template_{next(_numbers)}_{os.getpid()}"
            await _execute(postgres, f'CREATE DATABASE "{template}"')
            migrated = Database(service, dsn_for(postgres.dsn(), template))
            await migrated.migrate(package)
            await migrated.close()
            _templates[package] = template
        name = f"test_{next(_numbers)}_{os.getpid()}"
        await _execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{_templates[package]}" STRATEGY FILE_COPY')
        database = Database(service, dsn_for(postgres.dsn(), name), pool_size=pool_size)
        made.append((database, name))
        return database

    yield make
    for database, name in made:
        await database.close()
        await _execute(postgres, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest_asyncio.fixture
async def make_databases(make_database: MakeDatabase) -> Callable[..., Awaitable[Databases]]:
    """`await make_databases(registry="kapital.registry.migrations", …)`: several services' databases at once."""

    async def make(**packages: str) -> Databases:
        return Databases({service: await make_database(service, package) for service, package in packages.items()})

    return make


async def _execute(postgres: EmbeddedPostgres, statement: str) -> None:
    conn = await asyncpg.connect(postgres.dsn())
    try:
        for attempt in itertools.count():
            try:
                await conn.execute(statement)
                return
            except asyncpg.ObjectInUseError:
                # A template whose last session is only just going cannot be copied yet.
                if attempt >= 600:
                    raise
                await asyncio.sleep(0.1)
    finally:
        await conn.close()
