"""The port of escrow: one promise, two implementations; what is certain is taken over, everything else is silence."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.bank.escrow_port import SandboxEscrow
from kapital.sandbox.people import synthetic_people
from kapital.settlement.adapters.http_bank import HttpBank
from kapital.settlement.adapters.http_escrow import HttpEscrow
from kapital.settlement.domain.escrow import HoldOrder, HoldState, HoldStatus, hold_reference
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankSilent
from kapital.settlement.ports.escrow import Escrow
from tests.conftest import MakeDatabase
from tests.sandbox.bank.serving import Caller, caller_of, http_bank_over, served_here

H = HoldState
BUYER, SELLER = (one.payout_account for one in synthetic_people(1, 2))


def order(kopecks: int = 70) -> HoldOrder:
    instruction = uuid4()
    return HoldOrder(
        instruction_id=instruction,
        reference=hold_reference(instruction),
        amount_kopecks=kopecks,
        buyer_account=BUYER,
        seller_account=SELLER,
    )


@dataclass
class Side:
    escrow: Escrow
    counter: Caller


@pytest_asyncio.fixture(params=["in_process", "http"])
async def side(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncIterator[Side]:
    database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    bank = SandboxBank(database, SteppedClock(datetime(2026, 1, 1, tzinfo=UTC)))
    app = served_here(bank)
    http, counter = http_bank_over(app), caller_of(app)
    account = {"bic": BUYER.bic, "account": BUYER.account}
    await counter.post("/sandbox/clients", {"account": account, "amount_kopecks": 100})
    yield Side(HttpEscrow(http) if request.param == "http" else SandboxEscrow(bank), counter)
    await http.close()
    await counter.client.aclose()


async def test_each_call_is_answered_alike_and_may_be_repeated(side: Side) -> None:
    one, short, late, escrow = order(), order(31), order(1), side.escrow

    assert await escrow.status(one) == HoldStatus(H.NOT_FOUND)
    assert await escrow.release(one) == HoldStatus(H.NOT_FOUND)
    assert [await escrow.hold(one) for _ in range(2)] == [HoldStatus(H.HELD)] * 2
    assert await escrow.hold(short) == HoldStatus(H.REFUSED, "insufficient_funds")
    assert [await escrow.release(one) for _ in range(2)] == [HoldStatus(H.RELEASED)] * 2
    assert await escrow.cancel(one) == HoldStatus(H.RELEASED)
    assert await escrow.cancel(late) == HoldStatus(H.CANCELLED)
    assert await escrow.hold(late) == HoldStatus(H.CANCELLED)
    assert [(one.number, one.state) for one in await escrow.notices(0, 2)] == [(1, H.HELD), (1, H.REFUSED)]


async def test_our_reference_with_another_content_is_unclear_and_changes_nothing(side: Side) -> None:
    one = order()
    await side.escrow.hold(one)

    told = await side.escrow.hold(msgspec.structs.replace(one, amount_kopecks=71))

    assert told.state is H.UNCLEAR
    assert await side.escrow.status(one) == HoldStatus(H.HELD)


GOOD = {"hold_id": "dvp-x", "amount_kopecks": 70, "state": "held", "reason": None, "number": 1, "came_later": 1}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, GOOD, HoldStatus(H.HELD)),
        (200, GOOD | {"state": "release_rejected", "reason": "account_closed"},
         HoldStatus(H.RELEASE_REJECTED, "account_closed")),
        (200, GOOD | {"state": "unclear"}, HoldStatus(H.UNCLEAR)),
        (200, GOOD | {"amount_kopecks": None, "state": "cancelled"}, HoldStatus(H.CANCELLED)),
        # Said for certain, and not what we ordered: a person looks at it.
        (200, GOOD | {"amount_kopecks": 71}, HoldStatus(H.UNCLEAR, "of_another_sum")),
        (200, GOOD | {"hold_id": "dvp-y"}, HoldStatus(H.UNCLEAR, "of_another_hold")),
        (200, GOOD | {"state": "perhaps"}, HoldStatus(H.UNCLEAR, "state_unknown")),
        (404, {"code": "bank_hold_not_found"}, HoldStatus(H.NOT_FOUND)),
        (404, {"code": "route_not_found"}, "status_404"),
        (404, "<html>", "unreadable"),
        (200, GOOD | {"amount_kopecks": 70.0}, "unreadable"),
        (200, GOOD | {"reason": "Иванов"}, "unreadable"),
        (500, {}, None),
        (200, "x" * (8 * 1024 * 1024 + 1), "too_large"),
    ],
)  # fmt: skip
async def test_what_an_enquiry_is_told(status: int, body: Any, expected: HoldStatus | str | None) -> None:
    said = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=said))
    bank = HttpBank(httpx.AsyncClient(transport=transport, base_url="http://bank"), token="t", answer_key=None)
    asked = msgspec.structs.replace(order(), reference="dvp-x")

    if isinstance(expected, HoldStatus):
        assert await HttpEscrow(bank).status(asked) == expected
        return
    with pytest.raises(BankSilent if expected is None else BankAnswerNotTrusted) as refused:
        await HttpEscrow(bank).status(asked)
    assert expected is None or refused.value.facts == {"reason": expected}
    await bank.close()
