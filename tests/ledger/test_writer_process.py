"""The writer in a process of its own: it may die at any moment, and takes nothing and nobody with it."""

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from kapital.kernel.problems import Problem
from kapital.ledger.adapters import writer_process
from kapital.ledger.adapters.writer_process import WriterFault, WriterLost, WriterProcess
from kapital.ledger.api import Committed, OpenAsset, OpenWallet, Refused, Transaction
from kapital.ledger.service import LedgerService
from kapital.platform.ids import new_uuid7
from tests.faults.conftest import insist, require_each_once
from tests.ledger.conftest import MakeLedger
from tests.ledger.process import read_told, write_orders
from tests.ledger.processes import ROOT, LedgerProcess
from tests.ledger.words import RUB, at, move, top_up, tx

WALLETS = [new_uuid7() for _ in range(4)]
PATIENCE_S = 60


@pytest.fixture
async def ledger(make_ledger: MakeLedger) -> LedgerService:
    made = await make_ledger(writer=WriterProcess)
    await made.post([tx(*(OpenWallet(w) for w in WALLETS))])
    await made.post([tx(*top_up(w, 10**9)) for w in WALLETS])
    return made


def writer_of(ledger: LedgerService) -> int | None:
    """Return the process that writes for a ledger, if one runs."""
    writer = ledger._poster._writer
    assert isinstance(writer, WriterProcess)
    return writer._child and writer._child.process.pid


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(0.002)


def some_move(chance: random.Random) -> Transaction:
    return tx(*move(RUB, *chance.sample(WALLETS, 2), 1))


async def test_a_writer_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(ledger, sql):
    chance, told, untold, stop = random.Random(), {}, [], False

    async def caller() -> None:
        while not stop:
            transaction = some_move(chance)
            try:
                [answer] = await ledger.post([transaction])
            except WriterLost:
                untold.append(transaction)
            else:
                assert isinstance(answer, Committed)
                told[answer.id] = answer.seq

    running = asyncio.gather(*(caller() for _ in range(16)))
    killed = 0
    while killed < 15:
        before = len(told)
        await until(lambda before=before: len(told) > before + chance.randint(0, 40))
        if pid := writer_of(ledger):
            os.kill(pid, signal.SIGKILL)
            killed += 1
            await until(lambda pid=pid: writer_of(ledger) != pid)
    stop = True
    await asyncio.wait_for(running, PATIENCE_S)
    assert untold, "no death came in the middle of a batch"
    for answer in await insist(ledger, untold):
        assert isinstance(answer, Committed)
        told[answer.id] = answer.seq
    await require_each_once(sql, told)
    assert (await ledger.check()).findings == []
    assert sum(await ledger.balances([at(RUB, w) for w in WALLETS])) == len(WALLETS) * 10**9


async def test_a_fault_in_the_writer_is_told_to_the_caller_at_fault_and_to_no_other(ledger, sql):
    calls = [[tx(*move(RUB, WALLETS[0], WALLETS[1], 1))] for _ in range(12)]
    poison = calls[5][0].id
    await sql.execute(
        "CREATE FUNCTION choke() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'choked'; END $$;"
        "CREATE TRIGGER choke BEFORE INSERT ON entry FOR EACH ROW"
        f" WHEN (NEW.id = '{poison}') EXECUTE FUNCTION choke()"
    )
    answers = await asyncio.gather(*(ledger.post(call) for call in calls), return_exceptions=True)
    for number, answer in enumerate(answers):
        if number == 5:
            assert isinstance(answer, Exception)
            assert "choked" in str(answer)
        else:
            assert isinstance(answer, list)
            assert isinstance(answer[0], Committed)
    with pytest.raises(WriterFault, match="choked"):  # alone it is the writer's process that says so
        await ledger.post(calls[5])
    await sql.execute("DROP TRIGGER choke ON entry")
    assert isinstance((await ledger.post(calls[5]))[0], Committed)
    assert (await ledger.check()).findings == []


