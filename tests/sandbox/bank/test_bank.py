"""The sandbox bank keeps the promises of the port, and misbehaves only as told."""

import asyncio
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from kapital.kernel.problems import InvariantBroken
from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import Behaviour, SandboxBank
from kapital.sandbox.people import synthetic_people
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus
from tests.conftest import MakeDatabase

ACCOUNT, OTHER = (person.payout_account for person in synthetic_people(1, 2))
PAID = PayoutStatus(PayoutState.EXECUTED)


@pytest_asyncio.fixture
async def bank(make_database: MakeDatabase) -> SandboxBank:
    database = await make_database("sandbox_bank", "kapital.sandbox.bank.migrations", pool_size=10)
    return SandboxBank(database, SteppedClock(datetime(2026, 1, 1, tzinfo=UTC)))


async def test_a_payout_is_made_once_per_reference(bank: SandboxBank) -> None:
    await bank.receive(100, "")

    answers = await asyncio.gather(*(bank.pay_out("r", 60, ACCOUNT, "") for _ in range(5)))

    assert answers == [PAID] * 5
    assert await bank.balance_kopecks() == 40
    with pytest.raises(InvariantBroken):
        await bank.pay_out("r", 61, ACCOUNT, "")


async def test_the_list_of_credits_has_one_order_even_when_many_pay_at_once(bank: SandboxBank) -> None:
    seen: list[int] = []

    async def read() -> None:
        while len(seen) < 30:
            seen.extend(credit.cursor for credit in await bank.incoming(seen[-1] if seen else 0, 4))

    reading = asyncio.create_task(read())
    await asyncio.gather(*(bank.receive(1, f"{n}") for n in range(30)))
    await reading

    assert seen == list(range(1, 31))
    assert await bank.balance_kopecks() == 30


async def test_more_than_there_is_cannot_be_paid(bank: SandboxBank) -> None:
    await bank.receive(100, "")

    assert await bank.pay_out("r", 101, ACCOUNT, "") == PayoutStatus(PayoutState.REJECTED, "insufficient_funds")
    assert await bank.pay_out("r", 101, ACCOUNT, "") == PayoutStatus(PayoutState.REJECTED, "insufficient_funds")
    assert await bank.balance_kopecks() == 100


@pytest.mark.parametrize(
    ("behaviour", "found", "left"),
    [
        (Behaviour.SILENT_BEFORE, PayoutState.NOT_FOUND, 100),
        (Behaviour.SILENT_AFTER, PayoutState.EXECUTED, 90),
        (Behaviour.REJECT_SILENTLY, PayoutState.REJECTED, 100),
    ],
)
async def test_after_silence_an_enquiry_tells_the_truth(
    bank: SandboxBank, behaviour: Behaviour, found: PayoutState, left: int
) -> None:
    await bank.receive(100, "")
    await bank.script(behaviour, account=ACCOUNT.account)

    assert await bank.pay_out("other", 0 + 1, OTHER, "") == PAID
    with pytest.raises(BankSilent):
        await bank.pay_out("r", 10, ACCOUNT, "")

    assert (await bank.payout_status("r")).state is found
    assert await bank.balance_kopecks() == left - 1


async def test_the_script_is_used_up_in_order(bank: SandboxBank) -> None:
    await bank.receive(100, "")
    await bank.script(Behaviour.REJECT, reason="account_closed")
    await bank.script(Behaviour.PENDING, times=2)

    states = [(await bank.pay_out(f"r{n}", 1, ACCOUNT, "")).state.value for n in range(4)]

    assert states == ["rejected", "pending", "pending", "executed"]
    assert await bank.work_off() == 2
    assert await bank.paid() == {"r1": 1, "r2": 1, "r3": 1}
    assert await bank.balance_kopecks() == 97


async def test_a_bank_that_is_down_answers_nothing(bank: SandboxBank) -> None:
    await bank.go_down()

    for call in (
        bank.incoming(0, 1),
        bank.pay_out("r", 1, ACCOUNT, ""),
        bank.payout_status("r"),
        bank.balance_kopecks(),
    ):
        with pytest.raises(BankSilent):
            await call


async def test_notices_can_be_told_again_and_altered_without_money(bank: SandboxBank) -> None:
    bank_id = await bank.receive(100, "p")
    await bank.tell_again(bank_id)
    await bank.tell_again(bank_id, amount_kopecks=999)
    await bank.tell_again(bank_id, other_id="X")

    told = [(credit.bank_id, credit.amount_kopecks) for credit in await bank.incoming(0, 10)]

    assert told == [(bank_id, 100), (bank_id, 100), (bank_id, 999), ("X", 100)]
    assert await bank.balance_kopecks() == 100
