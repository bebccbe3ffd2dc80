"""One caller's fate – cancelled, at fault, too late – is never another's."""

import asyncio
import random
from typing import Any

import msgspec
import pytest

from kapital.ledger.api import Committed, OpenWallet, Posting
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases import post
from kapital.ledger.use_cases.post import LedgerBusy, LedgerClosed
from kapital.platform.ids import new_uuid7
from tests.faults.conftest import require_each_once
from tests.ledger.words import RUB, at, move, top_up, tx

WALLETS = [new_uuid7() for _ in range(4)]


@pytest.fixture
async def opened(make_ledger: Any) -> LedgerService:
    ledger: LedgerService = await make_ledger()
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS))])
    await ledger.post([tx(*top_up(w, 1_000)) for w in WALLETS])
    return ledger


async def test_callers_that_give_up_take_nobodys_answer_with_them(opened, sql):
    chance = random.Random(11)
    moves = [tx(*move(RUB, *chance.sample(WALLETS, 2), 1)) for _ in range(600)]
    tasks = [asyncio.create_task(opened.post([t])) for t in moves]
    given_up = chance.sample(tasks, 300)
    for task in given_up:
        if chance.random() < 0.1:
            await asyncio.sleep(0.001)
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(a, list | asyncio.CancelledError) for a in answers)
    stayed = [a for a, task in zip(answers, tasks, strict=True) if task not in given_up]
    assert all(isinstance(a, list) and isinstance(a[0], Committed) for a in stayed)
    again = await opened.post(moves)
    await require_each_once(sql, {a.id: a.seq for a in again})
    assert (await opened.check()).findings == []


async def test_a_transaction_that_cannot_even_be_read_fails_its_own_caller_only(opened):
    bad = msgspec.structs.replace(tx(*top_up(WALLETS[0], 1)), actor=5)
    worse = tx(Posting(at(RUB, None), 1))  # type: ignore[arg-type]
    calls = [[tx(*move(RUB, WALLETS[0], WALLETS[1], 1))] for _ in range(20)]
    calls[7], calls[13] = [bad], [calls[13][0], worse]
    answers = await asyncio.gather(*(opened.post(c) for c in calls), return_exceptions=True)
    for number, answer in enumerate(answers):
        if number in (7, 13):
            assert isinstance(answer, Exception) or not isinstance(answer[-1], Committed)
        else:
            assert isinstance(answer, list)
            assert isinstance(answer[0], Committed)
    assert (await opened.check()).findings == []
    assert await opened.post([tx(*move(RUB, WALLETS[0], WALLETS[1], 1))])


async def test_more_than_can_wait_is_refused_at_once_and_what_waits_is_served(opened, monkeypatch):
    monkeypatch.setattr(post, "MAX_WAITING", 10)
    calls = [opened.post([tx(*move(RUB, WALLETS[0], WALLETS[1], 1))]) for _ in range(30)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    served = [a for a in answers if isinstance(a, list)]
    refused = [a for a in answers if isinstance(a, LedgerBusy)]
    assert len(served) + len(refused) == 30
    assert len(served) >= 10
    assert len(refused) > 0
    assert refused[0].code == "ledger_busy"


async def test_closing_serves_what_waits_and_refuses_what_comes(opened, sql):
    moves = [tx(*move(RUB, WALLETS[0], WALLETS[1], 1)) for _ in range(50)]
    tasks = [asyncio.create_task(opened.post([t])) for t in moves]
    await asyncio.sleep(0)
    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    with pytest.raises(LedgerClosed):
        await opened.post([tx(*move(RUB, WALLETS[0], WALLETS[1], 1))])
    answers = await asyncio.gather(*tasks)
    await closing
    await require_each_once(sql, {call[0].id: call[0].seq for call in answers})
    await opened.close()  # twice is once


async def test_a_book_that_remembers_too_much_is_let_go_and_read_again(opened, monkeypatch):
    monkeypatch.setattr(post, "MAX_CACHED_ACCOUNTS", 5)
    for _ in range(30):
        strangers = [tx(*top_up(new_uuid7(), 1)) for _ in range(4)]
        answers = await opened.post([*strangers, tx(*move(RUB, WALLETS[0], WALLETS[1], 1))])
        assert [getattr(a, "code", "committed") for a in answers] == ["wallet_unknown"] * 4 + ["committed"]
        assumed = opened._poster._assumed
        assert assumed is None or not assumed.too_large
    assert await opened.balances([at(RUB, WALLETS[0]), at(RUB, WALLETS[1])]) == [970, 1030]
    assert (await opened.check()).findings == []


async def test_the_id_of_an_asset_used_as_a_wallet_by_mistake_does_not_hide_the_asset(opened, make_ledger):
    from tests.ledger.words import issue, units

    asset = new_uuid7()
    await opened.post([tx(units(asset))])
    fresh = await make_ledger()  # has read nothing of the asset yet
    [mistake] = await fresh.post([tx(*top_up(asset, 1))])
    assert mistake.code == "wallet_unknown"
    [answer] = await fresh.post([tx(*issue(asset, WALLETS[0], 1))])
    assert isinstance(answer, Committed)
