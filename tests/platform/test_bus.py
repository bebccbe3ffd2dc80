"""The embedded bus: exactly one effect, in order, and a poison event stops nobody else."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry, Unavailable
from kapital.kernel.roles import Role
from kapital.platform import outbox
from kapital.platform.bus import EmbeddedBus
from kapital.platform.clock import SteppedClock, SystemClock
from kapital.platform.database import Database, Databases
from kapital.platform.dead_letters import DeadLetters
from kapital.platform.events import CloudEvent, Event
from kapital.platform.problems import (
    ConsumerNotFound,
    DeadLetterNotFirst,
    DeadLetterNotFound,
    SkipNeedsTwoActors,
    SkipReasonRequired,
)
from kapital.platform.unit_of_work import Transaction, UnitOfWork
from tests.waiting import NEVER_S, until

TYPE = "kapital.registry.thing_happened.v1"
OTHER_TYPE = "kapital.registry.other_happened.v1"
CLOCK = SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
ANNA = Actor(id="11111111-1111-4111-8111-111111111111", participant_id=None, roles=frozenset({Role.SECURITY}))
BORIS = Actor(id="22222222-2222-4222-8222-222222222222", participant_id=None, roles=frozenset({Role.SECURITY}))


class PoisonMustBeRefused(Problem):
    code = "poison_must_be_refused"
    title = "Poison"
    retry = Retry.NEVER
    family = Family.CONFLICT


@pytest.fixture
async def databases(make_databases) -> Databases:
    packages = dict.fromkeys(("registry", "identity", "disclosure"), "tests.platform.migrations")
    return await make_databases(**packages)


async def tell(databases: Databases, *labels: str, aggregate: str = "a", type_: str = TYPE) -> None:
    async with UnitOfWork(databases.get("registry"), CLOCK).begin() as tx:
        await tx.outbox.add(*(Event(type=type_, aggregate_id=aggregate, data={"label": label}) for label in labels))


async def note_effect(tx: Transaction, events: list[CloudEvent]) -> None:
    for event in events:
        await tx.conn.execute(
            text("INSERT INTO effect (label, who) VALUES (:label, :who)"),
            {"label": event.data["label"], "who": event.subject},
        )


class Poisonable:
    """A handler that refuses the labels in `poison`, after it has already written something."""

    def __init__(self, *poison: str, fault: Exception | None = None) -> None:
        self.poison, self.fault, self.calls = set(poison), fault or PoisonMustBeRefused(), 0

    async def __call__(self, tx: Transaction, events: list[CloudEvent]) -> None:
        self.calls += 1
        await note_effect(tx, events)
        if any(event.data["label"] in self.poison for event in events):
            raise self.fault


async def effects(database: Database) -> list[str]:
    async with database.connect() as conn:
        return [row.label for row in await conn.execute(text("SELECT label FROM effect ORDER BY n"))]


async def scalar(database: Database, sql: str) -> Any:
    async with database.connect() as conn:
        return (await conn.execute(text(sql))).scalar_one()


class TestDelivery:
    async def test_each_consumer_gets_every_event_once_in_order(self, databases):
        bus = EmbeddedBus(databases, CLOCK, batch_max=7)
        bus.subscribe("identity", [TYPE], note_effect)
        bus.subscribe("disclosure", [TYPE], note_effect)
        labels = [str(n) for n in range(50)]

        await tell(databases, *labels)
        await bus.drain()
        await bus.drain()

        assert await effects(databases.get("identity")) == labels
        assert await effects(databases.get("disclosure")) == labels

    async def test_large_events_come_a_few_at_a_time_and_one_comes_whatever_its_size(self, databases, monkeypatch):
        monkeypatch.setattr(outbox, "READ_BYTES", 1_000)
        given: list[int] = []

        async def counted(tx: Transaction, events: list[CloudEvent]) -> None:
            given.append(len(events))
            await note_effect(tx, events)

        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], counted)
        labels = [f"{n}{'x' * size}" for n, size in enumerate((300, 300, 300, 300, 1_500, 1_500, 10))]

        await tell(databases, *labels)
        await bus.drain()

        assert await effects(databases.get("identity")) == labels
        assert given == [4, 1, 1, 1]

    async def test_types_nobody_asked_for_are_passed_over(self, databases):
        bus = EmbeddedBus(databases, CLOCK, batch_max=3)
        bus.subscribe("identity", [TYPE], note_effect)

        for n in range(20):
            await tell(databases, str(n), type_=TYPE if n % 5 == 0 else OTHER_TYPE)
        await bus.drain()

        assert await effects(databases.get("identity")) == ["0", "5", "10", "15"]
        cursor = await scalar(databases.get("identity"), "SELECT position FROM bus_cursor")
        assert cursor == await scalar(databases.get("registry"), "SELECT position FROM outbox_head") == 20

    async def test_order_holds_over_the_types_of_several_handlers(self, databases):
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], note_effect)
        bus.subscribe("identity", [OTHER_TYPE], note_effect)

        for n in range(20):
            await tell(databases, str(n), type_=TYPE if n % 3 else OTHER_TYPE)
        await bus.drain()

        assert await effects(databases.get("identity")) == [str(n) for n in range(20)]

    async def test_what_a_handler_publishes_is_delivered_too_and_names_its_cause(self, databases):
        bus = EmbeddedBus(databases, CLOCK)
        answer = "kapital.identity.checked.v1"
        seen: list[CloudEvent] = []

        async def check(tx: Transaction, events: list[CloudEvent]) -> None:
            for event in events:
                await tx.outbox.add(Event(type=answer, aggregate_id=event.subject, data={}), cause=event)

        async def see(_: Transaction, events: list[CloudEvent]) -> None:
            seen.extend(events)

        bus.subscribe("identity", [TYPE], check)
        bus.subscribe("disclosure", [TYPE, answer], see)
        await tell(databases, "1")
        await bus.drain()

        first, second = sorted(seen, key=lambda e: e.type == answer)
        assert second.causationid == str(first.id)
        assert second.correlationid == first.correlationid

    async def test_an_event_that_commits_late_is_not_lost(self, databases):
        """A transaction that drew the lower outbox id is still open while one with a higher id is delivered."""
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], note_effect)

        async with UnitOfWork(databases.get("registry"), CLOCK).begin() as tx:
            await tx.outbox.add(Event(type=TYPE, aggregate_id="slow", data={"label": "early id"}))
            await tx.flush()
            await tell(databases, "late id", aggregate="quick")
            await bus.drain()
            assert await effects(databases.get("identity")) == ["late id"]
        await bus.drain()

        assert await effects(databases.get("identity")) == ["late id", "early id"]

    async def test_order_of_one_aggregate_holds_under_concurrent_writers(self, databases):
        """Writers lock the aggregate's row, so their commits have an order; some take a transaction number early."""
        bus = EmbeddedBus(databases, CLOCK, batch_max=5)
        bus.subscribe("identity", [TYPE], note_effect)
        registry = databases.get("registry")
        dice = random.Random(7)
        async with UnitOfWork(registry, CLOCK).begin() as tx:
            await tx.conn.execute(
                text("INSERT INTO effect (label, who) SELECT '0', g::text FROM generate_series(0, 2) g")
            )

        async def write() -> None:
            aggregate = str(dice.randrange(3))
            async with UnitOfWork(registry, CLOCK).begin() as tx:
                if dice.random() < 0.5:
                    await tx.conn.execute(text("SELECT pg_current_xact_id()"))
                await asyncio.sleep(dice.random() * 0.01)
                count = await tx.conn.execute(
                    text("UPDATE effect SET label = (label::int + 1)::text WHERE who = :who RETURNING label"),
                    {"who": aggregate},
                )
                await tx.outbox.add(
                    Event(type=TYPE, aggregate_id=aggregate, data={"label": f"{aggregate}:{count.scalar_one()}"})
                )

        async def relay() -> None:
            while True:
                await bus.drain()
                await asyncio.sleep(0)

        relaying = asyncio.create_task(relay())
        for _ in range(10):
            await asyncio.gather(*(write() for _ in range(12)))
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await bus.drain()

        by_aggregate = defaultdict(list)
        for label in await effects(databases.get("identity")):
            aggregate, n = label.split(":")
            by_aggregate[aggregate].append(int(n))
        assert sum(len(numbers) for numbers in by_aggregate.values()) == 120
        for numbers in by_aggregate.values():
            assert numbers == list(range(1, len(numbers) + 1))

    async def test_two_relays_at_once_have_the_effect_once(self, databases):
        buses = [EmbeddedBus(databases, CLOCK, batch_max=3) for _ in range(3)]
        for bus in buses:
            bus.subscribe("identity", [TYPE], note_effect)
        labels = [str(n) for n in range(40)]

        await tell(databases, *labels)
        await asyncio.gather(*(bus.drain() for bus in buses))

        assert await effects(databases.get("identity")) == labels


