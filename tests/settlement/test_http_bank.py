"""The adapter of a bank over HTTP: what is certain is taken over, everything else is silence and never a refusal."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kapital.kernel.problems import InvariantBroken
from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import SandboxBank
from kapital.settlement.adapters.http_bank import HttpBank
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankRefusesUs, BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus
from tests.conftest import MakeDatabase
from tests.sandbox.bank.serving import TOKEN_OF_TESTS, Caller, caller_of, served_here
from tests.settlement.world import ACCOUNT


@pytest_asyncio.fixture
async def counter(make_database: MakeDatabase) -> SandboxBank:
    database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    return SandboxBank(database, SteppedClock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest_asyncio.fixture
async def both(counter: SandboxBank) -> AsyncIterator[tuple[HttpBank, Caller]]:
    app = served_here(counter)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bank")
    yield HttpBank(client, token=TOKEN_OF_TESTS, answer_key=app.key.public_key()), caller_of(app)
    await client.aclose()


async def test_an_answer_that_the_bank_did_not_sign_is_not_believed(
    both: tuple[HttpBank, Caller], counter: SandboxBank
) -> None:
    bank, caller = both
    await counter.receive(100, "p")
    for do in ("bad_signature", "altered_sum"):
        await caller.play(*({"at": at, "do": do} for at in ("list_incoming", "get_account", "create_payment")))
        for call in (bank.incoming(0, 10), bank.balance_kopecks(), bank.pay_out(f"r-{do}", 10, ACCOUNT, "p")):
            with pytest.raises(BankAnswerNotTrusted):
                await call

        assert await bank.payout_status(f"r-{do}") == PayoutStatus(PayoutState.EXECUTED)
    assert [credit.amount_kopecks for credit in await bank.incoming(0, 10)] == [100]


async def test_who_is_asked_to_wait_sends_the_same_again(both: tuple[HttpBank, Caller], counter: SandboxBank) -> None:
    bank, caller = both
    await counter.receive(100, "p")
    await caller.play({"at": "create_payment", "do": "too_many_requests"})

    assert await bank.pay_out("r", 10, ACCOUNT, "p") == PayoutStatus(PayoutState.EXECUTED)

    await caller.play({"at": "create_payment", "do": "too_many_requests", "seconds": 3600})
    with pytest.raises(BankSilent):
        await bank.pay_out("r2", 10, ACCOUNT, "p")
    assert (await bank.payout_status("r2")).state is PayoutState.NOT_FOUND
    assert await counter.balance_kopecks() == 90


async def test_another_content_under_a_reference_is_our_fault_and_stops(both: tuple[HttpBank, Caller]) -> None:
    bank, _ = both
    await bank.pay_out("r", 10, ACCOUNT, "p")

    with pytest.raises(InvariantBroken):
        await bank.pay_out("r", 11, ACCOUNT, "p")


async def test_a_payment_that_the_bank_cannot_take_is_rejected(both: tuple[HttpBank, Caller]) -> None:
    bank, _ = both

    assert await bank.pay_out("r", 10, ACCOUNT, "x" * 211) == PayoutStatus(
        PayoutState.REJECTED, "body_must_match_contract"
    )
    assert (await bank.payout_status("r")).state is PayoutState.NOT_FOUND


async def test_a_bank_that_does_not_know_us_says_nothing_about_money(counter: SandboxBank) -> None:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(served_here(counter)), base_url="http://bank")
    bank = HttpBank(client, token="of somebody else", answer_key=None)

    with pytest.raises(BankRefusesUs):
        await bank.payout_status("r")
    await client.aclose()


GOOD = {"payment_id": "r", "amount_kopecks": 10, "state": "succeeded", "reason": None, "came_later": 1}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, GOOD, PayoutStatus(PayoutState.EXECUTED)),
        (200, GOOD | {"state": "pending"}, PayoutStatus(PayoutState.PENDING)),
        (200, GOOD | {"state": "cancelled"}, PayoutStatus(PayoutState.REJECTED, "cancelled")),
        (200, GOOD | {"state": "perhaps"}, "state_unknown"),
        (200, GOOD | {"payment_id": "s"}, "of_another_payment"),
        (200, GOOD | {"amount_kopecks": 10.0}, "unreadable"),
        (200, {}, "unreadable"),
        (200, "not json", "unreadable"),
        (404, {"code": "bank_payment_not_found"}, PayoutStatus(PayoutState.NOT_FOUND)),
        (404, {"code": "route_not_found"}, "status_404"),
        (404, "<html>", "unreadable"),
        (302, {}, "status_302"),
        (200, "x" * (8 * 1024 * 1024 + 1), "too_large"),
    ],
)
async def test_what_an_enquiry_is_told(status: int, body: Any, expected: PayoutStatus | str) -> None:
    said = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=said))
    bank = HttpBank(httpx.AsyncClient(transport=transport, base_url="http://bank"), token="t", answer_key=None)

    if isinstance(expected, PayoutStatus):
        assert await bank.payout_status("r") == expected
    else:
        with pytest.raises(BankAnswerNotTrusted) as refused:
            await bank.payout_status("r")
        assert refused.value.facts == {"reason": expected}


async def test_an_answer_without_a_signature_is_not_believed_where_a_key_is_named() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"balance_kopecks": 1}))
    client = httpx.AsyncClient(transport=transport, base_url="http://bank")

    with pytest.raises(BankAnswerNotTrusted):
        await HttpBank(client, token="t", answer_key=Ed25519PrivateKey.generate().public_key()).balance_kopecks()