async def test_a_batch_many_times_longer_than_the_pipe_goes_through(ledger):
    many = [tx(*move(RUB, WALLETS[n % 4], WALLETS[(n + 1) % 4], 1)) for n in range(10_000)]
    answers = await asyncio.wait_for(asyncio.gather(ledger.post(many), ledger.post([some_move(random)])), PATIENCE_S)
    assert [a.seq for a in answers[0]] == list(range(answers[0][0].seq, answers[0][0].seq + 10_000))
    assert isinstance(answers[1][0], Committed)
    assert (await ledger.check()).findings == []


async def test_what_was_refused_by_a_plan_is_looked_up_before_it_is_told(ledger):
    """The first time the money was there; its repeat must not be told that it is spent."""
    spent = tx(*move(RUB, WALLETS[0], WALLETS[1], 10**9))
    [first] = await ledger.post([spent])
    [again] = await ledger.post([spent])
    assert (again.seq, again.replayed) == (first.seq, True)
    [no] = await ledger.post([tx(*move(RUB, WALLETS[0], WALLETS[1], 10**10))])
    assert isinstance(no, Refused)
    assert no.code == "balance_insufficient"


async def test_the_connection_string_is_neither_an_argument_nor_in_the_environment(ledger, database):
    pid = writer_of(ledger)
    process = psutil.Process(pid)
    assert database.dsn not in " ".join([*process.cmdline(), *process.environ().values()])


async def test_the_writer_ends_with_the_ledger_it_belongs_to(ledger):
    pid = writer_of(ledger)
    await ledger.close()
    assert not psutil.pid_exists(pid)


async def test_the_writer_ends_when_the_process_it_belongs_to_is_killed(ledger, database, tmp_path):
    calls = [[some_move(random)] for _ in range(3_000)]
    process = LedgerProcess(database.dsn, write_orders(tmp_path / "orders", calls), tmp_path / "told")
    await asyncio.to_thread(process.ready)
    process.go()
    await until(lambda: len(read_told(process.told)) > 20)
    [writer] = psutil.Process(process.popen.pid).children()
    process.kill()
    await until(lambda: not writer.is_running() or writer.status() == psutil.STATUS_ZOMBIE)


async def test_a_writer_whose_ledger_is_gone_enters_nothing_that_was_refused_since(ledger, database, tmp_path):
    """Its caller asked again elsewhere, as it must, and was refused: nothing may come out of the pipe after that."""
    paid_in, spends = tx(*top_up(WALLETS[0], 10**9)), tx(*move(RUB, WALLETS[0], WALLETS[1], 2 * 10**9))
    orders = write_orders(tmp_path / "orders", [[tx(*top_up(WALLETS[2], 1))], [paid_in], [spends]])
    run = [sys.executable, "-m", "tests.ledger.orphan", database.dsn, str(orders)]
    done = await asyncio.to_thread(subprocess.run, run, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    pid, size = int(done.stdout), await ledger.size()
    try:
        [answer] = await ledger.post([spends])
        assert isinstance(answer, Refused)
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: not psutil.pid_exists(pid))
    [again] = await ledger.post([spends])
    assert isinstance(again, Refused)
    assert await ledger.size() == size


async def test_no_process_can_be_started_is_told_and_the_ledger_writes_all_the_same(make_ledger, monkeypatch):
    def no_more() -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("kapital.ledger.adapters.writer_process._start", no_more)
    ledger = await make_ledger(writer=WriterProcess)
    [answer] = await ledger.post([tx(OpenWallet(WALLETS[0]))])
    assert isinstance(answer, Committed)