class TestPoison:
    async def test_poison_is_parked_with_the_rest_of_its_aggregate_and_others_go_on(self, databases):
        handler = Poisonable("b2")
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], handler)

        for label in ("a1", "b1", "b2", "a2", "b3", "a3", "b4"):
            await tell(databases, label, aggregate=label[0])
        await bus.drain()
        await tell(databases, "b5", aggregate="b")
        await tell(databases, "a4", aggregate="a")
        await bus.drain()

        assert await effects(databases.get("identity")) == ["a1", "b1", "a2", "a3", "a4"]
        letters = await DeadLetters(databases.get("identity"), CLOCK).list_open()
        assert [(x.event.data["label"], x.state, x.code) for x in letters] == [
            ("b2", "failed", "poison_must_be_refused"),
            ("b3", "behind", "earlier_event_waits"),
            ("b4", "behind", "earlier_event_waits"),
            ("b5", "behind", "earlier_event_waits"),
        ]

    async def test_retry_after_the_mend_delivers_all_that_waited_in_order(self, databases):
        handler = Poisonable("2")
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], handler)
        await tell(databases, "1", "2", "3", "4")
        await bus.drain()
        letters = DeadLetters(databases.get("identity"), CLOCK)
        first, second, _ = await letters.list_open()

        with pytest.raises(DeadLetterNotFirst):
            await letters.retry(second.id, ANNA)
        await bus.dead_letters("identity").retry(first.id, ANNA)
        await bus.drain()
        assert await effects(databases.get("identity")) == ["1"]
        handler.poison.clear()
        await bus.dead_letters("identity").retry(first.id, ANNA)
        await bus.drain()

        assert await effects(databases.get("identity")) == ["1", "2", "3", "4"]
        assert await letters.list_open() == []
        assert await scalar(databases.get("identity"), "SELECT attempts FROM dead_letter ORDER BY id LIMIT 1") == 3

    async def test_skip_needs_two_different_actors_and_releases_what_waits(self, databases):
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], Poisonable("2"))
        await tell(databases, "1", "2", "3")
        await bus.drain()
        letters = DeadLetters(databases.get("identity"), CLOCK)
        first = (await letters.list_open())[0]

        assert await letters.skip(first.id, ANNA, "duplicate of an older notice") is False
        with pytest.raises(SkipNeedsTwoActors):
            await letters.skip(first.id, ANNA, "again")
        await bus.drain()
        assert await effects(databases.get("identity")) == ["1"]
        assert await letters.skip(first.id, BORIS, "agreed") is True
        await bus.drain()

        assert await effects(databases.get("identity")) == ["1", "3"]
        with pytest.raises(DeadLetterNotFound):
            await letters.retry(first.id, ANNA)
        assert await scalar(databases.get("identity"), "SELECT count(*) FROM audit_event") == 2

    async def test_retry_and_skip_are_refused_without_the_role_a_reason_or_a_known_service(self, databases):
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], Poisonable("1"))
        await tell(databases, "1")
        await bus.drain()
        letters = bus.dead_letters("identity")
        [letter] = await letters.list_all_open()
        administrator = Actor(id=ANNA.id, participant_id=None, roles=frozenset({Role.ADMIN}))

        with pytest.raises(NotPermitted):
            await letters.retry(letter.id, administrator)
        with pytest.raises(NotPermitted):
            await letters.skip(letter.id, administrator, "no")
        for reason in ("", " ", "x" * 501):
            with pytest.raises(SkipReasonRequired):
                await letters.skip(letter.id, ANNA, reason)
        with pytest.raises(ConsumerNotFound):
            bus.dead_letters("registry")
        assert await letters.list_all_open() == [letter]
        assert await scalar(databases.get("identity"), "SELECT count(*) FROM audit_event") == 0

    @pytest.mark.parametrize(
        ("fault", "code"),
        [(InvariantBroken("x"), "invariant_broken"), (KeyError("secret name"), "error:KeyError")],
    )
    async def test_a_fault_of_ours_is_parked_under_its_class_without_its_text(self, databases, fault, code):
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], Poisonable("1", fault=fault))

        await tell(databases, "1")
        await bus.drain()

        [letter] = await DeadLetters(databases.get("identity"), CLOCK).list_open()
        assert letter.code == code

    async def test_a_wrong_statement_of_a_handler_is_its_fault_and_does_not_stop_the_lane(self, databases):
        async def breaks(tx: Transaction, events: list[CloudEvent]) -> None:
            if events[0].data["label"] == "1":
                try:
                    await tx.conn.execute(text("INSERT INTO effect (label) VALUES (NULL)"))
                except DBAPIError:
                    return  # swallowed: the transaction is broken all the same
            await note_effect(tx, events)

        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], breaks)
        await tell(databases, "1", aggregate="a")
        await tell(databases, "2", aggregate="b")
        await bus.drain()

        assert await effects(databases.get("identity")) == ["2"]
        assert len(await DeadLetters(databases.get("identity"), CLOCK).list_open()) == 1

    async def test_what_is_away_for_a_moment_is_tried_again_and_not_parked(self, databases):
        class Flaky(Poisonable):
            async def __call__(self, tx: Transaction, events: list[CloudEvent]) -> None:
                if self.calls >= 3:
                    self.poison.clear()
                await super().__call__(tx, events)

        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], Flaky("1", fault=Unavailable()))
        await tell(databases, "1", "2")
        await bus.drain()

        assert await effects(databases.get("identity")) == ["1", "2"]


