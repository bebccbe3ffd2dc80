"""A freeze that comes after a decision: the issue goes on for the others, and a frozen payer's payments wait."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.kernel.roles import Role
from kapital.ledger.api import AssetKind, Basis, BasisKind, Position, SetFreeze, Transaction
from kapital.platform.ids import new_uuid7
from tests.tokenization.world import Person, World

PRICE = 100_000
BASIS = Basis(kind=BasisKind.STATUTE, reference="test")


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def freeze(
    world: World, person: Person, *, name: UUID | None = None, stops: bool = True, kind: AssetKind | None = None
) -> UUID:
    name = name or new_uuid7()
    change = SetFreeze(freeze=name, wallet=person.wallet, credits_stopped=stops, debits_stopped=stops, kind=kind)
    await world.post(Transaction(id=new_uuid7(), actor="test", basis=BASIS, freezes=(change,)))
    return name


async def allocated(world: World, issue_id: UUID) -> None:
    """The placement is over and decided; settlement has not heard of it."""
    world.clock.set((await world.issue(issue_id))["placement_end_at"])
    await world.tick()
    assert await world.state(issue_id) == "settling"


async def test_an_order_whose_buyer_was_frozen_after_the_allocation_is_turned_back_and_the_issue_circulates(
    world: World, issuer: Person
) -> None:
    people = await world.people(3, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=100, quantity_max=1000)
    placed = await world.order_all(people, issue_id, 60)
    await allocated(world, issue_id)
    name = await freeze(world, people[0])

    await world.bus.drain()

    assert await world.states(placed) == ["refunded", "settled", "settled"]
    assert await world.state(issue_id) == "circulating"
    assert [await world.units(person, issue_id) for person in people] == [0, 60, 60]
    assert [await world.money(person) for person in people] == [100 * PRICE, 40 * PRICE, 40 * PRICE]
    assert await world.money(people[0], Position.RESERVED) == 0
    issue = await world.issue(issue_id)
    assert (issue["allocated_units"], issue["paid_kopecks"]) == (120, 120 * PRICE)
    fills = await world.rows(
        "SELECT units, pay_kopecks, refund_kopecks FROM fill WHERE order_id = :id", id=placed[0].order_id
    )
    assert fills == [{"units": 0, "pay_kopecks": 0, "refund_kopecks": 60 * PRICE}]
    await world.check()

    # What was turned back is not delivered when the freeze ends.
    before = await world.snapshot()
    await freeze(world, people[0], name=name, stops=False)
    await world.to(world.clock.now() + timedelta(minutes=1))
    after = await world.snapshot()
    assert {table: rows for table, rows in after.items() if table != "ledger"} == {
        table: rows for table, rows in before.items() if table != "ledger"
    }


async def test_news_of_an_order_turned_back_told_twice_changes_nothing(world: World, issuer: Person) -> None:
    people = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=1000)
    await world.order_all(people, issue_id, 60)
    await allocated(world, issue_id)
    await freeze(world, people[0])
    await world.bus.drain()
    before = await world.snapshot()

    async with world.databases.get("tokenization").engine.begin() as conn:
        await conn.execute(text("DELETE FROM inbox"))
        await conn.execute(text("UPDATE bus_cursor SET position = 0 WHERE producer = 'settlement'"))
    await world.bus.drain()

    assert await world.snapshot() == before


async def test_a_frozen_issuers_payment_waits_in_sight_and_is_made_when_the_freeze_ends(
    world: World, issuer: Person
) -> None:
    people = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=1000)
    await world.order_all(people, issue_id, 60)
    await world.closed(issue_id)
    await world.top_up([issuer], 200 * PRICE)
    coupon = (await world.actions(issue_id))[0]
    before = [await world.money(person) for person in people]
    # Instructed while free, frozen before settlement hears it.
    world.clock.set(coupon["pay_at"])
    await world.tick()
    assert await states(world, issue_id) == "paying"
    name = await freeze(world, issuer)

    await world.bus.drain()
    told = len(await world.events("payouts_instructed"))
    for _ in range(3):
        await world.to(world.clock.now() + timedelta(seconds=1))

    assert await states(world, issue_id) == "underfunded"
    assert len(await world.events("payouts_instructed")) == told, "a frozen payer is not asked at every tick"
    assert [await world.money(person) for person in people] == before
    [note] = await world.rows("SELECT basis FROM audit_event WHERE action = 'tokenization.action_refused'")
    assert note["basis"]["code"] == "wallet_debits_frozen"

    await freeze(world, issuer, name=name, stops=False)
    await world.to(world.clock.now() + timedelta(seconds=1))

    assert await states(world, issue_id) == "paid"
    assert all(now > was for now, was in zip([await world.money(p) for p in people], before, strict=True))
    await world.check()


@pytest.mark.parametrize(("kind", "state"), [(AssetKind.UNITS, "paid"), (AssetKind.MONEY, "underfunded")])
async def test_only_a_freeze_of_money_holds_a_payment_back(
    world: World, issuer: Person, kind: AssetKind, state: str
) -> None:
    people = await world.people(1, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=1000)
    await world.order_all(people, issue_id, 60)
    await world.closed(issue_id)
    await world.top_up([issuer], 200 * PRICE)
    await freeze(world, issuer, kind=kind)

    await world.to((await world.actions(issue_id))[0]["pay_at"])

    assert await states(world, issue_id) == state
    await world.check()


async def states(world: World, issue_id: UUID) -> str:
    return str((await world.actions(issue_id))[0]["state"])
