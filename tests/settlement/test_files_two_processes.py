"""Two processes of one house on one exchange folder, as when a restart overlaps: nothing is done twice, or lost."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Database
from kapital.platform.failpoints import arm, make_fault_run, reached
from kapital.settlement.domain.top_up_code import top_up_code
from tests.conftest import MakeDatabase
from tests.kill_points import kill_points
from tests.places import quick_folder
from tests.settlement.files_process import FilesProcess, Start
from tests.settlement.files_world import OPERATOR, Exchange
from tests.settlement.world import START, World
from tests.waiting import until

BANK: Final = "bank-side"
FUNDS, CREDIT, WITHDRAWN = 100_000, 1_000, 10
DEATHS = (
    "settlement.file_order.staged",
    "settlement.file_order.kept",
    "settlement.withdrawal.sent",
    "settlement.bank_file.taken_in",
    "settlement.bank_file.put_away",
    "settlement.statement.kept_raw",
    "settlement.statement.matched",
    "settlement.statement.kept",
    "settlement.statement.booked",
    "settlement.file_order.handed",
)
"""Where one of the two is killed while the other goes on."""
RECEIVED: Final = """
    SELECT count(*) AS times FROM audit_event WHERE action = 'settlement.bank_message_received' GROUP BY subject
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-two-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made)


class Two:
    """Two processes, the bank's people, and what carries files between them: the bank sees only what was carried."""

    def __init__(self, exchange: Exchange, ledger: Database, wallet: UUID, place: Path) -> None:
        self.exchange, self.world, self.wallet = exchange, exchange.world, wallet
        self.bank, self.run = place / BANK, place / "run"
        self.start = Start(
            settlement=self.world.database.dsn,
            ledger=ledger.dsn,
            exchange=exchange.place,
            kept=exchange.kept,
            root=exchange.root,
            payer=OPERATOR,
            run=self.run,
            token=make_fault_run(self.run),
        )
        self.processes: list[FilesProcess] = []
        self.laid: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.credited = self.asked = 0

    async def replace_the_dead(self) -> None:
        """As their supervisor does. One that has ended otherwise than by a kill is a fault."""
        await until(lambda: any(one.exit_code is not None for one in self.processes), what="the end of a process")
        assert {one.exit_code for one in self.processes} <= {None, -9}
        self.processes = [one for one in self.processes if one.exit_code is None]
        self.start_two()

    def start_two(self) -> None:
        self.processes += [FilesProcess(self.start) for _ in range(2 - len(self.processes))]

    async def more_work(self) -> None:
        """Money comes, money is to go, and the bank is to draw up a statement."""
        # Each of another sum: of two alike a person would have to say that it is not one that was told twice.
        kopecks = CREDIT + self.asked
        await self.world.bank.receive(kopecks, f"Пополнение {top_up_code(self.wallet)}")
        self.credited += kopecks
        await self.world.ask(self.wallet, WITHDRAWN)
        self.asked += 1
        await self.exchange.close_day()

    async def carry(self) -> None:
        """Each order that lies before the bank is carried to it, each of its messages back; both are counted."""
        into = self.exchange.place / "in"
        for path in sorted((self.exchange.place / "out").iterdir()):
            self.laid[path.name] += 1
            path.rename(self.bank / "out" / path.name)
        await self.exchange.desk.work_once()
        for path in sorted((self.bank / "in").glob("*.xml")):
            self.told[path.name] += 1
            path.rename(into / path.name)
            signature = path.with_name(f"{path.name}.p7s")
            signature.rename(into / signature.name)

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        async def carried() -> bool:
            await self.carry()
            return await holds()

        try:
            await until(carried, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self.picture()}") from None

    async def picture(self) -> str:
        """Where everything stands, for who reads that it came to no end."""
        folders = ("in", "out", ".staged", "parked")
        lying = {part: sorted(path.name for path in (self.exchange.place / part).iterdir()) for part in folders}
        ended = [one.exit_code for one in self.processes]
        kopecks = (await self.world.kopecks(self.wallet), self.credited, self.asked)
        messages = await self.world.rows("SELECT state, reason, lines_compared_at FROM incoming_message")
        return f"{ended=} {kopecks=} {lying=} {Counter(await self.world.states())} {messages=}"

    async def is_settled(self) -> bool:
        """Whether all that was paid in and asked for has come to its end, and no file is on its way."""
        if await self.world.kopecks(self.wallet) != self.credited - self.asked * WITHDRAWN:
            return False
        folders = [self.exchange.place / part for part in ("in", "out", ".staged")]
        moving = any(path.name[0] != "." for folder in folders for path in folder.iterdir())
        return not moving and set(await self.world.states()) <= {"confirmed"}

    def kill(self) -> None:
        for process in self.processes:
            process.kill()


@pytest_asyncio.fixture
async def two(make_database: MakeDatabase, place: Path) -> AsyncIterator[Two]:
    clock = SteppedClock(START)
    entries = await make_database("ledger", "kapital.ledger.migrations")
    ledger = LedgerService(
        entries, clock, rule_book_version="2026-01-01", code_version="0.1.0", origin="kapital.example/test"
    )
    database = await make_database("settlement", "kapital.settlement.migrations")
    bank_database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations")
    world = await World.create(database, bank_database, ledger, clock)
    exchange = await Exchange.open(world, place, bank_place=place / BANK)
    made = Two(exchange, entries, await world.wallet(), place)
    yield made
    made.kill()
    await ledger.close()


async def test_one_is_killed_and_each_order_is_laid_down_once_and_each_message_booked_once(two: Two) -> None:
    # Something to withdraw from, before anybody dies.
    await two.world.bank.receive(FUNDS, f"Пополнение {top_up_code(two.wallet)}")
    two.credited += FUNDS
    two.start_two()
    await two.until(two.is_settled, what="the funds")
    deaths = [DEATHS[number - 1] for number in kill_points(3, last=len(DEATHS))]
    for step in deaths:
        arm(two.run, step)
        count = len(reached(two.run))

        async def has_died(count: int = count) -> bool:
            return len(reached(two.run)) > count

        async def goes_on(has_died: Callable[[], Awaitable[bool]] = has_died) -> bool:
            return await has_died() or await two.is_settled()

        while not await has_died():
            await two.more_work()
            await two.until(goes_on, what=step)
        await two.replace_the_dead()
    await two.more_work()
    await two.until(two.is_settled, what="the end of all")

    assert reached(two.run) == deaths
    assert [one.exit_code for one in two.processes] == [None, None]
    assert (len(two.laid), set(two.laid.values())) == (two.asked, {1})
    assert sorted((await two.world.bank.paid()).values()) == [WITHDRAWN] * two.asked
    messages = await two.world.rows("SELECT state, line_count FROM incoming_message")
    assert (len(messages), {row["state"] for row in messages}) == (len(two.told), {"taken_in", "noticed"})
    received = await two.world.rows(RECEIVED)
    assert [row["times"] for row in received] == [1] * len(messages)
    done = {path.name for path in (two.exchange.place / "done").iterdir()}
    assert {name.partition("-")[2] for name in done} == {*two.told, *(f"{name}.p7s" for name in two.told)}
    assert list((two.exchange.place / "parked").iterdir()) == []
    assert (await two.world.reconcile()).difference_kopecks == 0
    assert await two.world.rows("SELECT * FROM reconciliation_break") == []
