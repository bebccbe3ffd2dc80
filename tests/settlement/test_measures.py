"""Money of who is under a measure of 115-FZ does not leave; to them it looks like any withdrawal. Scenario 25."""

from datetime import UTC
from uuid import UUID

import pytest

from kapital.ledger.api import Position
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank import Behaviour
from kapital.settlement.reactions import subscriptions
from tests.settlement.world import World

MEASURE_CHANGED = "kapital.identity.measure_changed.v1"


async def measure(world: World, wallet: UUID, now: str) -> None:
    """Let settlement hear of a measure as the bus brings it."""
    who = str(world.owners[wallet].participant_id)
    event = CloudEvent(
        id=new_uuid7(),
        source="/kapital/identity",
        type=MEASURE_CHANGED,
        subject=who,
        time=world.clock.now(),
        data={
            "participant_id": who,
            "measure": now,
            "measure_before": "free",
            "effective_at": world.clock.now().astimezone(UTC).isoformat(),
        },
        correlationid="test",
    )
    [handler] = [handler for types, handler in subscriptions(world.parts) if MEASURE_CHANGED in types]
    async with world.parts.uow.begin() as tx:
        await handler(tx, [event])


@pytest.mark.parametrize("under", ["held", "frozen"])
async def test_a_withdrawal_under_a_measure_is_taken_and_not_sent_until_the_measure_ends(
    world: World, under: str
) -> None:
    held, free = await world.funded(1_000_00), await world.funded(1_000_00)
    await measure(world, held, under)

    answers = [await world.ask(wallet, 300_00) for wallet in (held, free)]
    for _ in range(3):
        await world.run()

    assert [answer.outcome for answer in answers] == ["accepted", "accepted"]
    assert await world.states() == ["checked", "confirmed"]
    assert len(await world.bank.paid()) == 1
    assert await world.kopecks(held, Position.LOCKED) == 300_00
    await measure(world, held, "free")
    await world.run()
    assert await world.states() == ["confirmed", "confirmed"]
    assert (await world.reconcile()).difference_kopecks == 0


async def test_a_withdrawal_that_waits_when_the_measure_comes_is_not_sent(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await measure(world, wallet, "frozen")

    await world.run()

    assert await world.states() == ["checked"]
    assert await world.bank.paid() == {}


async def test_what_the_bank_never_saw_is_not_sent_again_under_a_measure(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.SILENT_BEFORE)
    await world.run()
    await measure(world, wallet, "held")

    for _ in range(3):
        await world.run()

    assert await world.bank.paid() == {}
    await measure(world, wallet, "free")
    for _ in range(2):
        await world.run()
    assert list((await world.bank.paid()).values()) == [300_00]
    assert await world.states() == ["confirmed"]


async def test_what_the_bank_has_paid_is_followed_to_its_end(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.SILENT_AFTER)
    await world.run()
    await measure(world, wallet, "frozen")

    await world.run()

    assert await world.states() == ["confirmed"]
    assert (await world.reconcile()).difference_kopecks == 0


async def test_the_register_refusing_a_frozen_account_does_not_tell_its_holder(world: World) -> None:
    """Whatever code the register has for a freeze, the answer is that of a withdrawal which takes its time."""
    wallet, poor = await world.funded(1_000_00), await world.funded(10_00)
    for one in (wallet, poor):
        await measure(world, one, "frozen")
    await world.stop(world.key(wallet), debits=True)

    answer, short = await world.ask(wallet, 300_00), await world.ask(poor, 300_00)
    for _ in range(2):
        await world.run()

    assert (answer.outcome, answer.code) == ("accepted", None)
    assert await world.kopecks(wallet) == 1_000_00
    assert (short.outcome, short.code) == ("refused", "balance_insufficient")
    assert await world.states() == ["requested", "refused"]
    assert [told["state"] for told in await world.events("withdrawal_changed")] == [
        "requested",
        "requested",
        "refused",
    ]
    await world.stop(world.key(wallet), debits=False)
    await measure(world, wallet, "free")
    await world.run()
    assert await world.states() == ["confirmed", "refused"]


async def test_held_withdrawals_do_not_stand_in_the_way_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kapital.settlement.use_cases.run_withdrawals.PER_TICK", 2)
    held = [await world.funded(100_00) for _ in range(3)]
    for wallet in held:
        await measure(world, wallet, "held")
        await world.ask(wallet, 50_00)
    free = await world.funded(100_00)
    await world.ask(free, 70_00)

    await world.run()

    assert list((await world.bank.paid()).values()) == [70_00]
