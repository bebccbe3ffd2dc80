"""Money and units of a frozen wallet: income is blocked, what was bound comes back, nothing is paid out."""

from uuid import UUID

import pytest

from kapital.ledger.api import Position, SetFreeze
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank import Behaviour
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.book_incoming import book_incoming
from tests.settlement.test_settlement_of_instructions import PRICE, held_issue
from tests.settlement.world import Faults, ProcessDied, World, action, due, mortal

FROZEN = Position.FROZEN


async def freeze(world: World, wallet: UUID, *, credits_stopped: bool = True, name: UUID | None = None) -> UUID:
    name = name or new_uuid7()
    change = SetFreeze(freeze=name, wallet=wallet, credits_stopped=credits_stopped, debits_stopped=True)
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

    await world.ask(wallet, 300_00)
    await world.run()

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
