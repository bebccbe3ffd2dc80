"""The database goes away in the middle, or any one statement of a batch fails: told as such, nothing half done."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from kapital.kernel.problems import Problem, Unavailable
from kapital.ledger.adapters.writer import WriterHere
from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import Committed, OpenWallet, SetFlags, Transaction
from kapital.ledger.service import LedgerService
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from tests.faults.conftest import insist, require_each_once
from tests.ledger.words import RESERVED, RUB, at, issue, move, top_up, tx, units
from tests.waiting import NEVER_S, until

WALLETS = [new_uuid7() for _ in range(4)]


async def opened(ledger: LedgerService) -> None:
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS))])
    await ledger.post([tx(*top_up(w, 10**9)) for w in WALLETS])


class Callers:
    """Callers that post one transaction after another and remember what they were told."""

    def __init__(self, ledger: LedgerService) -> None:
        self.ledger, self.stop = ledger, False
        self.told: dict[Any, int] = {}
        self.untold: list[Transaction] = []
        self.failures: list[Problem] = []

    async def run(self, count: int) -> None:
        await asyncio.gather(*(self._one() for _ in range(count)))

    async def _one(self) -> None:
        while not self.stop:
            one, two = random.sample(WALLETS, 2)
            transaction = tx(*move(RUB, one, two, 1))
            try:
                [answer] = await self.ledger.post([transaction])
            except Unavailable as problem:
                self.failures.append(problem)
                self.untold.append(transaction)
                await asyncio.sleep(0.01)
            else:
                assert isinstance(answer, Committed), answer
                self.told[answer.id] = answer.seq

    async def told_more(self, count: int = 50) -> None:
        """Wait until so many more of them were answered."""
        goal = len(self.told) + count
        await until(lambda: len(self.told) >= goal, what="the callers' answers")

    async def settle(self, dsn: str) -> None:
        """Ask again what was not answered; then each is there once, under its number, and all is in order."""
        for start in range(0, len(self.untold), 500):
            for answer in await insist(self.ledger, self.untold[start : start + 500]):
                assert isinstance(answer, Committed), answer
                self.told[answer.id] = answer.seq
        connection = await asyncpg.connect(dsn)
        try:
            await require_each_once(connection, self.told)
        finally:
            await connection.close()
        assert (await self.ledger.check()).findings == []
        assert sum(await self.ledger.balances([at(RUB, w) for w in WALLETS])) == len(WALLETS) * 10**9


async def refusal_of_reading(ledger: LedgerService) -> Unavailable:
    """Read until the database is found to be away."""
    async with asyncio.timeout(NEVER_S):
        while True:
            try:
                await ledger.balances([at(RUB, WALLETS[0])])
            except Unavailable as problem:
                return problem
            await asyncio.sleep(0.01)


async def test_a_server_that_is_killed_and_comes_back_is_used_again_by_the_same_process(
    own_server, own_database, own_ledger
):
    await opened(own_ledger)
    callers = Callers(own_ledger)
    running = asyncio.create_task(callers.run(16))
    for _ in range(2):
        await callers.told_more()
        failed = len(callers.failures)
        os.kill(own_server.postmaster_pid(), signal.SIGKILL)
        # Its sessions end by themselves, each when it sees that the postmaster is gone.
        await until(lambda seen=failed: len(callers.failures) > seen, what="a writer's failure")
        away = await refusal_of_reading(own_ledger)
        assert away.code == "database_unavailable"
        await asyncio.to_thread(own_server.start)
        await insist(own_ledger, [tx(*move(RUB, WALLETS[0], WALLETS[1], 1))])
    await callers.told_more()
    callers.stop = True
    await running
    assert {p.code for p in callers.failures} == {"database_unavailable"}
    await callers.settle(own_database.dsn)


@pytest.mark.parametrize("writer", [WriterHere, WriterProcess])
async def test_a_writer_whose_session_is_cut_off_again_and_again_loses_nothing(
    make_ledger, database: Database, sql, writer
):
    ledger = await make_ledger(writer=writer)
    await opened(ledger)
    callers = Callers(ledger)
    running = asyncio.create_task(callers.run(16))
    cut = 0
    while cut < 20 or not callers.failures:
        await callers.told_more(random.randint(1, 20))
        cut += await sql.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    callers.stop = True
    await running
    assert {p.code for p in callers.failures} == {"database_unavailable"}
    await callers.settle(database.dsn)


class Trap:
    """Breaks the n-th call on any connection, before it is sent or after it was done (its answer is lost)."""

    METHODS = ("execute", "fetch", "fetchrow", "fetchval", "copy_records_to_table", "copy_to_table")

    def __init__(self, patched: pytest.MonkeyPatch, error: Callable[[], Exception], at: int, *, after: bool) -> None:
        self.left, self.error, self.after, self.sprung = at, error, after, ""
        for name in self.METHODS:
            patched.setattr(asyncpg.Connection, name, self._wrapped(name, getattr(asyncpg.Connection, name)))

    def _wrapped(self, name: str, real: Any) -> Any:
        async def call(connection: Any, *args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left:
                return await real(connection, *args, **kwargs)
            self.sprung = f"{name} {args[0]!s:.30}"
            if self.after:
                await real(connection, *args, **kwargs)
            raise self.error()

        return call


ERRORS: list[tuple[str, Callable[[], Exception]]] = [
    ("database_unavailable", lambda: ConnectionResetError("gone")),
    ("storage_full", lambda: asyncpg.DiskFullError("no space left")),
    ("database_busy", lambda: asyncpg.DeadlockDetectedError("deadlock")),
    ("", lambda: RuntimeError("a fault of our own")),
]


@pytest.mark.parametrize("after", [False, True], ids=["not sent", "answer lost"])
@pytest.mark.parametrize(("code", "error"), ERRORS, ids=[code or "own fault" for code, _ in ERRORS])
async def test_each_statement_of_a_batch_may_fail_and_the_ledger_goes_on(make_ledger, sql, code, error, after):
    ledger = await make_ledger()
    await opened(ledger)
    sprung: set[str] = set()
    for number in range(1, 60):
        wallet, asset = new_uuid7(), new_uuid7()
        batch = [
            tx(OpenWallet(wallet), units(asset)),
            tx(*issue(asset, wallet, 5), *move(RUB, WALLETS[0], wallet, 7)),
            tx(*move(RUB, wallet, WALLETS[1], 3), SetFlags(at(RUB, wallet, RESERVED), True, False)),
        ]
        before = await ledger.size()
        with pytest.MonkeyPatch.context() as patched:
            trap = Trap(patched, error, number, after=after)
            try:
                await ledger.post(batch)
                problem: Exception | None = None
            except (Unavailable, RuntimeError) as told:
                problem = told
        if problem is not None:
            assert getattr(problem, "code", "") == code, trap.sprung
            assert await ledger.size() - before in (0, 3)
            assert after or await ledger.size() == before or "COMMIT" not in trap.sprung
            assert (await ledger.check()).findings == [], trap.sprung
        answers = await ledger.post(batch)
        assert [type(a) for a in answers] == [Committed] * 3, trap.sprung
        assert [a.seq for a in answers if isinstance(a, Committed)] == list(range(before, before + 3))
        sprung.add(trap.sprung)
        if not trap.sprung:
            break
    else:
        pytest.fail("the trap never outlasted the batch")
    assert (await ledger.check()).findings == []
    assert any("COMMIT" in s for s in sprung)
    assert any("copy_to_table" in s for s in sprung)
    assert len(sprung) >= 10
