"""The writer's end: whatever stops it, and whoever loses patience with it, no caller is left without an answer."""

import asyncio

import pytest

from kapital.kernel.problems import Problem
from kapital.ledger.adapters import store
from kapital.ledger.api import Committed, OpenWallet
from kapital.ledger.service import LedgerService
from kapital.ledger.use_cases.post import LedgerClosed, LedgerStopped, Poster
from kapital.platform.ids import new_uuid7
from tests.ledger.words import tx

PATIENCE_S = 120


def held_writes(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold every write until it is let go; the first event says that one has begun, the second lets all go."""
    begun, let_go, real = asyncio.Event(), asyncio.Event(), store.write_batch

    async def held(*args: object) -> None:
        begun.set()
        await let_go.wait()
        await real(*args)

    monkeypatch.setattr(store, "write_batch", held)
    return begun, let_go


async def test_who_gives_up_on_the_close_takes_no_answer_from_those_who_wait(ledger: LedgerService, monkeypatch):
    begun, let_go = held_writes(monkeypatch)
    calls = [asyncio.create_task(ledger.post([tx(OpenWallet(new_uuid7()))])) for _ in range(3)]
    await begun.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ledger.close(), 0.01)
    let_go.set()
    answers = await asyncio.wait_for(asyncio.gather(*calls), PATIENCE_S)
    assert all(isinstance(a, Committed) for [a] in answers)
    await asyncio.wait_for(ledger.close(), PATIENCE_S)


async def test_two_closes_at_once_both_end(ledger: LedgerService, monkeypatch):
    begun, let_go = held_writes(monkeypatch)
    call = asyncio.create_task(ledger.post([tx(OpenWallet(new_uuid7()))]))
    await begun.wait()
    closing = asyncio.gather(ledger.close(), ledger.close())
    await asyncio.sleep(0)
    let_go.set()
    await asyncio.wait_for(closing, PATIENCE_S)
    assert not ledger.stopped
    assert isinstance((await call)[0], Committed)
    with pytest.raises(LedgerClosed):
        await ledger.post([tx(OpenWallet(new_uuid7()))])


@pytest.mark.parametrize("part", ["_hand_over", "_outcomes"])
async def test_a_writer_that_dies_tells_everyone_who_waits(ledger: LedgerService, monkeypatch, part):
    class Fatal(BaseException):
        """What no part of the writer catches."""

    begun, may_die = asyncio.Event(), asyncio.Event()

    async def die(*args: object) -> None:
        begun.set()
        await may_die.wait()
        raise Fatal

    monkeypatch.setattr(Poster, part, die)
    calls = [asyncio.create_task(ledger.post([tx(OpenWallet(new_uuid7()))])) for _ in range(3)]
    await begun.wait()
    calls.append(asyncio.create_task(ledger.post([tx(OpenWallet(new_uuid7()))])))
    await asyncio.sleep(0)  # it waits too
    may_die.set()
    told = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE_S)
    assert [type(t) for t in told] == [LedgerStopped] * 4
    assert ledger.stopped
    with pytest.raises(Problem):
        await asyncio.wait_for(ledger.post([tx(OpenWallet(new_uuid7()))]), PATIENCE_S)
    await asyncio.wait_for(ledger.close(), PATIENCE_S)


async def test_the_end_of_the_process_answers_too_and_is_not_logged_as_a_fault(
    ledger: LedgerService, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    async def cancelled(*args: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(Poster, "_hand_over", cancelled)
    call = asyncio.create_task(ledger.post([tx(OpenWallet(new_uuid7()))]))
    [told] = await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), PATIENCE_S)
    assert type(told) is LedgerStopped
    assert "ledger.writer_stopped" not in capsys.readouterr().err
    await asyncio.wait_for(ledger.close(), PATIENCE_S)
