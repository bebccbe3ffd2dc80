"""Planning ahead: the moments when a plan has to be thrown away, held open long enough to be sure that they occur."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from kapital.kernel.problems import Unavailable
from kapital.ledger.adapters import store
from kapital.ledger.api import Committed, OpenWallet, Refused
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases import post
from kapital.platform.clock import SteppedClock
from kapital.platform.ids import new_uuid7
from tests.ledger.conftest import MakeLedger
from tests.ledger.words import RUB, at, move, top_up, tx

ANNA, BORIS = new_uuid7(), new_uuid7()
MOMENT = 0.04
SLOW = pytest.mark.parametrize("slow_part", ["read_existing", "read_missing", "write_batch"])
# The second call comes during the first slow step of the first, or during its second.
GAP = pytest.mark.parametrize("first_gap", [0.25, 1.5])


@pytest.fixture
async def opened(make_ledger: MakeLedger) -> LedgerService:
    ledger = await make_ledger()
    await ledger.post([tx(OpenWallet(ANNA), OpenWallet(BORIS))])
    await ledger.post([tx(*top_up(ANNA, 100)), tx(*top_up(BORIS, 1000))])
    return ledger


def slow(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = getattr(store, name)

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        found = await real(*args, **kwargs)
        await asyncio.sleep(MOMENT)
        return found

    monkeypatch.setattr(store, name, slowly)


async def in_steps(ledger: LedgerService, *calls: list[Any], first_gap: float = 0.25) -> list[Any]:
    """Post each call a little after the one before it, while that one is still being written."""
    tasks = []
    for call in calls:
        tasks.append(asyncio.create_task(ledger.post(call)))
        await asyncio.sleep(MOMENT * (first_gap if len(tasks) == 1 else 0.25))
    return await asyncio.gather(*tasks)


async def require_sound(ledger: LedgerService) -> None:
    report = await ledger.check()
    assert report.findings == []
    assert report.size == await ledger.size()


@GAP
@SLOW
async def test_what_arrives_while_a_batch_is_planned_again_is_planned_after_it(
    opened, monkeypatch, slow_part, first_gap
):
    """A repeat that would be refused now: its batch is planned again under the lock, and others come meanwhile."""
    spent = tx(*move(RUB, ANNA, BORIS, 100))
    [first] = await opened.post([spent])
    before = await opened.size()
    slow(monkeypatch, slow_part)
    later = [[tx(*move(RUB, BORIS, ANNA, 1))] for _ in range(5)]
    answers = await in_steps(opened, [spent], *later, [spent], first_gap=first_gap)
    assert [(a.seq, a.replayed) for a in (*answers[0], *answers[-1])] == [(first.seq, True)] * 2
    assert [a.seq for call in answers[1:-1] for a in call] == list(range(before, before + 5))
    await require_sound(opened)


@GAP
@SLOW
async def test_what_arrives_after_a_repeat_that_was_entered_is_planned_after_it(
    opened, monkeypatch, slow_part, first_gap
):
    once = tx(*move(RUB, BORIS, ANNA, 1))
    [first] = await opened.post([once])
    before = await opened.size()
    slow(monkeypatch, slow_part)
    later = [[tx(*move(RUB, BORIS, ANNA, 1))] for _ in range(12)]
    answers = await in_steps(opened, [once], *later, first_gap=first_gap)
    assert [(a.seq, a.replayed) for a in answers[0]] == [(first.seq, True)]
    assert [a.seq for call in answers[1:] for a in call] == list(range(before, before + 12))
    await require_sound(opened)


@pytest.mark.parametrize("looked_up", [1, 2, 3])
async def test_planning_ahead_begins_again_behind_the_last_batch_whose_ids_are_looked_up(
    opened, monkeypatch, looked_up
):
    """Not before it: it has no plan yet, and waits for the lock while the next one could already be written."""
    monkeypatch.setattr(post, "BATCHES_AFTER_REPEAT", looked_up)
    real = store.read_head

    async def read_late(connection: asyncpg.Connection, *, lock: bool = False) -> Any:
        await asyncio.sleep(MOMENT if lock else 0)
        return await real(connection, lock=lock)

    once = tx(*move(RUB, BORIS, ANNA, 1))
    [first] = await opened.post([once])
    before = await opened.size()
    monkeypatch.setattr(store, "read_head", read_late)
    answers = await in_steps(opened, [once], *([tx(*move(RUB, BORIS, ANNA, 1))] for _ in range(24)))
    assert [(a.seq, a.replayed) for a in answers[0]] == [(first.seq, True)]
    assert [a.seq for call in answers[1:] for a in call] == list(range(before, before + 24))
    await require_sound(opened)


@SLOW
async def test_two_processes_in_each_others_way_keep_one_order(opened, make_ledger, monkeypatch, slow_part):
    other = await make_ledger()
    before = await opened.size()
    slow(monkeypatch, slow_part)
    both = await asyncio.gather(
        in_steps(opened, *([tx(*move(RUB, BORIS, ANNA, 1))] for _ in range(6))),
        in_steps(other, *([tx(*move(RUB, ANNA, BORIS, 1))] for _ in range(6))),
    )
    seqs = sorted(a.seq for calls in both for call in calls for a in call if isinstance(a, Committed))
    assert seqs == list(range(before, before + 12))
    await require_sound(opened)


async def test_who_loses_race_after_race_plans_ahead_less_and_begins_again_in_peace(opened, make_ledger, monkeypatch):
    other, ahead = await make_ledger(), []
    submit = post.Poster._submit

    def counted(self: Any, ground: Any, plan: Any) -> Any:
        ahead.append(self)
        return submit(self, ground, plan)

    monkeypatch.setattr(post.Poster, "_submit", counted)
    for _ in range(70):
        await other.post([tx(*move(RUB, ANNA, BORIS, 1))])
        await opened.post([tx(*move(RUB, BORIS, ANNA, 1))])
    in_strife = ahead.count(opened._poster)
    ahead.clear()
    for _ in range(post.BATCHES_AFTER_RACES_MAX + 6):
        await opened.post([tx(*move(RUB, BORIS, ANNA, 1))])

    assert in_strife <= 7  # every second of 70 without this
    assert ahead.count(opened._poster) >= 5
    await require_sound(opened)


async def test_the_money_of_a_batch_that_failed_is_not_counted_by_the_one_planned_behind_it(opened, monkeypatch):
    slow(monkeypatch, "write_batch")
    real = store.write_batch
    failing = True

    async def fail_once(*args: Any) -> None:
        nonlocal failing
        await real(*args)
        if failing:
            failing = False
            raise ConnectionResetError("gone")

    monkeypatch.setattr(store, "write_batch", fail_once)
    paid_in, spends = [tx(*top_up(ANNA, 900))], [tx(*move(RUB, ANNA, BORIS, 1000))]
    tasks = [asyncio.create_task(opened.post(call)) for call in ([*paid_in], [*spends])]
    await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    # In one batch with the first or planned behind it: refused or not answered, never entered.
    assert isinstance(results[0], Exception)
    assert isinstance(results[1], Exception) or isinstance(results[1][0], Refused)
    assert await opened.balances([at(RUB, ANNA)]) == [100]
    await require_sound(opened)


async def test_what_was_planned_on_a_batch_that_failed_under_the_lock_is_not_written_on_another_like_it(
    opened, make_ledger, monkeypatch, sql
):
    """A clock that stands behind the log: two processes give their batches one instant, one size, one place.

    What one plans on a batch of its own that then fails must not take the other's batch for it.
    """
    behind = SteppedClock(datetime(2020, 1, 1, tzinfo=UTC))
    one, other = await make_ledger(clock=behind), await make_ledger(clock=behind)
    repeat = tx(*move(RUB, BORIS, ANNA, 1))
    await one.post([repeat])
    await other.post([tx(*move(RUB, BORIS, ANNA, 1))])
    await one.post([repeat])  # from now on it looks ids up first: under the lock
    real, waiting, fail = store.write_batch, asyncio.Event(), asyncio.Event()

    async def hold_and_fail(connection: Any, batch: Any) -> None:
        monkeypatch.setattr(store, "write_batch", real)
        waiting.set()
        await fail.wait()
        raise ConnectionResetError("gone")

    monkeypatch.setattr(store, "write_batch", hold_and_fail)
    monkeypatch.setattr(one._poster, "_look_for_repeats", 1)
    failing = asyncio.create_task(one.post([tx(*move(RUB, BORIS, ANNA, 500))]))
    await waiting.wait()
    in_between = asyncio.create_task(other.post([tx(*move(RUB, BORIS, ANNA, 7))]))
    await until_waiting(sql, 1)
    behind_it = asyncio.create_task(one.post([tx(*move(RUB, ANNA, BORIS, 300))]))
    while not one._poster._jobs.qsize():  # noqa: ASYNC110 - planned, and handed over if it may be: there is no event
        await asyncio.sleep(0.002)
    fail.set()
    results = await asyncio.gather(failing, in_between, behind_it, return_exceptions=True)
    assert isinstance(results[0], Unavailable)
    assert isinstance(results[1][0], Committed)
    assert isinstance(results[2][0], Refused), "the money of the batch that failed was spent"
    assert await opened.balances([at(RUB, ANNA), at(RUB, BORIS)]) == [109, 991]
    await require_sound(opened)


async def until_waiting(sql: asyncpg.Connection, count: int) -> None:
    """Return when so many sessions wait for the head's lock."""
    while await sql.fetchval(_WAITING) < count:  # noqa: ASYNC110 - the server gives no event
        await asyncio.sleep(0.002)


_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%FOR UPDATE'"
)
