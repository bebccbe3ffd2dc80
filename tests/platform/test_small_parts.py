"""Clock, batcher, objects, logs, settings, events, migrations: each keeps its promise."""

import asyncio
import json
import logging as std_logging
import sqlite3
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.kernel.problems import InvariantBroken, Problem, Unavailable
from kapital.platform import logging as kapital_logging
from kapital.platform import small_objects
from kapital.platform.batcher import Batcher
from kapital.platform.clock import SteppedClock, SystemClock
from kapital.platform.context import bind_context
from kapital.platform.database import Database, dsn_for
from kapital.platform.events import CloudEvent, Event
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import UnknownLogField, configure_logging, get_logger
from kapital.platform.objects import ObjectStore
from kapital.platform.problems import DatabaseBusy, ObjectNotFound, ObjectTooLarge
from kapital.platform.settings import Settings, UnknownVariable
from kapital.platform.small_objects import SMALL_BYTES_MAX, SmallObjects
from kapital.platform.telemetry import REGISTRY, use_case
from kapital.platform.threads import WorkThreads
from tests.waiting import until

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class TestClock:
    def test_steps_ahead_ticks_on_and_never_goes_back(self):
        clock = SteppedClock(START)
        before = clock.now()

        assert before >= START
        assert clock.advance(timedelta(days=30)) >= before + timedelta(days=30)
        assert clock.set(START + timedelta(days=60)) >= START + timedelta(days=60)
        for back in (lambda: clock.set(START), lambda: clock.advance(timedelta(seconds=-1))):
            with pytest.raises(ValueError, match="go back"):
                back()
        assert clock.now() < clock.now() + timedelta(microseconds=1)

    def test_naive_instants_are_refused(self):
        with pytest.raises(ValueError, match="aware"):
            SteppedClock(datetime(2026, 3, 2))  # noqa: DTZ001 - that is what is refused

    def test_the_system_clock_is_utc(self):
        assert SystemClock().now().utcoffset() == timedelta(0)


def test_new_ids_are_version_7_distinct_and_grow():
    ids = [new_uuid7() for _ in range(1000)]

    assert {one.version for one in ids} == {7}
    assert ids == sorted(set(ids))


class TestBatcher:
    async def test_who_comes_while_a_batch_runs_shares_the_next_and_all_get_their_own_answer(self):
        sizes = []
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def run(items):
            sizes.append(len(items))
            begun.set()
            await may_end.wait()
            return [item * 2 for item in items]

        batcher = Batcher(run, size_max=40, overfull=DatabaseBusy)
        first = asyncio.create_task(batcher.submit(0))
        await begun.wait()
        others = [asyncio.create_task(batcher.submit(n)) for n in range(1, 101)]
        await asyncio.sleep(0)  # each has asked
        may_end.set()
        answers = await asyncio.gather(*others)

        assert await first == 0
        assert answers == [n * 2 for n in range(1, 101)]
        assert sizes == [1, 40, 40, 20]

    async def test_a_failed_batch_fails_its_own_callers_and_no_others(self):
        async def run(items):
            await asyncio.sleep(0)
            if "bad" in items:
                raise DatabaseBusy
            return items

        batcher = Batcher(run, overfull=DatabaseBusy)

        with pytest.raises(DatabaseBusy):
            await batcher.submit("bad")
        assert await batcher.submit("good") == "good"

    async def test_a_caller_that_gives_up_does_not_stop_the_batch(self):
        done = []
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def run(items):
            begun.set()
            await may_end.wait()
            done.extend(items)
            return items

        batcher = Batcher(run, overfull=DatabaseBusy)
        caller = asyncio.create_task(batcher.submit("x"))
        await begun.wait()
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        may_end.set()
        await batcher.close()

        assert done == ["x"]

    async def test_who_was_just_answered_joins_the_next_batch(self):
        batches = []

        async def run(items):
            batches.append(len(items))
            await asyncio.sleep(0.2)
            return items

        batcher = Batcher(run, gather=1.0, overfull=DatabaseBusy)

        async def ask_again_and_again(pause_s):
            for n in range(5):
                assert await batcher.submit(n) == n
                await asyncio.sleep(pause_s)

        await asyncio.gather(*(ask_again_and_again(n / 1000) for n in range(4)))

        assert sum(batches) == 20
        assert batches.count(4) >= 3  # without waiting the first to come again would go alone each time

    async def test_who_does_not_come_again_holds_nobody_up_for_ever(self):
        async def run(items):
            return items

        batcher = Batcher(run, gather=1.0, overfull=DatabaseBusy)
        await batcher.submit_many([1, 2, 3])

        for n in range(20):  # a worker that has just ended takes nothing: another must begin
            assert await batcher.submit(n) == n

    async def test_a_batch_that_is_not_answered_item_by_item_is_a_fault(self):
        async def run(items):
            return items[1:]

        with pytest.raises(InvariantBroken):
            await Batcher(run, overfull=DatabaseBusy).submit_many([1, 2])

    async def test_too_many_waiting_are_refused(self):
        async def run(items):
            return items

        with pytest.raises(DatabaseBusy):
            await Batcher(run, waiting_max=2, overfull=DatabaseBusy).submit_many([1, 2, 3])


