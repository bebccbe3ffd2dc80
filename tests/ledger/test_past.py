"""The past stays as it was told: instants that are closed, holdings at any size, the register, the statement."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kapital.kernel.problems import Problem
from kapital.ledger.api import AccountKey, Committed, OpenWallet, Position, RegisterRow, SetFlags
from kapital.ledger.domain.codec import decode_entry, parse_instant, transaction_of
from kapital.ledger.domain.problems import (
    AssetNotFound,
    EntryNotFound,
    InstantInFuture,
    RangeTooLarge,
    SizeAheadOfLog,
    WalletNotFound,
)
from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from kapital.platform.ids import new_uuid7
from tests.ledger.conftest import MakeLedger
from tests.ledger.words import AVAILABLE, LOCKED, RESERVED, RUB, at, issue, move, top_up, tx, units

WALLETS = [new_uuid7() for _ in range(5)]
UNITS = new_uuid7()
POSITIONS = [AVAILABLE, RESERVED, LOCKED]


async def opened(ledger: LedgerService) -> None:
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS), units(UNITS))])
    await ledger.post([tx(*top_up(w, 10**6), *issue(UNITS, w, 1000)) for w in WALLETS])


def random_transaction(chance: random.Random) -> Any:
    """Moves of one or both assets, between wallets or positions; now and then a flag that stops nothing."""
    parts: list[Any] = []
    for asset in chance.choice([[RUB], [UNITS], [RUB, UNITS], []]):
        one, two = chance.choice(WALLETS), chance.choice(WALLETS)
        if one == two:
            amount = chance.randint(1, 20)
            parts.append(move(asset, one, two, amount)[0])
            parts.append(type(parts[-1])(at(asset, two, chance.choice(POSITIONS[1:])), amount))
        else:
            parts += move(asset, one, two, chance.randint(1, 20))
    if not parts:
        parts.append(SetFlags(at(RUB, chance.choice(WALLETS), Position.PLEDGED), chance.random() < 0.5, False))
    return tx(*parts)


async def replay(ledger: LedgerService) -> tuple[list[dict[AccountKey, int]], list[datetime], list[set[Any]]]:
    """The balances after each entry, each entry's instant and the wallets it touches, from the bodies alone."""
    size = await ledger.size()
    state: dict[AccountKey, int] = defaultdict(int)
    states, instants, touched = [dict(state)], [], []
    for entry in await ledger.entries(0, size):
        decoded = decode_entry(entry.body)
        done = transaction_of(decoded)
        for posting in done.postings:
            state[posting.account] += posting.amount
        states.append(dict(state))
        instants.append(parse_instant(decoded.recorded_at))
        opens = {getattr(o, "wallet", None) or getattr(o, "asset", None) for o in done.opens}
        touched.append({p.account.wallet for p in done.postings} | {f.account.wallet for f in done.flags} | opens)
    return states, instants, touched


@pytest.fixture
async def lived(make_ledger: MakeLedger) -> LedgerService:
    ledger = await make_ledger()
    await opened(ledger)
    chance = random.Random(9)
    while await ledger.size() < 250:
        batch = [random_transaction(chance) for _ in range(chance.randint(1, 12))]
        assert all(isinstance(a, Committed) for a in await ledger.post(batch))
    return ledger


async def test_holdings_at_any_size_equal_a_replay(lived):
    states, _, _ = await replay(lived)
    keys = [at(asset, w, p) for asset in (RUB, UNITS) for w in WALLETS for p in (*POSITIONS, Position.PLEDGED)]
    keys += [AccountKey(RUB, Position.BANK, RUB), AccountKey(UNITS, Position.ISSUED, UNITS), at(RUB, new_uuid7())]
    random.Random(1).shuffle(keys)
    for size, state in enumerate(states):
        assert await lived.balances_at(keys, size=size) == [state.get(k, 0) for k in keys], size
    assert await lived.balances(keys) == [states[-1].get(k, 0) for k in keys]
    assert await lived.balances([keys[0]] * 3) == [states[-1].get(keys[0], 0)] * 3


async def test_the_register_at_any_size_equals_a_replay(lived):
    states, _, _ = await replay(lived)
    for asset, opened_at in ((RUB, 0), (UNITS, 1)):
        for size in range(opened_at + 1, len(states), 7):
            told = await lived.register(asset, size=size)
            held = {k: b for k, b in states[size].items() if k.asset == asset and b}
            assert told == sorted(
                (RegisterRow(k.wallet, k.position, b) for k, b in held.items()), key=lambda r: (r.wallet, r.position)
            )
            assert sum(row.balance for row in told) == 0
        assert await lived.register(asset) == await lived.register(asset, size=len(states) - 1)


