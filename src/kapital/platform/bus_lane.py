"""One lane of the bus: the stream of one producer to one consumer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.clock import Clock
from kapital.kernel.problems import InvariantBroken, Problem, Unavailable
from kapital.platform.context import bind_context
from kapital.platform.database import Database
from kapital.platform.dead_letters import DeadLetter, due, note_failure, note_success, open_aggregates, park, place_of
from kapital.platform.events import CloudEvent
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.outbox import read_outbox
from kapital.platform.problems import DatabaseUnavailable, StorageFull, problem_of
from kapital.platform.telemetry import EVENTS_HANDLED
from kapital.platform.unit_of_work import Transaction, UnitOfWork

Handler: TypeAlias = Callable[[Transaction, list[CloudEvent]], Awaitable[None]]
Placed: TypeAlias = tuple[int, CloudEvent]

_log = get_logger("bus")

_OPEN_CURSOR: Final = text(
    "INSERT INTO bus_cursor (consumer, producer) VALUES (:consumer, :producer) ON CONFLICT DO NOTHING"
)
_LOCK_CURSOR: Final = text(
    "SELECT position FROM bus_cursor WHERE consumer = :consumer AND producer = :producer FOR UPDATE"
)
_MOVE_CURSOR: Final = text(
    "UPDATE bus_cursor SET position = :position WHERE consumer = :consumer AND producer = :producer"
)
_NOTE: Final = text(
    """
    INSERT INTO inbox (consumer, event_id, done_at)
    SELECT :consumer, id, :now FROM unnest(CAST(:ids AS uuid[])) AS e (id)
    ON CONFLICT DO NOTHING RETURNING event_id
    """
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events a handler wants."""

    types: frozenset[str]
    handler: Handler


