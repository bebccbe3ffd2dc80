"""Writes planned batches to the database, one after another, if the log is where each plan assumed."""

import asyncio
from collections.abc import Callable

import asyncpg

from kapital.ledger.adapters import store
from kapital.ledger.adapters.session import Session
from kapital.ledger.domain.book import Head
from kapital.ledger.domain.plan import Batch
from kapital.ledger.ports import Outcome, PlannedBatch
from kapital.platform.failpoints import failpoint


class Abandoned(Exception):
    """Nobody waits for the batch any more: it was not written."""


class Writer:
    """One conversation with the database. Batches are written in the order in which they come.

    `wanted` says whether somebody still waits for them. It is asked under the head's lock: a caller whose ledger is
    gone asks another one, and what that one refuses under the lock must not be entered after it.
    """

    def __init__(self, dsn: str, wanted: Callable[[], bool] = lambda: True) -> None:
        self._session, self._wanted = Session(dsn), wanted
        self._lost_ground: int | None = None

    async def write(self, planned: PlannedBatch) -> Outcome:
        """Write one batch, or say why its plan does not hold; then nothing was written.

        Promise: after a batch that was not written, none that was planned on the same ground is.
        Raises: Abandoned; what the driver raises, then the batch may have been written or not.
        """
        if planned.ground == self._lost_ground:
            return Outcome.RACED
        try:
            outcome = await self._write(planned.batch)
        except BaseException:
            self.lose(planned.ground)
            # Whether a transaction is still open there is not known, and in it the next batch would be no batch.
            self._session.drop()
            raise
        if outcome is not Outcome.WRITTEN:
            self.lose(planned.ground)
        return outcome

    def lose(self, ground: int) -> None:
        """Write nothing more that was planned on this ground."""
        self._lost_ground = ground

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def _write(self, batch: Batch) -> Outcome:
        connection = await self._session.connection()
        try:
            async with connection.transaction():
                if not still_true(batch, await store.read_head(connection, lock=True)):
                    return Outcome.RACED
                if not self._wanted():
                    raise Abandoned
                # What was entered before must be told so, and not that its money is spent.
                if batch.refused and await store.read_existing(connection, batch.refused):
                    return Outcome.REPEATS
                if batch.entries:
                    await store.write_batch(connection, batch)
                    failpoint("ledger.batch.written")
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != store.ENTRY_ID_CONSTRAINT:
                raise
            return Outcome.REPEATS
        failpoint("ledger.batch.committed")
        return Outcome.WRITTEN


class WriterHere:
    """The writer on the event loop of the ledger itself (`kapital.ledger.ports.BatchWriter`)."""

    def __init__(self, dsn: str) -> None:
        self._writer = Writer(dsn)
        self._last: asyncio.Task[Outcome] | None = None

    async def ready(self) -> None:
        """There is nothing to wait for."""

    def submit(self, planned: PlannedBatch) -> asyncio.Future[Outcome]:
        """Write a batch when those before it are done with."""
        self._last = asyncio.ensure_future(self._after(self._last, planned))
        return self._last

    async def close(self) -> None:
        """Close the connection."""
        await self._writer.close()

    async def _after(self, last: asyncio.Task[Outcome] | None, planned: PlannedBatch) -> Outcome:
        if last is not None:
            await asyncio.wait([last])
        return await self._writer.write(planned)


def still_true(batch: Batch, head: Head) -> bool:
    """Is the log where the plan assumed, and is the batch's instant still open?"""
    before = batch.before
    return (
        (before.size, before.accounts, before.recorded_at, before.generation)
        == (head.size, head.accounts, head.recorded_at, head.generation)
    ) and (not batch.entries or batch.after.recorded_at > head.closed_at)
