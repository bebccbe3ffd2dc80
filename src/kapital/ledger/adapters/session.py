"""One connection to the ledger's database, opened when it is needed and again when it was lost."""

import asyncpg

from kapital.ledger.adapters import store


class Session:
    """A connection with the writer's settings. Not for two tasks at once."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None

    async def connection(self) -> asyncpg.Connection:
        """Return the open connection; open one if there is none. Raises what the driver raises."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn, timeout=10, command_timeout=120, server_settings=store.WRITER_SETTINGS
            )
        return self._connection

    def drop(self) -> None:
        """Break the connection off: whether a transaction is still open on it is not known."""
        if self._connection is not None and not self._connection.is_closed():
            self._connection.terminate()

    async def close(self) -> None:
        """Say goodbye; a server that does not answer cannot hold us."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._connection.terminate()
