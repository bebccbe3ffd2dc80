"""Unit of work: together or not at all; one key, one effect."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kapital.kernel.actor import Actor
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.platform.audit import json_text
from kapital.platform.clock import SteppedClock
from kapital.platform.context import bind_context
from kapital.platform.database import Database
from kapital.platform.events import Event
from kapital.platform.problems import DatabaseBusy, DatabaseUnavailable, IdempotencyKeyReused, StorageFull, problem_of
from kapital.platform.unit_of_work import UnitOfWork, fingerprint

BANK = Actor(id="machine:bank", participant_id=None, roles=frozenset({Role.BANK}))
OTHER = Actor(id="machine:scheduler", participant_id=None, roles=frozenset({Role.SCHEDULER}))
CLOCK = SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


def event(n: int, aggregate: str = "a") -> Event:
    return Event(type="kapital.registry.thing_happened.v1", aggregate_id=aggregate, data={"n": n})


async def rows(database: Database, sql: str) -> list[Any]:
    async with database.connect() as conn:
        return list(await conn.execute(text(sql)))


class TestTogether:
    async def test_state_event_audit_and_reply_are_all_there_after_commit(self, make_database):
        database = await make_database("registry")

        with bind_context(correlation_id="corr-1", causation_id="cause-1"):
            async with UnitOfWork(database, CLOCK).begin() as tx:
                assert await tx.replies.find("k", BANK, "f") is None
                await tx.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))
                await tx.outbox.add(event(1), event(2))
                await tx.audit.append("registry.thing_happened", "a", BANK, {"rule": "r1"}, None, json_text({"n": 2}))
                await tx.replies.keep("k", BANK, "f", b"done")

        assert len(await rows(database, "SELECT 1 FROM effect")) == 1
        kept = await rows(database, "SELECT data, correlation_id, causation_id, occurred_at FROM outbox ORDER BY id")
        assert [row.data["n"] for row in kept] == [1, 2]
        assert {(row.correlation_id, row.causation_id) for row in kept} == {("corr-1", "cause-1")}
        assert all(row.occurred_at.year == 2026 and row.occurred_at.month == 3 for row in kept)
        [audit] = await rows(database, "SELECT * FROM audit_event")
        assert (audit.actor_id, audit.basis, audit.before, audit.after) == (BANK.id, {"rule": "r1"}, None, {"n": 2})

    async def test_nothing_is_there_after_an_exception(self, make_database):
        database = await make_database("registry")

        with pytest.raises(RuntimeError):  # noqa: PT012 - the block is the use case
            async with UnitOfWork(database, CLOCK).begin() as tx:
                await tx.replies.find("k", BANK, "f")
                await tx.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))
                await tx.outbox.add(event(1))
                await tx.audit.append("registry.thing_happened", "a", BANK)
                await tx.replies.keep("k", BANK, "f", b"done")
                raise RuntimeError

        for table in ("effect", "outbox", "audit_event", "reply"):
            assert await rows(database, f"SELECT 1 FROM {table}") == []

    async def test_a_service_cannot_publish_in_the_name_of_another(self, make_database):
        database = await make_database("identity")

        with pytest.raises(InvariantBroken):
            async with UnitOfWork(database, CLOCK).begin() as tx:
                await tx.outbox.add(event(1))

    @pytest.mark.parametrize(
        "statement", ["DELETE FROM audit_event", "UPDATE audit_event SET action = ''", "TRUNCATE audit_event"]
    )
    async def test_the_audit_trail_cannot_be_changed(self, make_database, statement):
        database = await make_database("registry")
        async with UnitOfWork(database, CLOCK).begin() as tx:
            await tx.audit.append("registry.thing_happened", "a", BANK)

        with pytest.raises(Exception, match="append-only"):
            async with UnitOfWork(database, CLOCK).begin() as tx:
                await tx.conn.execute(text(statement))

        assert len(await rows(database, "SELECT 1 FROM audit_event")) == 1


class TestReplies:
    async def test_a_repeated_command_gets_the_kept_answer(self, make_database):
        uow = UnitOfWork(await make_database("registry"), CLOCK)
        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") is None
            await tx.replies.keep("k", BANK, "f", b"first")

        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") == b"first"

    async def test_the_same_key_with_other_content_is_refused(self, make_database):
        uow = UnitOfWork(await make_database("registry"), CLOCK)
        async with uow.begin() as tx:
            await tx.replies.find("k", BANK, "f")
            await tx.replies.keep("k", BANK, "f", b"first")

        with pytest.raises(IdempotencyKeyReused):
            async with uow.begin() as tx:
                await tx.replies.find("k", BANK, "g")

    async def test_another_actor_with_the_same_key_sees_nothing(self, make_database):
        uow = UnitOfWork(await make_database("registry"), CLOCK)
        async with uow.begin() as tx:
            await tx.replies.find("k", BANK, "f")
            await tx.replies.keep("k", BANK, "f", b"first")

        async with uow.begin() as tx:
            assert await tx.replies.find("k", OTHER, "f") is None

    async def test_of_twenty_first_uses_at_once_one_has_the_effect(self, make_database):
        database = await make_database("registry", pool_size=10)
        uow = UnitOfWork(database, CLOCK)

        async def command() -> bytes:
            async with uow.begin() as tx:
                if (earlier := await tx.replies.find("k", BANK, "f")) is not None:
                    return earlier
                await tx.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))
                await asyncio.sleep(0.05)
                [[n]] = await tx.conn.execute(text("SELECT max(n) FROM effect"))
                await tx.replies.keep("k", BANK, "f", str(n).encode())
                return str(n).encode()

        answers = await asyncio.gather(*(command() for _ in range(20)))

        assert len(await rows(database, "SELECT 1 FROM effect")) == 1
        assert len(set(answers)) == 1

    async def test_when_the_first_use_rolls_back_a_waiting_one_does_the_work(self, make_database):
        uow = UnitOfWork(await make_database("registry"), CLOCK)
        inside = asyncio.Event()

        async def fails() -> None:
            async with uow.begin() as tx:
                await tx.replies.find("k", BANK, "f")
                inside.set()
                await asyncio.sleep(0.1)
                raise RuntimeError

        failing = asyncio.create_task(fails())
        await inside.wait()
        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") is None
            await tx.replies.keep("k", BANK, "f", b"second")

        with pytest.raises(RuntimeError):
            await failing
        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") == b"second"

    async def test_work_in_steps_that_broke_off_is_gone_on_with(self, make_database):
        uow = UnitOfWork(await make_database("registry"), CLOCK)
        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") is None

        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") is None
            await tx.replies.keep("k", BANK, "f", b"late")

        async with uow.begin() as tx:
            assert await tx.replies.find("k", BANK, "f") == b"late"


@dataclass(frozen=True, kw_only=True)
class Ask:
    command_id: str
    actor: Actor
    amount_kopecks: int
    tags: frozenset[str] = frozenset()


class TestFingerprint:
    def test_depends_on_content_and_not_on_who_or_which_try(self):
        one = Ask(command_id="1", actor=BANK, amount_kopecks=5, tags=frozenset({"a", "b", "c"}))
        same = Ask(command_id="2", actor=OTHER, amount_kopecks=5, tags=frozenset({"c", "b", "a"}))
        other = Ask(command_id="1", actor=BANK, amount_kopecks=6)

        assert fingerprint(one) == fingerprint(same) != fingerprint(other)


class TestFailuresOfTheWorld:
    async def test_a_server_that_is_away_is_database_unavailable(self):
        database = Database("registry", "postgresql://u@127.0.0.1:1/x")

        with pytest.raises(DatabaseUnavailable):
            async with UnitOfWork(database, CLOCK).begin():
                pass
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        await database.close()

    async def test_a_session_killed_in_the_middle_is_database_unavailable(self, make_database):
        database = await make_database("registry")

        with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - the block is the use case
            async with UnitOfWork(database, CLOCK).begin() as tx:
                [[pid]] = await tx.conn.execute(text("SELECT pg_backend_pid()"))
                async with UnitOfWork(database, CLOCK).begin() as other:
                    await other.conn.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
                await tx.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))

        assert await rows(database, "SELECT 1 FROM effect") == []

    async def test_a_lock_that_is_not_given_is_database_busy(self, make_database):
        database = await make_database("registry")
        async with UnitOfWork(database, CLOCK).begin() as tx:
            await tx.conn.execute(text("LOCK effect"))
            with pytest.raises(DatabaseBusy):  # noqa: PT012 - the block is the use case
                async with UnitOfWork(database, CLOCK).begin() as other:
                    await other.conn.execute(text("SET LOCAL lock_timeout = '50ms'"))
                    await other.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))

    async def test_a_full_disk_is_storage_full(self, make_database):
        database = await make_database("registry")

        with pytest.raises(StorageFull):
            async with UnitOfWork(database, CLOCK).begin() as tx:
                await tx.conn.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"))

    async def test_a_connection_that_is_lost_is_the_worlds_fault_and_a_misuse_of_one_is_ours(self, make_database):
        database = await make_database("registry")
        conn = await asyncpg.connect(database.dsn)
        with pytest.raises(asyncpg.InterfaceError) as arguments:
            await conn.fetch("SELECT $1::int", 1, 2)
        slow = asyncio.create_task(conn.fetch("SELECT pg_sleep(600)"))
        await asyncio.sleep(0)
        with pytest.raises(asyncpg.InterfaceError) as two_at_once:
            await conn.fetch("SELECT 1")
        conn.terminate()
        with pytest.raises(asyncpg.PostgresConnectionError) as lost:
            await slow
        with pytest.raises(asyncpg.InterfaceError) as closed:
            await conn.fetch("SELECT 1")

        assert [problem_of(caught.value) for caught in (arguments, two_at_once)] == [None, None]
        assert [type(problem_of(caught.value)) for caught in (lost, closed)] == [DatabaseUnavailable] * 2
        out_of_step = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
        assert type(problem_of(out_of_step)) is DatabaseUnavailable

    async def test_a_broken_constraint_is_our_fault_and_not_the_worlds(self, make_database):
        database = await make_database("registry")

        with pytest.raises(IntegrityError) as caught:
            async with UnitOfWork(database, CLOCK).begin() as tx:
                await tx.conn.execute(text("INSERT INTO effect (label) VALUES (NULL)"))

        assert problem_of(caught.value) is None
