"""Custody on a real PostgreSQL, a fresh database a test."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from kapital.custody.adapters.in_process import InProcessCustody
from kapital.custody.adapters.keys import SqlKeys
from kapital.custody.use_cases.bound import CustodyUseCases
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Database
from kapital.platform.unit_of_work import UnitOfWork
from tests.conftest import MakeDatabase


def person(number: int, *roles: Role) -> Actor:
    return Actor(id=str(UUID(int=number)), participant_id=None, roles=frozenset(roles))


OFFICER = person(1, Role.CUSTODY_OFFICER)
GUARD = person(2, Role.SECURITY)
OTHER_OFFICER = person(3, Role.CUSTODY_OFFICER)


class World:
    """Custody over one database; `restart` is a new process over the same disk."""

    def __init__(self, database: Database, data_dir: Path, passphrase: str | None = None) -> None:
        self.database, self.data_dir, self.passphrase = database, data_dir, passphrase
        self.uow = UnitOfWork(database, SteppedClock(datetime(2026, 11, 24, 9, tzinfo=UTC)))
        self.custody = InProcessCustody(self.uow, SqlKeys(), data_dir, passphrase)
        self.do = CustodyUseCases(self.uow, SqlKeys(), self.custody)

    def restart(self, *, passphrase: str | None = None) -> "World":
        return World(self.database, self.data_dir, passphrase if passphrase is not None else self.passphrase)

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        conn = await asyncpg.connect(self.database.dsn)
        try:
            return list(await conn.fetch(query, *values))
        finally:
            await conn.close()

    async def key_id(self, name: str) -> UUID:
        rows = await self.rows("SELECT key_id FROM key WHERE name = $1", name)
        return UUID(str(rows[0]["key_id"]))


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("custody", "kapital.custody.migrations")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path / "data")