class Lane:
    """Carries events of `producer` after the consumer's cursor; all state is in the consumer's database."""

    def __init__(
        self,
        consumer: Database,
        producer: Database,
        clock: Clock,
        subscriptions: Sequence[Subscription],
        *,
        batch_max: int,
        retries_s: tuple[float, ...],
    ) -> None:
        self.consumer, self.producer = consumer.name, producer.name
        self.woken, self.head = asyncio.Event(), 0
        self._consumer_db, self._producer_db = consumer, producer
        self._uow = UnitOfWork(consumer, clock)
        self._subscriptions = tuple(subscriptions)
        prefix = f"kapital.{producer.name}."
        self._types = sorted({t for s in subscriptions for t in s.types if t.startswith(prefix)})
        self._batch_max, self._retries_s = batch_max, retries_s
        self._names = {"consumer": self.consumer, "producer": self.producer}

    async def work(self, head: int) -> bool:
        """Deliver one batch, or replay what is due; False when there was nothing to do.

        Raises: Unavailable when one of the two databases is away.
        """
        async with self._consumer_db.read() as conn:
            cursor, any_to_try = await place_of(conn, self.consumer, self.producer)
            letters = await due(conn, self.consumer, self.producer) if any_to_try else []
        for letter in letters:
            await self._replay_one(letter)
        if cursor >= head:
            return bool(letters)
        try:
            await self._deliver(head, self._batch_max)
        except Exception as error:
            if handler_fault(error) is None:
                raise
            await self._one_by_one(head)
        return True

    async def _deliver(self, head: int, limit: int) -> None:
        """One transaction: take the cursor, read, handle, note, move the cursor."""
        async with self._uow.begin() as tx:
            cursor = await self._lock_cursor(tx.conn)
            events, are_all = await self._read(cursor, head, limit)
            if events:
                failpoint("bus.events.taken")
                await self._handle(tx, events)
                failpoint("bus.events.handled")
            await self._move(tx.conn, max(head, cursor) if are_all else events[-1][0])
        if events:
            failpoint("bus.events.committed")

    async def _one_by_one(self, head: int) -> None:
        """After a failed batch: each event in a transaction of its own, for the length of that batch."""
        for _ in range(self._batch_max):
            async with self._consumer_db.connect() as conn:
                cursor, _ = await place_of(conn, self.consumer, self.producer)
            events, _ = await self._read(cursor, head, 1)
            if not events:
                await self._deliver(head, self._batch_max)
                return
            await self._deliver_alone(head, events[0])

    async def _deliver_alone(self, head: int, placed: Placed) -> None:
        for delay_s in (*self._retries_s, None):
            try:
                await self._deliver(head, 1)
                return
            except Exception as error:
                if (fault := handler_fault(error)) is None:
                    raise
                if isinstance(fault, Unavailable) and delay_s is not None:
                    await asyncio.sleep(delay_s)
                    continue
                await self._park_failed(placed, fault)
                return

    async def _park_failed(self, placed: Placed, error: Exception) -> None:
        async with self._uow.begin() as tx:
            cursor = await self._lock_cursor(tx.conn)
            position, event = placed
            if cursor >= position:
                return  # another process got further in the meantime
            await park(
                tx.conn,
                self.consumer,
                self.producer,
                [placed],
                state="failed",
                code=code_of(error),
                now=tx.now,
            )
            await self._move(tx.conn, position)
        self._log_parked(event, error)

    async def _handle(self, tx: Transaction, events: Sequence[Placed]) -> None:
        blocked = await open_aggregates(tx.conn, self.consumer, self.producer, [e.subject for _, e in events])
        behind = [placed for placed in events if placed[1].subject in blocked]
        if behind:
            await park(
                tx.conn,
                self.consumer,
                self.producer,
                behind,
                state="behind",
                code="earlier_event_waits",
                now=tx.now,
            )
        await self._dispatch(tx, [event for _, event in events if event.subject not in blocked])

    async def _dispatch(self, tx: Transaction, events: Sequence[CloudEvent]) -> None:
        """Note the events as used and call the handlers; what was noted before is left out."""
        if not events:
            return
        noted = await tx.conn.execute(
            _NOTE, {"consumer": self.consumer, "now": tx.now, "ids": [event.id for event in events]}
        )
        fresh = {UUID(str(row.event_id)) for row in noted}
        for handlers, run in self._runs([event for event in events if event.id in fresh]):
            for handler in handlers:
                cause = run[0] if len(run) == 1 else None
                with bind_context(
                    correlation_id=cause.correlationid if cause else None,
                    causation_id=str(cause.id) if cause else None,
                    actor_id=f"service:{self.consumer}",
                ):
                    await _call(handler, tx, run)
        EVENTS_HANDLED.labels(self.consumer, self.producer, "handled").inc(len(fresh))

    def _runs(self, events: Sequence[CloudEvent]) -> Iterator[tuple[tuple[Handler, ...], list[CloudEvent]]]:
        """Neighbours that go to the same handlers, together: the order over all types is kept."""

        def wanted(event: CloudEvent) -> tuple[Handler, ...]:
            return tuple(s.handler for s in self._subscriptions if event.type in s.types)

        for handlers, run in groupby(events, key=wanted):
            yield handlers, list(run)

    async def _replay_one(self, letter: DeadLetter) -> None:
        """Deliver a parked event whose turn has come: marked for retry, or first in line now."""
        try:
            async with self._uow.begin() as tx:
                await self._lock_cursor(tx.conn)
                if not await note_success(tx.conn, letter.id, tx.now):
                    return  # another process was faster
                await self._dispatch(tx, [letter.event])
        except Exception as error:
            if (fault := handler_fault(error)) is None:
                raise
            async with self._uow.begin() as tx:
                await note_failure(tx.conn, letter.id, code_of(fault))
            self._log_parked(letter.event, fault)

    async def _read(self, cursor: int, head: int, limit: int) -> tuple[list[Placed], bool]:
        async with self._producer_db.connect() as conn:
            return await read_outbox(conn, self.producer, after=cursor, head=head, types=self._types, limit=limit)

    async def _lock_cursor(self, conn: AsyncConnection) -> int:
        await conn.execute(_OPEN_CURSOR, self._names)
        return int((await conn.execute(_LOCK_CURSOR, self._names)).scalar_one())

    async def _move(self, conn: AsyncConnection, position: int) -> None:
        await conn.execute(_MOVE_CURSOR, self._names | {"position": position})

    def _log_parked(self, event: CloudEvent, error: Exception) -> None:
        EVENTS_HANDLED.labels(self.consumer, self.producer, "parked").inc()
        level = _log.error if isinstance(error, InvariantBroken) else _log.warning
        level(
            "bus.event_parked", consumer=self.consumer, producer=self.producer, event_id=str(event.id),
            event_type=event.type, code=code_of(error), error_type=type(error).__name__,
        )  # fmt: skip


class HandlerFailed(Exception):
    """Carries what a handler raised past the unit of work, which would translate it. Not chained on purpose."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(type(fault).__name__)
        self.fault = fault


async def _call(handler: Handler, tx: Transaction, events: list[CloudEvent]) -> None:
    try:
        await handler(tx, events)
        await tx.flush()  # what the handler gathered fails here, as the handler's fault, and not at the commit
    except Exception as fault:
        problem = problem_of(fault) or fault
        if isinstance(problem, DatabaseUnavailable | StorageFull):
            raise  # nobody's fault: the lane waits until it is over, nothing is parked
        raise HandlerFailed(problem) from None


def handler_fault(error: Exception) -> Exception | None:
    """What the handler did wrong; None when a database of the bus is away or the relay itself is at fault.

    A statement that the database refuses (a deferred constraint at the commit, a transaction the handler had
    already broken) is the handler's too: the relay's own statements do not depend on the event.
    """
    if isinstance(error, HandlerFailed):
        return error.fault
    return error if isinstance(error, DBAPIError) and problem_of(error) is None else None


def code_of(error: Exception) -> str:
    """The stable code kept in the dead letter; never the message, which may hold personal data."""
    if isinstance(error, Problem):
        return error.code
    return "invariant_broken" if isinstance(error, InvariantBroken) else f"error:{type(error).__name__}"[:100]
