"""A fresh house a scenario: the real composition on the session's PostgreSQL, all seven invariants at its end."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio

from kapital.app import MIGRATIONS
from kapital.platform.database import Database, dsn_for
from kapital.platform.postgres import EmbeddedPostgres
from tests.scenarios.house import House

_NO_ROWS_BYTES = 21
"""Head and end of a binary COPY."""


class Untouched(NamedTuple):
    """What a database holds right after its migrations."""

    rows: dict[str, bytes]
    sequences: list[tuple[str, int | None, int]]


@pytest.fixture(scope="session")
def _untouched() -> dict[str, Untouched]:
    """Service → content of its database after the migrations."""
    return {}


@pytest_asyncio.fixture
async def server(postgres: EmbeddedPostgres, _untouched: dict[str, Untouched]) -> str:
    """The session's server with an empty database for every service, under the names that the settings lead to.

    Emptied and not made anew: eight databases have thousands of files, and each is flushed to the disk.
    """
    for service, package in MIGRATIONS.items():
        dsn = dsn_for(postgres.dsn(), f"kapital_{service}")
        if service in _untouched:
            await _restore(dsn, _untouched[service])
            continue
        admin = await asyncpg.connect(postgres.dsn())
        try:
            # Another test of this session may have opened the whole house on this server.
            await admin.execute(f'DROP DATABASE IF EXISTS "kapital_{service}" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "kapital_{service}"')
        finally:
            await admin.close()
        database = Database(service, dsn)
        try:
            await database.migrate(package)
        finally:
            await database.close()
        _untouched[service] = await _look(dsn)
    return postgres.dsn()


@pytest_asyncio.fixture
async def house(server: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house that is sound when the scenario leaves it."""
    async with House.open(server, tmp_path) as made:
        yield made
        await made.must_be_sound()


@pytest_asyncio.fixture
async def damaged_house(server: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house that a scenario breaks on purpose."""
    async with House.open(server, tmp_path) as made:
        yield made


async def _look(dsn: str) -> Untouched:
    conn = await asyncpg.connect(dsn)
    try:
        rows = {}
        for (table,) in await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            content = io.BytesIO()
            await conn.copy_from_table(table, output=content, format="binary")
            rows[table] = content.getvalue()
        sequences = await conn.fetch("SELECT sequencename, last_value, start_value FROM pg_sequences")
        return Untouched(rows, [tuple(row) for row in sequences])
    finally:
        await conn.close()


async def _restore(dsn: str, untouched: Untouched) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            # The register's own trigger would refuse: entries are never deleted.
            await conn.execute("SET LOCAL session_replication_role = replica")
            filled = [table for table, content in untouched.rows.items() if len(content) > _NO_ROWS_BYTES]
            used = " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")"
                for table in untouched.rows.keys() - set(filled)
            )
            for table in [*filled, *(row[0] for row in await conn.fetch(used))]:
                await conn.execute(f'DELETE FROM "{table}"')
            for table in filled:
                content = io.BytesIO(untouched.rows[table])
                await conn.copy_to_table(table, source=content, format="binary")
            for name, last, start in untouched.sequences:
                await conn.execute("SELECT setval($1, $2, $3)", name, last or start, last is not None)
    finally:
        await conn.close()