def test_a_process_that_cannot_be_started_keeps_no_descriptor():
    limits, filler = resource.getrlimit(resource.RLIMIT_NOFILE), []

    def fill() -> int:
        """Take all descriptors there are; return how many."""
        before = len(filler)
        with suppress(OSError):
            while True:
                filler.append(os.dup(0))
        return len(filler) - before

    resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
    try:
        fill()
        for free in range(6):  # two pipes and one of the starting itself want six
            for _ in range(free):
                os.close(filler.pop())
            with pytest.raises(OSError, match="Too many open files"):
                writer_process._start()
            assert fill() == free
    finally:
        for descriptor in filler:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_writer_that_cannot_live_costs_no_call_and_the_ledger_writes_all_the_same(make_ledger, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    ledger = await make_ledger(writer=WriterProcess)
    for _ in range(3):
        [answer] = await ledger.post([tx(OpenWallet(new_uuid7()))])
        assert isinstance(answer, Committed)
    monkeypatch.delenv("PYTHONHOME")
    await ledger.post([tx(OpenWallet(new_uuid7()))])
    assert writer_of(ledger)


async def test_the_writer_takes_no_module_from_the_folder_it_is_started_in(make_ledger, tmp_path, monkeypatch):
    (tmp_path / "msgspec.py").write_text("open('taken', 'w').close()")
    monkeypatch.chdir(tmp_path)
    ledger = await make_ledger(writer=WriterProcess)
    assert isinstance((await ledger.post([tx(OpenWallet(WALLETS[0]))]))[0], Committed)
    assert writer_of(ledger)
    assert not (tmp_path / "taken").exists()


async def test_a_writer_that_is_closed_while_it_starts_is_not_left_behind():
    writer = WriterProcess("postgresql://nobody@localhost:1/nothing")
    before = psutil.Process().children()
    starting = asyncio.create_task(writer.ready())
    await asyncio.sleep(0)
    await writer.close()
    with pytest.raises(WriterLost):
        await starting
    assert psutil.Process().children() == before


async def test_the_writer_knows_no_secret_of_the_settings_and_no_signal_of_the_group(make_ledger, monkeypatch):
    monkeypatch.setenv("KAPITAL_CUSTODY_PASSPHRASE", "correct horse battery")
    ledger = await make_ledger(writer=WriterProcess)
    pid = writer_of(ledger)
    assert "correct horse battery" not in psutil.Process(pid).environ().values()
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    await ledger.post([tx(OpenWallet(new_uuid7()))])
    assert writer_of(ledger) == pid


@pytest.mark.parametrize("kind", ["bogus", 2**70], ids=["not to be read", "not to be sent"])
async def test_a_batch_that_does_not_fit_the_pipe_fails_its_own_caller_only(ledger, kind):
    calls = [[some_move(random)] for _ in range(12)]
    calls[5] = [tx(OpenAsset(new_uuid7(), kind, "UNITS-1", 0))]
    pid, size = writer_of(ledger), await ledger.size()
    answers = await asyncio.gather(*(ledger.post(call) for call in calls), return_exceptions=True)
    for number, answer in enumerate(answers):
        if number == 5:
            assert isinstance(answer, Exception)
            assert not isinstance(answer, Problem)
        else:
            assert isinstance(answer, list)
            assert isinstance(answer[0], Committed)
    with pytest.raises(WriterFault):
        await ledger.post(calls[5])
    assert writer_of(ledger) == pid
    assert await ledger.size() == size + 11
    assert (await ledger.check()).findings == []


async def test_a_writer_that_is_stopped_and_answers_nothing_is_given_up(ledger, sql, monkeypatch):
    monkeypatch.setattr("kapital.ledger.adapters.writer_process._ANSWER_S", 0.2)
    pid = writer_of(ledger)
    os.kill(pid, signal.SIGSTOP)
    held = some_move(random)
    with pytest.raises(WriterLost):
        await asyncio.wait_for(ledger.post([held]), PATIENCE_S)
    assert not psutil.pid_exists(pid)
    [answer] = await insist(ledger, [held])
    assert isinstance(answer, Committed)
    await require_each_once(sql, {answer.id: answer.seq})
