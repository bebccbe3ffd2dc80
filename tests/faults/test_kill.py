"""kill -9 at random moments: what was acknowledged is there, nothing is doubled, what was not can be asked again."""

import asyncio
import os
import random
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg

from kapital.ledger.api import Committed, OpenWallet, Transaction
from kapital.ledger.service import LedgerService
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.platform.postgres import EmbeddedPostgres
from tests.faults.conftest import insist, require_each_once
from tests.ledger.process import read_told, write_orders
from tests.ledger.processes import LedgerProcess
from tests.ledger.words import RUB, at, move, top_up, tx
from tests.waiting import until

ROUNDS = 20
WALLETS = [new_uuid7() for _ in range(6)]
# After how many answers of some 7,500 a process may die.
MOST_TOLD = 500
# What dies in a round besides the process, and what dies first.
KILLS = ("process", "process", "backend", "process", "postmaster")


def orders_of(chance: random.Random) -> list[list[Transaction]]:
    return [
        [tx(*move(RUB, *chance.sample(WALLETS, 2), chance.randint(1, 9))) for _ in range(chance.randint(1, 5))]
        for _ in range(2_500)
    ]


class Storm:
    """One database, one process after another that is killed while it posts."""

    def __init__(self, server: EmbeddedPostgres, database: Database, folder: Path, seed: int) -> None:
        self.server, self.database, self.folder = server, database, folder
        self.chance = random.Random(seed)
        self.orders: dict[int, list[list[Transaction]]] = {}
        self.acknowledged = self.resent = self.entered_untold = 0

    def start(self, number: int) -> LedgerProcess:
        self.orders[number] = orders_of(self.chance)
        orders = write_orders(self.folder / f"orders{number}", self.orders[number])
        return LedgerProcess(self.database.dsn, orders, self.folder / f"told{number}")

    async def kill(self, process: LedgerProcess, what: str) -> None:
        process.go()
        await self._until_told(process, self.chance.randint(1, MOST_TOLD))
        victims = [process.popen.kill]
        if what != "process":
            pid = self.server.postmaster_pid() if what == "postmaster" else await self._busy_backend()
            assert pid is not None
            victims.append(partial(os.kill, pid, signal.SIGKILL))
        self.chance.shuffle(victims)
        for victim in victims:
            with suppress(ProcessLookupError):  # a backend goes by itself when its process is gone
                victim()
            await asyncio.sleep(self.chance.choice([0, 0, 0.02]))
        await asyncio.to_thread(process.end)

    async def _until_told(self, process: LedgerProcess, count: int) -> None:
        """Wait for so many answers: a count lies in the middle of the work on a machine of any speed."""
        await until(lambda: len(read_told(process.told)) >= count, what="the process's answers")
        # The instant within a batch is left to chance.
        await asyncio.sleep(self.chance.uniform(0, 0.01))

    async def _busy_backend(self) -> int:
        connection = await asyncpg.connect(self.database.dsn)
        try:
            pid: int = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend' ORDER BY state = 'active' DESC, query_start DESC LIMIT 1"
            )
            return pid
        finally:
            await connection.close()

    async def require_sound(self, number: int, process: LedgerProcess, ledger: LedgerService) -> None:
        told = read_told(process.told)
        assert all(t.code is None for t in told), told
        sent = {t.id: t for call in self.orders[number] for t in call}
        acknowledged: dict[UUID, int] = {t.id: t.seq for t in told if t.seq is not None}
        # A caller has a few calls on the way; what it never sent it does not ask again.
        unknown = [t for entry_id, t in sent.items() if entry_id not in acknowledged][:200]
        assert unknown, "the process had done all its work before it died: the round shows nothing"
        answers = await insist(ledger, unknown)
        assert all(isinstance(a, Committed) for a in answers), answers
        told_now = {a.id: a.seq for a in answers if isinstance(a, Committed)}
        assert not told_now.keys() & acknowledged.keys()
        connection = await asyncpg.connect(self.database.dsn)
        try:
            await require_each_once(connection, acknowledged | told_now)
        finally:
            await connection.close()
        if number % 4 == 3:  # everything from the first entry on, so not each time
            assert (await ledger.check()).findings == []
        self.acknowledged += len(acknowledged)
        self.resent += len(answers)
        self.entered_untold += sum(a.replayed for a in answers if isinstance(a, Committed))


async def test_twenty_sudden_deaths_lose_nothing_and_double_nothing(own_server, own_database, own_ledger, tmp_path):
    seed = int(os.environ.get("KAPITAL_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KAPITAL_TEST_SEED={seed}")
    storm = Storm(own_server, own_database, tmp_path, seed)
    await own_ledger.post([tx(*(OpenWallet(w) for w in WALLETS))])
    await own_ledger.post([tx(*top_up(w, 10**9)) for w in WALLETS])
    coming = storm.start(0)
    for number in range(ROUNDS):
        process = await asyncio.to_thread(coming.ready)
        what = KILLS[number % len(KILLS)]
        await storm.kill(process, what)
        if what == "postmaster":
            await asyncio.to_thread(own_server.start)
        if number + 1 < ROUNDS:
            await insist(own_ledger, [tx(*top_up(WALLETS[0], 1))])  # the server is back
            coming = storm.start(number + 1)
        try:
            await storm.require_sound(number, process, own_ledger)
        except BaseException:
            coming.kill()
            raise
    balances = await own_ledger.balances([at(RUB, w) for w in WALLETS])
    assert sum(balances) == len(WALLETS) * 10**9 + ROUNDS - 1
    print(f"{storm.acknowledged} acknowledged, {storm.resent} sent again, {storm.entered_untold} had been entered")
