"""Faults of time: a bank that answers late, and a bank whose clock is wrong."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import SandboxBank, faults, serving
from kapital.sandbox.bank.clock import BankClock
from kapital.sandbox.bank.serving import bank_app, open_clock
from tests.sandbox.bank.serving import TOKEN_OF_TESTS, Caller, caller_of

BASE = "/v1/nominal-account"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TWO_DAYS_S = 172_800


async def test_a_late_answer_holds_up_its_own_caller_only_and_tells_how_things_stand_then(
    caller: Caller, bank: SandboxBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked, seconds = asyncio.Event(), asyncio.Event(), []

    async def wait(fault: faults.Fault | None) -> None:
        seconds.append(fault.seconds if fault else None)
        asked.set()
        await over.wait()

    monkeypatch.setattr(serving, "_wait", wait)
    await bank.receive(100, "before")
    await caller.play({"at": "list_incoming", "do": "delay", "seconds": 3600})

    late = asyncio.create_task(caller.get(f"{BASE}/incoming-payments"))
    await asked.wait()
    others = [(await caller.get(f"{BASE}/incoming-payments")).json()["items"], (await caller.get(BASE)).status_code]
    await bank.receive(200, "meanwhile")
    waited = not late.done()
    over.set()

    assert waited
    assert seconds == [3600]
    assert (len(others[0]), others[1]) == (1, 200)
    assert [one["amount_kopecks"] for one in (await late).json()["items"]] == [100, 200]


async def test_a_wrong_clock_is_wrong_in_all_that_the_bank_tells_until_it_is_set_back(bank: SandboxBank) -> None:
    clock = BankClock(SteppedClock(NOW))
    here = SandboxBank(bank.database, clock)
    app = bank_app(here, clock, token=TOKEN_OF_TESTS, key=Ed25519PrivateKey.generate(), restart=lambda: None)
    caller = caller_of(app)

    async def credited_at() -> list[datetime]:
        await caller.post("/sandbox/credits", {"amount_kopecks": 1, "purpose": ""})
        items = (await caller.get(f"{BASE}/incoming-payments")).json()["items"]
        return [_to_the_minute(datetime.fromisoformat(one["credited_at"])) for one in items]

    await caller.play({"at": "any", "do": "clock_skew", "seconds": TWO_DAYS_S})
    assert (await caller.get(BASE)).status_code == 200  # the call that meets it is answered as ever
    ahead = NOW + timedelta(days=2)
    assert await credited_at() == [ahead]
    page = (await caller.client.get("/")).text
    assert "03.01.2026 03:00:" in page  # of Moscow

    again = BankClock(SteppedClock(NOW))
    await open_clock(again, here)
    assert _to_the_minute(again.now()) == ahead, "a restart does not put it right"

    await caller.play({"at": "any", "do": "clock_skew", "seconds": -TWO_DAYS_S})
    await caller.get(BASE)
    # What came before stays in its place of the list, whatever its time says.
    assert await credited_at() == [ahead, NOW]
    await caller.client.aclose()


def _to_the_minute(at: datetime) -> datetime:
    # The clock of a test moves by a little each time it is read.
    return at.replace(second=0, microsecond=0)
