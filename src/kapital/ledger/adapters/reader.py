"""Reading connections to the ledger's database, with its failures told as problems."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from kapital.ledger.adapters.store import Connection
from kapital.platform.problems import problem_of


class Reader:
    """A small pool of connections, opened on first use."""

    def __init__(self, dsn: str, *, most: int = 8) -> None:
        self._dsn, self._most = dsn, most
        self._pool: asyncpg.Pool | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Give a connection outside a transaction, for work in several steps.

        Raises: DatabaseUnavailable, DatabaseBusy.
        """
        try:
            if self._pool is None:
                self._pool = asyncpg.create_pool(self._dsn, min_size=0, max_size=self._most, command_timeout=300)
            await self._pool
            async with self._pool.acquire(timeout=10) as connection:
                yield connection
        except Exception as error:
            if (problem := problem_of(error)) is not None and problem is not error:
                raise problem from error
            raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Give a connection whose statements all see one state of the database and change nothing.

        Raises: DatabaseUnavailable, DatabaseBusy.
        """
        async with self.session() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.close()