async def test_a_statement_names_each_entry_that_touches_the_wallet_and_no_other(lived):
    _, _, touched = await replay(lived)
    for wallet in (*WALLETS, RUB, UNITS):
        every = [seq for seq, wallets in enumerate(touched) if wallet in wallets]
        for size in (0, 1, 2, 50, 133, len(touched)):
            assert await lived.statement(wallet, size=size) == [seq for seq in every if seq < size]
        assert await lived.statement(wallet) == every


async def test_holdings_at_any_past_instant_equal_a_replay(lived):
    states, instants, _ = await replay(lived)
    chance = random.Random(2)
    for _ in range(60):
        moment = chance.choice(instants) + timedelta(microseconds=chance.choice([-1, 0, 1]))
        size = await lived.size_at(moment)
        assert size == sum(instant <= moment for instant in instants)
        keys = list(states[-1])
        assert await lived.balances_at(keys, size=size) == [states[size].get(k, 0) for k in keys]
    assert await lived.size_at(datetime(1999, 1, 1, tzinfo=UTC)) == 0


async def test_what_was_told_of_an_instant_stays_true_whatever_is_on_its_way(make_ledger: MakeLedger):
    """Writers of two processes, and readers who ask about this very moment, all at once."""
    ledgers = [await make_ledger(), await make_ledger()]
    await opened(ledgers[0])
    chance = random.Random(3)
    told: list[tuple[datetime, int]] = []
    writing = True

    async def write(ledger: LedgerService) -> None:
        for _ in range(60):
            await ledger.post([random_transaction(chance) for _ in range(chance.randint(1, 8))])

    async def read(ledger: LedgerService) -> None:
        while writing or len(told) <= 100:
            moment = datetime.now(UTC) - timedelta(microseconds=chance.choice([0, 0, 1, 50, 1_000]))
            told.append((moment, await ledger.size_at(moment)))
            await asyncio.sleep(chance.choice([0, 0.001, 0.003]))

    readers = [asyncio.create_task(read(ledgers[n % 2])) for n in range(6)]
    await asyncio.gather(*(write(ledgers[n % 2]) for n in range(8)))
    writing = False
    await asyncio.gather(*readers)
    instants = (await replay(ledgers[0]))[1]
    assert instants == sorted(instants)
    assert len(told) > 100
    for moment, size in told:
        assert size == sum(instant <= moment for instant in instants)
        assert await ledgers[1].size_at(moment) == size
    assert (await ledgers[0].check()).findings == []


async def test_an_instant_of_the_future_is_refused_and_closes_nothing(make_ledger: MakeLedger, sql):
    ledger = await make_ledger()
    before = await sql.fetch("SELECT * FROM head")
    with pytest.raises(InstantInFuture) as refused:
        await ledger.size_at(datetime.now(UTC) + timedelta(seconds=5))
    assert refused.value.code == "instant_must_have_passed"
    assert await sql.fetch("SELECT * FROM head") == before


async def test_a_clock_that_is_behind_another_processes_never_puts_an_entry_into_the_closed_past(
    make_ledger: MakeLedger,
):
    ahead = await make_ledger(clock=SteppedClock(datetime.now(UTC) + timedelta(hours=1)))
    behind = await make_ledger(clock=SteppedClock(datetime.now(UTC) - timedelta(hours=1)))
    await opened(ahead)
    closed = datetime.now(UTC) + timedelta(minutes=59)
    size = await ahead.size_at(closed)
    now_closed = datetime.now(UTC) + timedelta(hours=1)
    size_now = await ahead.size_at(now_closed)
    for _ in range(3):
        [answer] = await behind.post([tx(*move(RUB, WALLETS[0], WALLETS[1], 1))])
        assert answer.recorded_at > now_closed
    assert await ahead.size_at(closed) == size
    assert await behind.size() == size_now + 3
    instants = (await replay(ahead))[1]
    assert instants == sorted(instants)
    assert (await ahead.check()).findings == []


async def test_questions_about_what_is_not_there_are_refused(lived):
    size = await lived.size()
    nobody = new_uuid7()
    questions: list[tuple[Any, type[Problem]]] = [
        (lived.balances_at([], size=size + 1), SizeAheadOfLog),
        (lived.balances_at([], size=-1), SizeAheadOfLog),
        (lived.register(UNITS, size=size + 1), SizeAheadOfLog),
        (lived.register(UNITS, size=1), AssetNotFound),  # opened by entry 1, so not there before it
        (lived.register(nobody), AssetNotFound),
        (lived.statement(nobody), WalletNotFound),
        (lived.statement(WALLETS[0], size=size + 1), SizeAheadOfLog),
        (lived.wallet_balances(nobody), WalletNotFound),
        (lived.entries(0, 10_001), RangeTooLarge),
        (lived.entry_evidence(size), EntryNotFound),
        (lived.entry_evidence(-1), EntryNotFound),
        (lived.statement_evidence(nobody), WalletNotFound),
    ]
    for question, problem in questions:
        with pytest.raises(problem):
            await question
    assert await lived.entries(size, size + 5) == []
    assert await lived.balances([]) == []
