"""One process at a time at the edge to the bank: a session lock of PostgreSQL."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import text

from kapital.platform.database import Database

_KEY: Final = int.from_bytes(hashlib.sha256(b"kapital settlement bank edge").digest()[:8], "big", signed=True)


class PostgresBankEdge:
    """Holds an advisory lock on a connection of its own; a process that dies gives it back by hanging up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait for the turn (10 s at most) and keep it for the block. Raises: DatabaseBusy, DatabaseUnavailable."""
        async with self._database.connect() as conn:
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            await conn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _KEY})
            try:
                yield
            finally:
                # Closing the session gives the lock back even if the block was cancelled or the server hung up.
                await conn.invalidate()