async def hears(databases: Databases) -> None:
    """Wait until a running bus listens to the producer's database."""
    listening = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~* '^LISTEN'"
        " AND state = 'idle'"
    )
    await until(lambda: scalar(databases.get("registry"), listening), what="the bus's ear")


class TestRun:
    async def test_an_event_is_delivered_soon_after_its_commit_also_from_another_pool(self, databases):
        bus = EmbeddedBus(databases, CLOCK, poll_interval_s=30)
        bus.subscribe("identity", [TYPE], note_effect)
        running = asyncio.create_task(bus.run())
        await hears(databases)
        stranger = Databases({"registry": Database("registry", databases.get("registry").dsn)})

        try:
            await tell(databases, "own")
            await eventually(databases.get("identity"), ["own"])
            await tell(stranger, "by notify")  # reaches the bus by NOTIFY only
            await eventually(databases.get("identity"), ["own", "by notify"])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await stranger.close()

    async def test_survives_that_all_its_connections_are_cut(self, databases, postgres):
        bus = EmbeddedBus(databases, SystemClock(), poll_interval_s=0.2)
        bus.subscribe("identity", [TYPE], note_effect)
        running = asyncio.create_task(bus.run())
        await tell(databases, "before")
        await eventually(databases.get("identity"), ["before"])

        async with databases.get("disclosure").connect() as conn:
            own = [make_url(databases.get(name).dsn).database for name in ("registry", "identity")]
            await conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(:own)"), {"own": own}
            )
        try:
            await tell_stubbornly(databases, "after")
            await eventually(databases.get("identity"), ["before", "after"])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def tell_stubbornly(databases: Databases, label: str) -> None:
    async def told() -> bool:
        try:
            await tell(databases, label)
        except Unavailable:
            return False
        return True

    await until(told, what="the database")


