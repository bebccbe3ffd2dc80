"""Money and units of a frozen wallet: income is blocked, what was bound comes back, nothing is paid out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import InvariantBroken
from kapital.ledger.api import AssetKind, OpenWallet, Position, SetFreeze
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import REGISTRY
from kapital.sandbox.bank import Behaviour
from kapital.settlement.domain.problems import SettlementLineRefused
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from kapital.settlement.use_cases.settle_waiting import settle_waiting
from tests.settlement.test_settlement_of_instructions import PRICE, buyer, held_issue
from tests.settlement.world import Faults, ProcessDied, World, action, due, held, line, mortal

FROZEN = Position.FROZEN


async def freeze(
    world: World,
    wallet: UUID,
    *,
    credits_stopped: bool = True,
    debits_stopped: bool = True,
    name: UUID | None = None,
    kind: AssetKind | None = None,
) -> UUID:
    name = name or new_uuid7()
    change = SetFreeze(
        freeze=name, wallet=wallet, credits_stopped=credits_stopped, debits_stopped=debits_stopped, kind=kind
    )
    await world.enter(freezes=(change,))
    return name


async def thaw(world: World, wallet: UUID, name: UUID) -> None:
    await world.enter(freezes=(SetFreeze(freeze=name, wallet=wallet, credits_stopped=False, debits_stopped=False),))


async def test_a_coupon_reaches_the_frozen_holder_in_the_blocked_position(world: World) -> None:
    issue, issuer, (frozen, free) = await held_issue(world, 2)
    await freeze(world, frozen)

    await world.pay(action(issue, issuer, due(frozen, 10, 50), due(free, 10, 50)))

    assert (await world.kopecks(frozen), await world.kopecks(frozen, FROZEN)) == (0, 50)
    assert (await world.kopecks(free), await world.kopecks(free, FROZEN)) == (50, 0)
    assert len(await world.events("payouts_settled")) == 1


@pytest.mark.parametrize("locked", [True, False])
async def test_a_redemption_takes_frozen_units_for_blocked_money(world: World, locked: bool) -> None:
    issue, issuer, (wallet,) = await held_issue(world, 1)
    if locked:
        await world.stop(world.key(wallet, asset=issue), debits=True)
    await freeze(world, wallet)

    paid = due(wallet, 10, 10 * PRICE, extinguish=10)
    await world.pay(action(issue, issuer, paid, kind="redemption", locked=locked))

    assert await world.units(issue, wallet) == 0
    assert (await world.kopecks(wallet), await world.kopecks(wallet, FROZEN)) == (0, 10 * PRICE)


async def test_a_payout_that_died_anywhere_is_paid_once_though_the_freeze_came_and_went(world: World) -> None:
    issue, issuer, (wallet,) = await held_issue(world, 1)
    died = 0
    for die_at in range(1, 20):
        coupon = action(issue, issuer, due(wallet, 10, 5))
        name = await freeze(world, wallet) if die_at % 2 else None
        try:
            await world.pay(coupon, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        if name is not None:
            await thaw(world, wallet, name)
        else:
            name = await freeze(world, wallet)
        await world.pay(coupon)
        if die_at % 2 == 0:
            await thaw(world, wallet, name)
        assert await world.kopecks(wallet) + await world.kopecks(wallet, FROZEN) == 5 * die_at
        assert len(await world.events("payouts_settled")) == die_at
        if die_at > died:
            break
    assert died >= 4


async def test_a_frozen_client_withdraws_nothing(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await freeze(world, wallet)

    answer = await world.ask(wallet, 300_00)
    await world.run()

    assert (answer.outcome, answer.code) == ("refused", "participant_must_be_active")
    assert await world.states() == ["refused"]
    assert await world.bank.paid() == {}


async def test_money_locked_before_the_freeze_and_not_sent_goes_back_to_the_wallet(world: World) -> None:
    wallet, other = await world.funded(1_000_00), await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.ask(other, 300_00)
    await freeze(world, wallet)

    await world.run()

    assert sorted(await world.states()) == ["confirmed", "re_credited"]
    assert list((await world.bank.paid()).values()) == [300_00]
    assert (await world.kopecks(wallet), await world.kopecks(wallet, Position.LOCKED)) == (1_000_00, 0)
    assert (await world.reconcile()).difference_kopecks == 0


async def test_a_freeze_stops_what_waits_for_its_turn_at_the_bank(world: World) -> None:
    """Several are handed over in one go; the bank takes its time with the first, and the second is frozen."""
    first, second = await world.funded(1_000_00), await world.funded(1_000_00)
    for wallet in (first, second):
        await world.ask(wallet, 300_00)
    bank = SlowBank(world.bank, meanwhile=lambda: freeze(world, second))
    slow = replace(world.parts, bank=bank)

    await run_withdrawals(slow)
    await run_withdrawals(world.parts)

    assert list((await world.bank.paid()).values()) == [300_00]
    assert sorted(await world.states()) == ["confirmed", "sent"]
    assert await world.kopecks(second, Position.LOCKED) == 300_00
    await thaw(world, second, bank.frozen)
    await run_withdrawals(world.parts)
    assert await world.states() == ["confirmed", "confirmed"]
    assert (await world.reconcile()).difference_kopecks == 0


class SlowBank:
    """Something happens while the first payment is on its way."""

    def __init__(self, bank: Any, meanwhile: Callable[[], Awaitable[UUID]]) -> None:
        self._bank, self._meanwhile = bank, meanwhile
        self.frozen = UUID(int=0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bank, name)

    async def pay_out(self, *args: Any) -> Any:
        if self.frozen == UUID(int=0):
            self.frozen = await self._meanwhile()
        return await self._bank.pay_out(*args)


async def test_what_the_bank_paid_before_the_freeze_is_recorded_after_it(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.bank.script(Behaviour.SILENT_AFTER)
    await world.ask(wallet, 300_00)
    await world.run()
    await freeze(world, wallet)

    await world.run()

    assert await world.states() == ["confirmed"]
    assert (await world.reconcile()).difference_kopecks == 0


@pytest.mark.parametrize("credits_stopped", [True, False])
async def test_a_top_up_follows_the_direction_of_the_freeze(world: World, credits_stopped: bool) -> None:
    wallet = await world.funded(1_000_00)
    await freeze(world, wallet, credits_stopped=credits_stopped)

    await world.bank.receive(500, f"Пополнение {top_up_code(wallet)}")
    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 1_000_00 + (0 if credits_stopped else 500)
    assert (await world.reconcile()).difference_kopecks == 0


@pytest.mark.parametrize(
    "of",
    [
        {},
        {"kind": AssetKind.MONEY, "credits_stopped": False},
        {"kind": AssetKind.UNITS, "debits_stopped": False},
    ],
    ids=["everything", "money may not leave", "units may not come"],
)
async def test_a_buyer_frozen_after_the_allocation_gets_the_reserve_back_and_the_others_their_units(
    world: World, of: dict[str, Any]
) -> None:
    issue, issuer = await world.issue(), await world.wallet()
    frozen, free, unfilled = [await buyer(world, 500_00) for _ in range(3)]
    barred, given = [line(wallet, 3, 300_00, 200_00) for wallet in (frozen, free)]
    empty = line(unfilled, 0, 0, 500_00)
    await freeze(world, frozen, **of)

    await world.allocate(held(issue, issuer, barred, given, empty))

    assert (await world.kopecks(frozen), await world.kopecks(frozen, Position.RESERVED)) == (500_00, 0)
    assert [await world.units(issue, wallet) for wallet in (frozen, free, unfilled)] == [0, 3, 0]
    assert await world.kopecks(issuer) == 300_00
    (told,) = await world.events("allocation_settled")
    assert [(one["order_id"], one["units"], one["pay_kopecks"], one["refund_kopecks"]) for one in told["lines"]] == [
        (str(barred.order_id), 0, 0, 500_00),
        (str(given.order_id), 3, 300_00, 200_00),
        (str(empty.order_id), 0, 0, 500_00),
    ]
    assert await world.rows("SELECT state, lines FROM settlement_job") == [{"state": "settled", "lines": 3}]


async def test_units_whose_debits_alone_are_frozen_are_delivered(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, PRICE)
    await freeze(world, wallet, kind=AssetKind.UNITS, credits_stopped=False)
    await world.allocate(held(issue, issuer, line(wallet, 1, PRICE, 0)))
    assert await world.units(issue, wallet) == 1


async def test_one_reserve_goes_one_way_though_the_process_died_and_the_freeze_came_and_went(world: World) -> None:
    issuer, died = await world.wallet(), 0
    for die_at in range(1, 24):
        # Two orders' worth is reserved: what went out twice would come out of the other one.
        issue, wallet = await world.issue(), await buyer(world, 4 * PRICE)
        decided = held(issue, issuer, line(wallet, 1, PRICE, PRICE))
        before = await world.kopecks(issuer)
        name = await freeze(world, wallet) if die_at % 2 else None
        try:
            await world.allocate(decided, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        if name is not None:
            await thaw(world, wallet, name)
        else:
            await freeze(world, wallet)
        await world.allocate(decided)

        units = await world.units(issue, wallet)
        assert await world.kopecks(wallet, Position.RESERVED) == 2 * PRICE
        assert await world.kopecks(wallet) == (2 - units) * PRICE
        assert await world.kopecks(issuer) - before == units * PRICE
        told = (await world.events("allocation_settled"))[-1]["lines"][0]
        assert (told["units"], len(await world.events("allocation_settled"))) == (units, die_at)
        if die_at > died + 1:
            break
    assert died >= 4


async def test_another_entry_under_the_id_of_a_delivery_is_a_fault_and_not_a_freeze(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, PRICE)
    order = line(wallet, 1, PRICE, 0)
    await world.enter(opens=(OpenWallet(new_uuid7()),), entry_id=derive_uuid7(order.order_id, "dvp"))

    with pytest.raises(SettlementLineRefused) as told:
        await world.allocate(held(issue, issuer, order))

    assert told.value.facts["ledger_code"] == "id_reused_with_other_content"
    assert await world.kopecks(wallet, Position.RESERVED) == PRICE


@pytest.mark.parametrize("enough", [True, False])
async def test_a_payer_frozen_after_the_instruction_pays_nobody_until_the_freeze_ends(
    world: World, enough: bool
) -> None:
    issue, issuer, holders = await held_issue(world, 2)
    money = await world.kopecks(issuer)
    each = 50 if enough else money
    coupon = action(issue, issuer, *(due(holder, 10, each) for holder in holders))
    name = await freeze(world, issuer, credits_stopped=False)

    await world.pay(coupon)
    await world.pay(coupon)

    assert [await world.kopecks(holder) for holder in holders] == [0, 0]
    told = await world.events("payouts_refused")
    assert [(one["code"], one["needed_kopecks"], one["available_kopecks"]) for one in told] == [
        ("wallet_debits_frozen", 2 * each, money)
    ] * 2
    await thaw(world, issuer, name)
    await world.pay(coupon)
    assert [await world.kopecks(holder) for holder in holders] == ([50, 50] if enough else [0, 0])
    assert len(await world.events("payouts_settled")) == int(enough)


async def test_no_money_goes_to_an_issuer_frozen_after_the_allocation_until_the_freeze_ends(world: World) -> None:
    issue, issuer = await world.issue(), await world.wallet()
    buyers = [await buyer(world, PRICE) for _ in range(2)]
    decided = held(issue, issuer, *(line(wallet, 1, PRICE, 0) for wallet in buyers))
    other_issue, other_issuer, other = await world.issue(), await world.wallet(), await buyer(world, PRICE)
    name = await freeze(world, issuer)

    for _ in range(2):
        await world.allocate(decided)
        await settle_waiting(world.parts)
    await world.allocate(held(other_issue, other_issuer, line(other, 1, PRICE, 0)))

    assert await world.kopecks(issuer) == 0
    assert [await world.kopecks(wallet, Position.RESERVED) for wallet in buyers] == [PRICE, PRICE]
    assert await world.units(other_issue, other) == 1
    assert [told["issue_id"] for told in await world.events("allocation_settled")] == [str(other_issue)]
    jobs = f"SELECT state, waiting IS NOT NULL AS waits FROM settlement_job WHERE subject_id = '{issue}'"
    assert await world.rows(jobs) == [{"state": "committing", "waits": True}]
    assert parts_waiting() == 1
    with pytest.raises(InvariantBroken):
        await world.allocate(held(issue, issuer, line(buyers[0], 1, PRICE, 0)))

    await thaw(world, issuer, name)
    await settle_waiting(world.parts)
    await settle_waiting(world.parts)

    assert [await world.units(issue, wallet) for wallet in buyers] == [1, 1]
    assert await world.kopecks(issuer) == 2 * PRICE
    assert await world.rows(jobs) == [{"state": "settled", "waits": False}]
    assert len(await world.events("allocation_settled")) == 2
    assert parts_waiting() == 0


async def test_what_waits_for_an_issuer_is_settled_once_though_the_process_died_anywhere(world: World) -> None:
    died = 0
    for die_at in range(1, 20):
        issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, PRICE)
        name = await freeze(world, issuer)
        await world.allocate(held(issue, issuer, line(wallet, 1, PRICE, 0)))
        await thaw(world, issuer, name)
        try:
            await settle_waiting(mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        await settle_waiting(world.parts)
        assert (await world.units(issue, wallet), await world.kopecks(issuer)) == (1, PRICE)
        assert len(await world.events("allocation_settled")) == die_at
        if die_at > died:
            break
    assert died >= 4


async def test_a_buyer_and_the_issuer_frozen_together_leave_the_reserve_with_the_buyer(world: World) -> None:
    issue, issuer = await world.issue(), await world.wallet()
    frozen, free = [await buyer(world, PRICE) for _ in range(2)]
    decided = held(issue, issuer, line(frozen, 1, PRICE, 0), line(free, 1, PRICE, 0))
    names = [await freeze(world, wallet) for wallet in (issuer, frozen)]
    await world.allocate(decided)
    for wallet, name in zip((issuer, frozen), names, strict=True):
        await thaw(world, wallet, name)

    await settle_waiting(world.parts)

    assert [await world.units(issue, wallet) for wallet in (frozen, free)] == [0, 1]
    assert [await world.kopecks(wallet) for wallet in (frozen, free)] == [PRICE, 0]
    (told,) = await world.events("allocation_settled")
    assert [one["units"] for one in told["lines"]] == [0, 1]


def parts_waiting() -> float | None:
    return REGISTRY.get_sample_value("kapital_allocations_waiting")
