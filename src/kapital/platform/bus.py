"""The embedded event bus: carries each service's outbox to the handlers of the others.

Promise: a handler's writes and the note that the event was used are one transaction of the consumer's
database, so an event has its effect exactly once, whenever the process dies. Events of one producer reach a
consumer in the order of `outbox.position`; a poison event is parked in the consumer's `dead_letter` together
with the later events of its aggregate, and stops nobody else.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import asyncpg

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Unavailable, ensure
from kapital.platform.bus_lane import Handler, Lane, Subscription
from kapital.platform.clock import SystemClock
from kapital.platform.database import OUTBOX_CHANNEL, Database, Databases
from kapital.platform.dead_letters import DeadLetters
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.outbox import ORDER_BATCH, give_positions, head_if_quiet
from kapital.platform.problems import ConsumerNotFound, problem_of

__all__ = ["EmbeddedBus", "Handler", "Subscriptions"]

Subscriptions: TypeAlias = Sequence[tuple[Sequence[str], Handler]]
"""Event types that a service wants, and who handles them."""

BATCH_MAX: Final = 500
QUICK_RETRIES_S: Final = (0.05, 0.2, 0.5)
PATIENT_RETRIES_S: Final = (0.2, 1, 2, 5, 10, 20, 30, 30, 30, 30)
LISTEN_AGAIN_S: Final = 5.0

_log = get_logger("bus")


class EmbeddedBus:
    """Relay over the databases of one arrangement. Several processes may run one each: they take turns.

    `unheard`: services that tell events to nobody here. They get their places in the stream all the same, for who
    listens later; without one they would look like events that nobody delivers.
    """

    def __init__(
        self,
        databases: Databases,
        clock: Clock | None = None,
        *,
        poll_interval_s: float = 1.0,
        batch_max: int = BATCH_MAX,
        unheard: Sequence[str] = (),
        patient_retries_s: Sequence[float] = PATIENT_RETRIES_S,
    ) -> None:
        self._databases = databases
        self._clock = clock or SystemClock()
        self._poll_interval_s = poll_interval_s
        self._batch_max = batch_max
        self._unheard = tuple(unheard)
        self._patient_retries_s = tuple(patient_retries_s)
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._woken = asyncio.Event()

    def subscribe(self, consumer_service: str, event_types: Sequence[str], handler: Handler) -> None:
        """Give events of these types to `handler`, in the consumer's own unit of work.

        The handler gets 1 to 500 events, in order, all of the types it asked for, and writes through the
        given transaction only. When it fails the events come again one by one. All handlers of one consumer
        share one place in each producer's stream, so events of different types keep their order too; a type
        that is subscribed later starts at the consumer's present place.
        """
        ensure(bool(event_types), "subscribe to at least one event type")
        for event_type in event_types:
            parts = event_type.split(".")
            ensure(len(parts) == 4 and parts[0] == "kapital", f"event type {event_type!r} is malformed")
            self._databases.get(parts[1])
        self._databases.get(consumer_service)
        subscription = Subscription(frozenset(event_types), handler)
        self._subscriptions.setdefault(consumer_service, []).append(subscription)

    async def drain(self) -> None:
        """Deliver until all is quiet: no undelivered event, no replay that is due. For demonstrations and
        tests.

        A handler that reports `Unavailable` is tried four times within a second, then its event is parked.
        """
        lanes = self._lanes(QUICK_RETRIES_S)
        while True:
            moved = False
            for name in self._unheard:
                await self._head(self._databases.get(name))
            for producer in self._producers():
                head = await self._head(self._databases.get(producer))
                for lane in lanes:
                    if lane.producer == producer:
                        moved |= await lane.work(head)
            if not moved:
                return

    async def run(self) -> None:
        """Deliver until cancelled, in step with the commits; survives databases that go away and come back."""
        producers = [self._databases.get(name) for name in self._producers()]
        undo = [database.on_outbox(self._woken.set) for database in producers]
        lanes = self._lanes(self._patient_retries_s)
        try:
            async with asyncio.TaskGroup() as group:
                for database in producers:
                    own = [lane for lane in lanes if lane.producer == database.name]
                    group.create_task(self._run_producer(database, own))
                for name in self._unheard:
                    group.create_task(self._number_unheard(self._databases.get(name)))
        finally:
            for forget in undo:
                forget()

    @property
    def consumers(self) -> tuple[str, ...]:
        """Services that get events, in order of their subscription."""
        return tuple(self._subscriptions)

    def dead_letters(self, consumer_service: str) -> DeadLetters:
        """What an operator may do with the events that a service could not use. Raises: ConsumerNotFound."""
        if consumer_service not in self._subscriptions:
            raise ConsumerNotFound(facts={"known": ", ".join(self.consumers)})
        return DeadLetters(self._databases.get(consumer_service), self._clock, on_change=self._woken.set)

    def _producers(self) -> list[str]:
        types = {t for subs in self._subscriptions.values() for sub in subs for t in sub.types}
        return sorted({event_type.split(".")[1] for event_type in types})

    def _lanes(self, retries_s: Sequence[float]) -> list[Lane]:
        lanes = []
        for consumer, subscriptions in self._subscriptions.items():
            for producer in self._producers():
                own = [s for s in subscriptions if any(t.split(".")[1] == producer for t in s.types)]
                if own:
                    lanes.append(
                        Lane(
                            self._databases.get(consumer),
                            self._databases.get(producer),
                            self._clock,
                            own,
                            batch_max=self._batch_max,
                            retries_s=tuple(retries_s),
                        )
                    )
        return lanes

    @staticmethod
    async def _head(producer: Database) -> int:
        # Nearly always nothing waits: one statement then.
        async with producer.read() as conn:
            if (quiet := await head_if_quiet(conn)) is not None:
                return quiet
        try:
            async with producer.engine.connect() as conn, conn.begin():
                head = await give_positions(conn)
            failpoint("bus.events.numbered")
            return head
        except Exception as error:
            if (problem := problem_of(error)) is not None and problem is not error:
                raise problem from error
            raise

    async def _run_producer(self, producer: Database, lanes: Sequence[Lane]) -> None:
        """One loop per producer; its lanes run side by side, so that a slow consumer does not hold up the others."""
        wake = asyncio.Event()
        undo = producer.on_outbox(wake.set)
        listening = asyncio.create_task(self._listen(producer, wake))
        workers = [asyncio.create_task(self._run_lane(lane)) for lane in lanes]
        try:
            while True:
                wake.clear()
                if await self._tell_head(producer, lanes):
                    wake.set()
                # Not wait_for: before Python 3.12 it loses a cancellation that meets the wake-up, and a stop hangs.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_interval_s):
                        await wake.wait()
                for worker in workers:
                    if worker.done():
                        worker.result()
        finally:
            undo()
            for task in (listening, *workers):
                task.cancel()
            await asyncio.gather(listening, *workers, return_exceptions=True)

    async def _tell_head(self, producer: Database, lanes: Sequence[Lane]) -> bool:
        """Number what was committed, once for all lanes, and wake them; whether more may wait for its number."""
        try:
            head = await self._head(producer)
        except Unavailable as problem:
            _log.warning("bus.producer_waits", producer=producer.name, code=problem.code)
            return False
        except Exception as error:  # noqa: BLE001 - logged as an error: a fault of the relay must be seen, and ends nothing
            _log.error("bus.producer_failed", producer=producer.name, error_type=type(error).__name__, exc_info=True)
            return False
        numbered = max((head - lane.head for lane in lanes), default=0)
        for lane in lanes:
            lane.head = head
            lane.woken.set()
        return numbered >= ORDER_BATCH

    async def _number_unheard(self, producer: Database) -> None:
        while True:
            try:
                await self._head(producer)
            except Unavailable as problem:
                _log.warning("bus.unheard_waits", producer=producer.name, code=problem.code)
            await asyncio.sleep(self._poll_interval_s)

    async def _run_lane(self, lane: Lane) -> None:
        while True:
            await lane.woken.wait()
            lane.woken.clear()
            try:
                while await lane.work(lane.head):
                    pass
            except Unavailable as problem:
                _log.warning("bus.lane_waits", consumer=lane.consumer, producer=lane.producer, code=problem.code)
                await asyncio.sleep(min(self._poll_interval_s, 5.0))
            except Exception as error:  # noqa: BLE001 - logged as an error; see below
                # A fault of the relay itself (a handler's is parked) must be seen, but must not end the other lanes.
                _log.error(
                    "bus.lane_failed", consumer=lane.consumer, producer=lane.producer,
                    error_type=type(error).__name__, exc_info=True,
                )  # fmt: skip
                await asyncio.sleep(5.0)

    @staticmethod
    async def _listen(producer: Database, wake: asyncio.Event) -> None:
        """Hear the NOTIFYs of other processes; without a connection the poll interval carries on alone."""
        while True:
            try:
                conn = await producer.listen()
            except Exception as error:
                if problem_of(error) is None:
                    raise
                await asyncio.sleep(LISTEN_AGAIN_S)
                continue
            closed = asyncio.Event()

            def heard(*_: object) -> None:
                wake.set()

            def gone(_: asyncpg.Connection, closed: asyncio.Event = closed) -> None:
                closed.set()

            conn.add_termination_listener(gone)
            try:
                await conn.add_listener(OUTBOX_CHANNEL, heard)
                await closed.wait()
            finally:
                with suppress(Exception):
                    await conn.close(timeout=1)