class TestObjects:
    async def test_the_same_bytes_have_the_same_key_and_come_back(self, tmp_path):
        store = ObjectStore(tmp_path)

        key = await store.put(b"decision")

        assert key == await store.put(b"decision")
        assert await store.get(key) == b"decision"
        assert await store.get(await store.put(b"")) == b""

    async def test_changed_bytes_on_the_disk_are_noticed(self, tmp_path):
        store = ObjectStore(tmp_path)
        key = await store.put(b"decision" * SMALL_BYTES_MAX)
        [kept] = tmp_path.rglob(key)
        kept.write_bytes(b"Decision" * SMALL_BYTES_MAX)

        with pytest.raises(InvariantBroken):
            await store.get(key)

    async def test_absent_and_too_large_objects_are_refused(self, tmp_path):
        store = ObjectStore(tmp_path, size_max=3)

        with pytest.raises(ObjectNotFound):
            await store.get("0" * 64)
        with pytest.raises(ObjectTooLarge):
            await store.put(b"four")
        with pytest.raises(InvariantBroken):
            await store.get("../../etc/passwd")

    async def test_what_comes_together_is_kept_together_small_and_large(self, tmp_path):
        store = ObjectStore(tmp_path)
        small, large = [b"%d" % n for n in range(50)], b"x" * (SMALL_BYTES_MAX + 1)

        keys = await asyncio.gather(*map(store.put, [*small, large, small[0]]))

        assert [await store.get(key) for key in keys] == [*small, large, small[0]]
        assert [await ObjectStore(tmp_path).get(key) for key in keys[:50]] == small
        assert len(list(tmp_path.rglob(keys[50]))) == 1
        assert [list(tmp_path.rglob(key)) for key in keys[:50]] == [[]] * 50

    async def test_a_small_object_changed_in_its_file_is_noticed(self, tmp_path):
        store = ObjectStore(tmp_path)
        key = await store.put(b"decision")
        with sqlite3.connect(tmp_path / "small.sqlite3") as other:
            other.execute("UPDATE object SET content = ?", (b"Decision",))
        other.close()

        with pytest.raises(InvariantBroken):
            await store.get(key)

    async def test_a_commit_of_small_objects_waits_for_the_disk(self, tmp_path):
        store = SmallObjects(tmp_path / "small.sqlite3")
        store.put([("00" * 32, b"x")])
        connection = store._connection

        assert connection is not None
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL

    async def test_another_process_that_writes_is_waited_for_and_a_held_file_is_busy(self, tmp_path, monkeypatch):
        monkeypatch.setattr(small_objects, "_BUSY_S", 0.05)
        store = ObjectStore(tmp_path)
        await store.put(b"first")
        other = sqlite3.connect(tmp_path / "small.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(DatabaseBusy):
            await store.put(b"second")
        other.execute("ROLLBACK")
        other.close()
        assert await store.get(await store.put(b"second")) == b"second"


class TestThreads:
    async def test_each_call_gets_its_own_answer_or_fault(self):
        threads = WorkThreads(2)

        def work(n, *, twice):
            if n == 7:
                raise ValueError(n)
            return n * 2 if twice else n

        done = await asyncio.gather(*(threads.call(work, n, twice=True) for n in range(200)), return_exceptions=True)

        assert [answer for answer in done if not isinstance(answer, ValueError)] == [
            n * 2 for n in range(200) if n != 7
        ]
        assert isinstance(done[7], ValueError)

    async def test_many_items_are_answered_in_order_in_a_few_calls(self):
        threads, taken = WorkThreads(2), []

        def work(n):
            taken.append(n)
            return n * 2

        assert await threads.call_each(work, range(200)) == [n * 2 for n in range(200)]
        assert await threads.call_each(work, []) == []
        assert sorted(taken) == list(range(200))
        with pytest.raises(ZeroDivisionError):
            await threads.call_each(lambda n: 1 // n, [1, 0, 2])
        threads.close()

    async def test_threads_end_when_they_are_told_and_nothing_waits(self):
        threads, before = WorkThreads(2), threading.active_count()
        assert await threads.call(int, "5") == 5
        assert threading.active_count() > before

        threads.close()

        await until(lambda: threading.active_count() == before, what="the end of the threads")
        with pytest.raises(InvariantBroken):
            await threads.call(int, "5")

    async def test_a_caller_that_gives_up_stops_neither_its_call_nor_the_others(self):
        threads, may_end, seen = WorkThreads(1), threading.Event(), []

        def work(n):
            may_end.wait()
            seen.append(n)
            return n

        calls = [asyncio.create_task(threads.call(work, n)) for n in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        may_end.set()

        assert (await calls[0], await calls[2]) == (0, 2)
        assert seen == [0, 1, 2]


class TestLogs:
    def test_a_line_is_json_with_the_bound_ids(self, capsys):
        with bind_context(correlation_id="c-1", actor_id="machine:bank"):
            get_logger("registry").info("registry.wallet_opened", wallet_id="w")

        line = json.loads(capsys.readouterr().err)
        assert line | {"timestamp": ""} == {
            "event": "registry.wallet_opened",
            "component": "registry",
            "level": "info",
            "wallet_id": "w",
            "correlation_id": "c-1",
            "actor_id": "machine:bank",
            "timestamp": "",
        }

    def test_an_unknown_field_fails_in_tests_and_is_dropped_in_production(self, capsys):
        with pytest.raises(UnknownLogField, match="passport"):
            get_logger("x").info("x.happened", passport="4509 000000")
        configure_logging(strict=False)
        try:
            get_logger("x").info("x.happened", passport="4509 000000")
        finally:
            configure_logging(strict=True)

        assert "4509" not in capsys.readouterr().err

    def test_an_exception_is_told_by_class_and_place_without_its_words(self, capsys):
        try:
            raise KeyError("Иванов Иван")
        except KeyError:
            get_logger("x").error("x.failed", exc_info=True)
            std_logging.getLogger("library").exception("failed for %s", "Иванов Иван")

        said = capsys.readouterr().err
        assert "Иванов" not in said
        assert "\\u0418" not in said
        assert said.count("KeyError") == 2

    def test_the_list_has_no_field_for_personal_data(self):
        assert (
            not {"name_of_person", "inn", "passport", "phone", "email", "body", "token"}
            & kapital_logging.ALLOWED_FIELDS
        )


class TestSettings:
    def test_the_environment_wins_over_the_file_and_a_typing_error_is_refused(self, tmp_path, monkeypatch):
        file = tmp_path / "kapital.toml"
        file.write_text('port = 9000\noperator_name = "From file"\n')
        monkeypatch.setenv("KAPITAL_CONFIG", str(file))
        monkeypatch.setenv("KAPITAL_PORT", "9001")

        assert (Settings().port, Settings().operator_name) == (9001, "From file")
        file.write_text("prot = 9000\n")
        with pytest.raises(ValueError, match="prot"):
            Settings()
        monkeypatch.setenv("KAPITAL_CONFIG", str(tmp_path / "absent.toml"))
        with pytest.raises(FileNotFoundError):
            Settings()

    @pytest.mark.parametrize("name", ["KAPITAL_DATADIR", "kapital_data_dri"])
    def test_a_variable_that_nobody_reads_is_refused_and_the_nearest_named(self, name, monkeypatch):
        monkeypatch.setenv(name, "/srv/kapital")
        with pytest.raises(UnknownVariable, match=f"{name} is no setting; the nearest is KAPITAL_DATA_DIR"):
            Settings()

    def test_variables_of_the_house_that_are_no_settings_stop_nothing(self, monkeypatch):
        for name in ("KAPITAL_ACCESS_TOKEN", "KAPITAL_REQUIRE_ALL", "KAPITAL_TEST_SEED"):
            monkeypatch.setenv(name, "1")
        monkeypatch.setenv("kapital_port", "9002")

        assert Settings().port == 9002

    @pytest.mark.parametrize("bad", [{"port": 0}, {"database_url": "mysql://x"}, {"log_level": "LOUD"}])
    def test_bad_values_are_refused(self, bad):
        with pytest.raises(ValueError, match="validation error"):
            Settings(**bad)


class TestEvents:
    @pytest.mark.parametrize(
        "bad", ["wallet_opened", "kapital.Registry.x.v1", "kapital.registry.x", "kapital.registry.x.v0"]
    )
    def test_a_malformed_type_is_our_fault(self, bad):
        with pytest.raises(InvariantBroken):
            Event(type=bad, aggregate_id="a", data={})

    def test_the_envelope_has_the_required_attributes_of_cloudevents(self):
        event = CloudEvent(
            id=UUID(int=1),
            source="/kapital/registry",
            type="kapital.registry.x.v1",
            subject="a",
            time=START,
            data={},
            correlationid="c",
        )

        body = json.loads(event.to_json())

        assert {"id", "source", "type", "specversion"} <= body.keys()
        assert (body["specversion"], body["datacontenttype"], event.producer) == (
            "1.0",
            "application/json",
            "registry",
        )


class TestUseCase:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [(None, "done"), (DatabaseBusy(), "unavailable"), (ObjectNotFound(), "refused"), (ValueError(), "broken")],
    )
    async def test_each_end_is_counted_and_told_once(self, capsys, error, outcome):
        name = f"test.{outcome}"
        with suppress(Problem, ValueError):
            async with use_case(name):
                if error is not None:
                    raise error

        code = getattr(error, "code", type(error).__name__ if error else "")
        labels = {"name": name, "outcome": outcome, "code": code}
        assert REGISTRY.get_sample_value("kapital_use_case_total", labels) == 1
        line = json.loads(capsys.readouterr().err)
        assert (line["event"], line["outcome"], line["code"]) == ("use_case.finished", outcome, code)
        assert isinstance(error, Unavailable) == (line["level"] == "warning")


class TestMigrations:
    async def test_two_processes_may_migrate_at_once_and_again(self, postgres):
        name = f"migrate_{new_uuid7().hex}"
        server = Database("server", postgres.dsn())
        async with server.engine.connect() as conn:
            await (await conn.execution_options(isolation_level="AUTOCOMMIT")).execute(
                text(f'CREATE DATABASE "{name}"')
            )
        copies = [Database("registry", dsn_for(postgres.dsn(), name)) for _ in range(3)]

        await asyncio.gather(*(copy.migrate("tests.platform.migrations") for copy in copies))
        await copies[0].migrate("tests.platform.migrations")

        async with copies[0].connect() as conn:
            assert (await conn.execute(text("SELECT version_num FROM alembic_version"))).scalars().all() == ["0001"]
            assert (await conn.execute(text("SHOW lock_timeout"))).scalar_one() == "10s"
        for database in (*copies, server):
            await database.close()

    async def test_a_failed_revision_leaves_nothing_behind(self, make_database, tmp_path, monkeypatch):
        database = await make_database("registry")
        package = tmp_path / "broken_migrations"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "0001_old.py").write_text("revision = '0001'\ndown_revision = None\ndef upgrade(): pass\n")
        (package / "0002_bad.py").write_text(
            "from alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
            "def upgrade():\n    op.execute('CREATE TABLE half (n int)')\n    op.execute('SELECT 1/0')\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))

        with pytest.raises(Exception, match="division by zero"):
            await database.migrate("broken_migrations")

        async with database.connect() as conn:
            assert (await conn.execute(text("SELECT to_regclass('half') IS NULL"))).scalar_one()
            assert (await conn.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "0001"