async def eventually(database: Database, expected: list[str]) -> None:
    async def as_expected() -> bool:
        try:
            return await effects(database) == expected
        except Unavailable:
            return False

    await until(as_expected, what=f"the effects {expected}")


KILLED_RELAY = """
import asyncio, sys
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from kapital.platform.bus import EmbeddedBus
from kapital.platform.database import Database, Databases
async def handler(tx, events):
    for event in events:
        await tx.conn.execute(text("INSERT INTO effect (label) VALUES (:l)"), {"l": event.data["label"]})
        await asyncio.sleep(0.005)
async def main():
    databases = Databases({name: Database(name, dsn) for name, dsn in zip(("registry", "identity"), sys.argv[1:])})
    bus = EmbeddedBus(databases, poll_interval_s=0.05, batch_max=5)
    bus.subscribe("identity", ["kapital.registry.thing_happened.v1"], handler)
    print("up", flush=True)
    await bus.run()
asyncio.run(main())
"""


async def count_of_effects(database: Database, goal: int) -> bool:
    return int(await scalar(database, "SELECT count(*) FROM effect")) >= goal


class TestKill:
    async def test_a_relay_killed_at_any_point_loses_nothing_and_repeats_nothing(self, databases):
        labels = [str(n) for n in range(200)]
        dice = random.Random(20260302)
        await tell(databases, *labels)
        identity = databases.get("identity")

        for kill in range(1, 5):
            relay = subprocess.Popen(  # noqa: ASYNC220 - killed from outside
                [sys.executable, "-W", "ignore", "-c", KILLED_RELAY, databases.get("registry").dsn, identity.dsn],
                stdout=subprocess.PIPE,
            )
            assert relay.stdout is not None
            await asyncio.to_thread(relay.stdout.readline)
            goal = kill * 30 + dice.randrange(10)
            await until(lambda goal=goal: count_of_effects(identity, goal), what=f"{goal} effects")
            await asyncio.sleep(dice.random() * 0.01)  # where in a batch it dies is left to chance
            os.kill(relay.pid, signal.SIGKILL)
            relay.wait()
            relay.stdout.close()
        so_far = await effects(identity)
        assert len(so_far) < 200, "the kills must hit the middle of the work"
        bus = EmbeddedBus(databases, CLOCK)
        bus.subscribe("identity", [TYPE], note_effect)
        await bus.drain()

        assert await effects(identity) == labels


async def test_a_stop_that_meets_a_wake_up_still_stops(databases: Databases) -> None:
    bus = EmbeddedBus(databases, CLOCK, poll_interval_s=60)
    bus.subscribe("identity", [TYPE], note_effect)
    labels: list[str] = []
    for number in range(3):
        running = asyncio.create_task(bus.run())
        await tell(databases, label := f"stop {number}")
        labels.append(label)
        await eventually(databases.get("identity"), labels)
        await hears(databases)
        # The commit wakes the relay, and it is cancelled before it runs.
        databases.get("registry").outbox_written()
        running.cancel()

        done, _ = await asyncio.wait([running], timeout=NEVER_S)

        assert done == {running}
        assert running.cancelled()
