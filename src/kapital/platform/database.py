"""One PostgreSQL database per service: engine, connection strings, migrations."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from kapital.platform.migrations import PLATFORM_PACKAGE, PLATFORM_VERSION_TABLE, is_at_head, upgrade_to_head
from kapital.platform.problems import problem_of

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "120s"
OUTBOX_CHANNEL = "kapital_outbox"
_WAKE_DELAY_S = 0.005


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _is_newest(conn: Connection, package: str) -> bool:
    return is_at_head(conn, package) and is_at_head(conn, PLATFORM_PACKAGE, PLATFORM_VERSION_TABLE)


def _require_open(adapted: Any, *_: object) -> None:
    """Have the pool open another connection instead of one that the server has ended (a restart, a failover).

    asyncpg hears of the end by itself, so nothing is asked: a ping is three round trips before each transaction.
    """
    if adapted.driver_connection.is_closed():
        raise DisconnectionError


class Database:
    """The database of one service.

    `dsn` is plain libpq form (`postgresql://…`), fit for asyncpg, psql and pg_dump. The engine makes its
    connections on first use, so building a Database costs nothing. Lock waits end after 10 s, statements
    after 120 s; work that needs longer says `SET LOCAL statement_timeout = 0`.
    """

    def __init__(self, name: str, dsn: str, *, pool_size: int = 5) -> None:
        self.name = name
        self.dsn = dsn
        self.engine: AsyncEngine = create_async_engine(
            make_url(dsn).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=pool_size * 2,
            pool_timeout=10,
            json_serializer=_encode_json,
            json_deserializer=msgspec.json.decode,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "server_settings": {
                    "application_name": f"kapital_{name}",
                    "timezone": "UTC",
                    "lock_timeout": LOCK_TIMEOUT,
                    "statement_timeout": STATEMENT_TIMEOUT,
                },
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _require_open)
        self._listeners: list[Callable[[], None]] = []
        self._wake_task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, rolled back at the end.

        Raises: DatabaseUnavailable, DatabaseBusy, StorageFull.
        """
        try:
            async with self.engine.connect() as conn:
                yield conn
        except Exception as error:
            if (problem := problem_of(error)) is not None and problem is not error:
                raise problem from error
            raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single reads: each statement stands by itself, with no begin and no end around them.

        Two of three round trips less than `connect`; what follows from several statements is for that.
        Raises: DatabaseUnavailable, DatabaseBusy, StorageFull.
        """
        async with self.connect() as conn:
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            yield conn

    async def ping(self) -> None:
        """Return when the database answers a statement; raises DatabaseUnavailable."""
        async with self.read() as conn:
            await conn.execute(text("SELECT 1"))

    async def migrate(self, package: str) -> None:
        """Bring the schema to the newest revision of `package` (for example `kapital.registry.migrations`), then
        the platform's own tables to theirs.

        Promise: two processes may call this at once; one migrates, the other waits and finds nothing to do. A
        failed revision leaves the schema as the revision before it left it. Each process asks when it starts, and
        nearly always there is nothing to do: that costs one connection.
        """
        async with self.engine.connect() as conn:
            if await conn.run_sync(_is_newest, package):
                return
        key = int.from_bytes(hashlib.sha256(b"kapital migrations").digest()[:8], "big", signed=True)
        async with self.engine.connect() as conn:
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            await conn.execute(text("SET lock_timeout = 0"))
            await conn.execute(text("SET statement_timeout = 0"))
            await conn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            try:
                async with self.engine.connect() as work:
                    await work.run_sync(upgrade_to_head, package)
                async with self.engine.connect() as work:
                    await work.run_sync(upgrade_to_head, PLATFORM_PACKAGE, PLATFORM_VERSION_TABLE)
            finally:
                # Closing the session gives the lock back even if the server hung up in between.
                await conn.invalidate()

    async def listen(self) -> asyncpg.Connection:
        """A raw asyncpg connection outside the pool, for LISTEN and COPY; the caller closes it."""
        return await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_S)

    def on_outbox(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each commit of this process that wrote events; returns the undo."""
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    def outbox_written(self) -> None:
        """Wake the relays: those of this process now, those of others by NOTIFY a moment later.

        The NOTIFY is sent after the commit on a connection of its own: inside the transaction it would make all
        commits of the server queue behind one lock. A lost one costs a poll interval, never an event.
        """
        for wake in tuple(self._listeners):
            wake()
        if self._wake_task is None or self._wake_task.done():
            self._wake_task = asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        await asyncio.sleep(_WAKE_DELAY_S)
        self._wake_task = None
        try:
            async with self.engine.connect() as conn:
                await conn.execute(text("SELECT pg_notify(:channel, '')"), {"channel": OUTBOX_CHANNEL})
                await conn.commit()
        except Exception as error:
            if problem_of(error) is None:
                raise

    async def close(self) -> None:
        """Close all connections."""
        if self._wake_task is not None:
            self._wake_task.cancel()
            await asyncio.gather(self._wake_task, return_exceptions=True)
        await self.engine.dispose()


class Databases:
    """The databases of one arrangement, by service name."""

    def __init__(self, by_name: dict[str, Database], on_close: Callable[[], None] | None = None) -> None:
        self._by_name = dict(by_name)
        self._on_close = on_close

    def get(self, name: str) -> Database:
        """The database of a service; KeyError names those that were opened."""
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"no database was opened for {name!r}, only for {sorted(self._by_name)}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all services with a database here, in order of opening."""
        return tuple(self._by_name)

    async def close(self) -> None:
        """Close every connection, then leave the embedded server if we use it."""
        async with AsyncExitStack() as closing:
            if self._on_close is not None:
                closing.push_async_callback(asyncio.to_thread, self._on_close)
            for database in self._by_name.values():
                closing.push_async_callback(database.close)


def dsn_for(server_dsn: str, database: str) -> str:
    """The same server's connection string for another database."""
    url = make_url(server_dsn).set(drivername="postgresql", database=quote(database, safe="_"))
    return url.render_as_string(hide_password=False)
