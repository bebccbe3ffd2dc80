"""Withdrawals by the SBP: split at the limit, locked together, each part for itself to its end, all of it shown."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.ledger.api import Position
from kapital.platform.sbp_rules import SbpRule
from kapital.sandbox.bank.payouts import Behaviour
from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.domain.sbp_payout import split
from kapital.settlement.domain.sbp_problems import SbpDayLimitExceeded
from kapital.settlement.queries.list_sbp_withdrawals import get_sbp_withdrawal, list_sbp_withdrawals
from kapital.settlement.queries.list_withdrawals import list_withdrawals
from kapital.settlement.service import sbp_parts_of
from kapital.settlement.use_cases.request_sbp_withdrawal import RequestSbpWithdrawal, request_sbp_withdrawal
from tests.settlement.world import STAFF, START, Faults, ProcessDied, World, mortal

PAYEE = SbpPayee(phone="+79161234567", member_id="100000000004")
RULE = SbpRule(effective_from=START.date(), basis="agreement 7", payout_kopecks_max=600, payout_day_kopecks_max=1_000)


class Till:
    def __init__(self, world: World) -> None:
        self.world, self.commands = world, itertools.count()

    async def ask(
        self, wallet: UUID, kopecks: int, *, key: str | None = None, parts: Any = None, payee: SbpPayee = PAYEE
    ) -> Any:
        cmd = RequestSbpWithdrawal(
            command_id=CommandId(key or f"sbp-{next(self.commands)}"),
            actor=self.world.owners[wallet],
            wallet_id=wallet,
            amount_kopecks=kopecks,
            payee=payee,
        )
        return await request_sbp_withdrawal(cmd, parts or self.world.parts)

    async def shown(self, wallet: UUID, asked: Any) -> Any:
        async with self.world.database.connect() as conn:
            return await get_sbp_withdrawal(conn, self.world.owners[wallet], asked.sbp_withdrawal_id)

    async def money(self, wallet: UUID) -> tuple[int, int]:
        return await self.world.kopecks(wallet), await self.world.kopecks(wallet, Position.LOCKED)


@pytest_asyncio.fixture
async def till(world: World) -> Till:
    world.parts = replace(world.parts, sbp=sbp_parts_of([RULE]))
    return Till(world)


async def code_of(work: Any) -> str:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code


async def test_a_sum_above_the_limit_is_paid_in_parts_each_with_its_own_reference(world: World, till: Till) -> None:
    wallet = await world.funded(2_000)

    asked = await till.ask(wallet, 1_000)
    locked = await till.money(wallet)
    await world.run()
    shown = await till.shown(wallet, asked)

    assert [part.amount_kopecks for part in asked.parts] == [600, 400]
    assert locked == (1_000, 1_000)
    assert (shown.paid_kopecks, {part.state.value for part in shown.parts}) == (1_000, {"confirmed"})
    paid = await world.bank.paid()
    assert paid == {part.withdrawal_id.hex: part.amount_kopecks for part in asked.parts}
    assert await till.money(wallet) == (1_000, 0)
    assert (await world.reconcile()).difference_kopecks == 0


async def test_a_rejected_part_goes_back_once_and_the_withdrawal_tells_which_were_paid(
    world: World, till: Till
) -> None:
    wallet = await world.funded(2_000)
    asked = await till.ask(wallet, 1_000)
    await world.bank.script(Behaviour.REJECT, reason="wrong_recipient")

    for _ in range(3):
        await world.run()
    shown = await till.shown(wallet, asked)

    states = sorted((part.state.value, part.reason) for part in shown.parts if isinstance(part.reason, str))
    assert states == [("re_credited", "wrong_recipient")]
    (paid,) = [part for part in shown.parts if part.state.value == "confirmed"]
    assert shown.paid_kopecks == paid.amount_kopecks
    assert await till.money(wallet) == (2_000 - paid.amount_kopecks, 0)
    # What went back can be asked for again on the same day.
    assert (await till.ask(wallet, 1_000 - paid.amount_kopecks)).parts


async def test_parts_are_locked_together_or_not_at_all(world: World, till: Till) -> None:
    wallet = await world.funded(700)

    asked = await till.ask(wallet, 1_000)

    assert [(part.state.value, part.reason) for part in asked.parts] == [("refused", "balance_insufficient")] * 2
    assert await till.money(wallet) == (700, 0)


async def test_a_page_of_the_tick_cuts_no_withdrawal_in_two(
    world: World, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dead:
        async def post(self, _transactions: Any) -> Any:
            raise ProcessDied

    monkeypatch.setattr("kapital.settlement.use_cases.run_withdrawals.PER_TICK", 3)
    one, other = await world.funded(1_000), await world.funded(700)
    for wallet, phone in ((one, "+79161111111"), (other, "+79162222222")):
        payee = SbpPayee(phone=phone, member_id=PAYEE.member_id)
        dying = replace(world.parts, ledger=Dead())  # type: ignore[arg-type]
        with pytest.raises(ProcessDied):
            await till.ask(wallet, 1_000, parts=dying, payee=payee)

    for _ in range(3):
        await world.run()

    assert (await till.money(one), await till.money(other)) == ((0, 0), (700, 0))
    assert not await world.rows("SELECT 1 AS one FROM withdrawal WHERE state NOT IN ('confirmed', 'refused')")


async def test_a_recipient_is_paid_so_much_in_a_day_whoever_asks(world: World, till: Till) -> None:
    one, other = await world.funded(2_000), await world.funded(2_000)
    await till.ask(one, 900)

    with pytest.raises(SbpDayLimitExceeded) as refused:
        await till.ask(other, 101)
    # What others paid to a phone is theirs to know.
    assert refused.value.facts == {"limit_kopecks": 1_000, "basis": "agreement 7"}
    assert (await till.ask(other, 100)).parts
    stranger = SbpPayee(phone="+79990000000", member_id="100000000004")
    assert (await till.ask(other, 1_000, payee=stranger)).parts
    world.clock.advance(timedelta(days=1))
    assert (await till.ask(other, 101)).parts


@pytest.mark.parametrize(
    "payee",
    [SbpPayee("89161234567", "100000000004"), SbpPayee("+7916123456", "100000000004"), SbpPayee("+79161234567", "7")],
)
async def test_a_recipient_that_is_none_is_refused_and_leaves_nothing(
    world: World, till: Till, payee: SbpPayee
) -> None:
    wallet = await world.funded(100)

    assert await code_of(till.ask(wallet, 100, payee=payee)) == "sbp_payee_malformed"
    assert not await world.rows("SELECT 1 AS one FROM sbp_withdrawal")


async def test_wherever_the_process_dies_the_same_command_and_the_ticks_pay_once(world: World, till: Till) -> None:
    died = 0
    for die_at in itertools.count(1):
        wallet = await world.funded(1_000)
        payee = SbpPayee(phone=f"+7916{die_at:07}", member_id="100000000004")
        try:
            await till.ask(wallet, 1_000, key=f"d-{die_at}", parts=mortal(world.parts, Faults(die_at)), payee=payee)
        except ProcessDied:
            died += 1
        await till.ask(wallet, 1_000, key=f"d-{die_at}", payee=payee)
        await world.run()
        assert await till.money(wallet) == (0, 0)
        if died < die_at:
            break
    assert died > 3
    assert sum((await world.bank.paid()).values()) == 1_000 * (died + 1)


async def test_a_phone_stands_in_one_table_and_nowhere_else(world: World, till: Till) -> None:
    wallet, other = await world.funded(1_000), await world.funded(1_000)
    asked = await till.ask(wallet, 1_000)
    await world.run()

    told = str(await world.rows("SELECT data FROM outbox")) + str(await world.rows("SELECT * FROM audit_event"))
    assert str(asked.sbp_withdrawal_id) in told
    assert PAYEE.phone not in told
    assert PAYEE.phone[1:] not in told
    async with world.database.connect() as conn:
        assert (await list_withdrawals(conn, STAFF)).withdrawals == []
        assert len((await list_sbp_withdrawals(conn, STAFF)).sbp_withdrawals) == 1
        assert (await list_sbp_withdrawals(conn, world.owners[other])).sbp_withdrawals == []


@given(st.integers(1, 10**9), st.integers(1, 10**6))
def test_parts_are_as_few_as_can_be_and_together_the_sum(amount: int, limit: int) -> None:
    limit = max(limit, amount // 1_000 + 1)

    parts = split(amount, limit)

    assert sum(parts) == amount
    assert all(0 < part <= limit for part in parts)
    assert len(parts) == -(-amount // limit)
