"""Many callers and many processes: one order of all entries, one winner, one entry an id."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from kapital.ledger.api import AccountKey, Committed, OpenWallet, Position, Posting, Refused, Transaction
from kapital.ledger.service import LedgerService
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from tests.ledger.conftest import MakeLedger
from tests.ledger.process import Told, read_told, told, write_orders
from tests.ledger.processes import LedgerProcess
from tests.ledger.words import RUB, at, issue, move, top_up, tx, units

WALLETS = [new_uuid7() for _ in range(8)]
SELLER, UNITS = WALLETS[0], new_uuid7()
BANK = AccountKey(RUB, Position.BANK, RUB)
PROCESSES = 4


@pytest.fixture
async def opened(ledger: LedgerService) -> LedgerService:
    """Each wallet has 1,000,000 kopecks; the seller has one unit, and one more may be issued."""
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS), units(UNITS, 2))])
    answers = await ledger.post([*(tx(*top_up(w, 1_000_000)) for w in WALLETS), tx(*issue(UNITS, SELLER, 1))])
    assert all(isinstance(a, Committed) for a in answers)
    return ledger


def random_moves(chance: random.Random, count: int) -> list[Transaction]:
    made = []
    for _ in range(count):
        one, two = chance.sample(WALLETS, 2)
        made.append(tx(*move(RUB, one, two, chance.randint(1, 50))))
    return made


def order(buyer: int, *, sale: bool) -> Transaction:
    """Pay 100 kopecks and get the last unit: out of the issue, or of the seller."""
    wallet = WALLETS[1 + buyer % (len(WALLETS) - 1)]
    delivery = move(UNITS, SELLER, wallet, 1) if sale else issue(UNITS, wallet, 1)
    return tx(*move(RUB, wallet, SELLER, 100), *delivery)


async def in_processes(database: Database, folder: Path, work: list[list[list[Transaction]]]) -> list[list[Told]]:
    """Let one process for each list of calls post them, all at once; return what each was told."""
    started = [
        LedgerProcess(database.dsn, write_orders(folder / f"orders{n}", calls), folder / f"told{n}")
        for n, calls in enumerate(work)
    ]
    for process in started:
        await asyncio.to_thread(process.ready)
    for process in started:
        process.go()
    assert [await asyncio.to_thread(p.end) for p in started] == [0] * len(started)
    return [read_told(p.told) for p in started]


async def require_sound(ledger: LedgerService, entries: int) -> None:
    report = await ledger.check()
    assert report.findings == []
    assert await ledger.size() == entries
    balances = await ledger.balances([at(RUB, w) for w in WALLETS])
    assert sum(balances) == len(WALLETS) * 1_000_000
    assert min(balances) >= 0


async def test_many_callers_of_one_process_get_each_their_own_entry(opened):
    before = await opened.size()
    moves = random_moves(random.Random(1), 1_500)
    answers = await asyncio.gather(*(opened.post(moves[i : i + 3]) for i in range(0, len(moves), 3)))
    flat = [a for call in answers for a in call]
    assert [a.id for a in flat] == [t.id for t in moves]
    assert sorted(a.seq for a in flat if isinstance(a, Committed)) == list(range(before, before + len(moves)))
    for call in answers:  # a caller's own transactions keep their order
        assert [a.seq for a in call if isinstance(a, Committed)] == sorted(
            a.seq for a in call if isinstance(a, Committed)
        )
    await require_sound(opened, before + len(moves))


async def test_several_processes_share_one_log_without_gap_or_double(opened, database, tmp_path):
    before = await opened.size()
    chance = random.Random(2)
    work = [[random_moves(chance, chance.randint(1, 6)) for _ in range(100)] for _ in range(PROCESSES)]
    answers = [t for process in await in_processes(database, tmp_path, work) for t in process]
    total = sum(len(call) for calls in work for call in calls)
    assert Counter(t.code for t in answers) == {None: total}
    assert sorted(t.seq for t in answers) == list(range(before, before + total))
    instants = [e.body for e in await opened.entries(0, before + total)]
    assert len(instants) == before + total
    await require_sound(opened, before + total)


@pytest.mark.parametrize("sale", [True, False], ids=["of a seller", "of the issue"])
class TestLastUnit:
    async def test_a_thousand_orders_at_once_have_one_winner(self, opened, sale):
        code = "balance_insufficient" if sale else "issue_limit_exceeded"
        answers = await asyncio.gather(*(opened.post([order(n, sale=sale)]) for n in range(1_000)))
        assert Counter(told(a).code for call in answers for a in call) == {None: 1, code: 999}
        paid = await opened.balances([at(RUB, SELLER)])
        assert paid == [1_000_100]
        assert (await opened.check()).findings == []

    async def test_a_thousand_orders_in_four_processes_have_one_winner(self, opened, database, tmp_path, sale):
        code = "balance_insufficient" if sale else "issue_limit_exceeded"
        work = [[[order(n, sale=sale)] for n in range(250)] for _ in range(PROCESSES)]
        answers = [t for process in await in_processes(database, tmp_path, work) for t in process]
        assert Counter(t.code for t in answers) == {None: 1, code: 999}
        assert await opened.balances([at(RUB, SELLER)]) == [1_000_100]
        assert (await opened.check()).findings == []


async def test_one_id_from_many_callers_at_once_is_one_entry_and_all_are_told_its_number(opened):
    before = await opened.size()
    ids = random_moves(random.Random(3), 20)
    calls = [[t] for t in ids] * 25
    random.Random(4).shuffle(calls)
    answers = [a for call in await asyncio.gather(*(opened.post(c) for c in calls)) for a in call]
    seqs = {t.id: {a.seq for a in answers if a.id == t.id} for t in ids}
    assert all(len(of) == 1 for of in seqs.values())
    assert Counter(a.replayed for a in answers) == {False: 20, True: 480}
    assert len({(a.id, a.recorded_at, a.leaf) for a in answers}) == 20
    await require_sound(opened, before + 20)


async def test_one_id_from_many_processes_at_once_is_one_entry_and_all_are_told_its_number(
    opened, database, tmp_path
):
    before = await opened.size()
    ids = random_moves(random.Random(5), 120)
    work = []
    for seed in range(PROCESSES):
        mine = [[t] for t in ids]
        random.Random(seed).shuffle(mine)
        work.append(mine)
    answers = [t for process in await in_processes(database, tmp_path, work) for t in process]
    assert Counter(t.replayed for t in answers) == {False: 120, True: 120 * (PROCESSES - 1)}
    assert len({(t.id, t.seq) for t in answers}) == 120
    await require_sound(opened, before + 120)


async def test_repeats_refusals_and_races_of_several_writers_never_leave_a_gap(make_ledger: MakeLedger):
    """What throws a plan made ahead away – another writer, a repeat, a repeat that would be refused – all at once."""
    ledgers = [await make_ledger() for _ in range(3)]
    await ledgers[0].post([tx(*(OpenWallet(w) for w in WALLETS))])
    await ledgers[0].post([tx(*top_up(w, 1_000_000)) for w in WALLETS])
    before = await ledgers[0].size()
    chance = random.Random(6)
    sent: list[Transaction] = []
    seen: dict[object, int] = {}

    async def caller(ledger: LedgerService) -> None:
        for _ in range(40):
            batch = random_moves(chance, chance.randint(1, 3))
            poor = chance.choice(WALLETS)
            if chance.random() < 0.3:
                batch.append(tx(*move(RUB, poor, WALLETS[0] if poor != WALLETS[0] else WALLETS[1], 9 * 10**9)))
            if sent and chance.random() < 0.3:
                batch.append(chance.choice(sent))
            sent.extend(batch)
            for answer in await ledger.post(batch):
                if isinstance(answer, Committed):
                    assert seen.setdefault(answer.id, answer.seq) == answer.seq
                else:
                    assert answer.code == "balance_insufficient"

    await asyncio.gather(*(caller(ledgers[n % 3]) for n in range(24)))
    assert sorted(seen.values()) == list(range(before, before + len(seen)))
    await require_sound(ledgers[0], before + len(seen))


async def test_two_wallets_that_pay_each_other_do_not_wait_for_each_other(make_ledger: MakeLedger):
    one, two = await make_ledger(), await make_ledger()
    await one.post([tx(*(OpenWallet(w) for w in WALLETS))])
    await one.post([tx(*top_up(w, 100)) for w in WALLETS])
    there = [tx(*move(RUB, WALLETS[0], WALLETS[1], 1), *move(RUB, WALLETS[2], WALLETS[3], 1)) for _ in range(60)]
    back = [tx(*move(RUB, WALLETS[3], WALLETS[2], 1), *move(RUB, WALLETS[1], WALLETS[0], 1)) for _ in range(60)]
    answers = await asyncio.gather(*(one.post([t]) for t in there), *(two.post([t]) for t in back))
    assert [a for call in answers for a in call if isinstance(a, Refused)] == []
    assert await one.balances([at(RUB, w) for w in WALLETS[:4]]) == [100] * 4


async def test_what_a_caller_does_to_its_list_after_the_call_changes_nothing(opened):
    batch = [tx(*move(RUB, WALLETS[0], WALLETS[1], 1))]
    waiting = asyncio.ensure_future(opened.post(batch))
    await asyncio.sleep(0)
    batch.append(tx(Posting(BANK, 5)))
    assert len(await waiting) == 1
