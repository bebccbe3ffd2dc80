"""A measure of 115-FZ holds orders: no new ones, none withdrawn, none filled; nobody learns why. Scenario 25."""

from datetime import timedelta

import msgspec
import pytest

from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from tests.tokenization.world import Person, World

PRICE = 100_000


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def measure(world: World, person: Person, now: str, *, before: str = "free") -> None:
    told = {"participant_id": str(person.id), "measure": now, "measure_before": before}
    await world.hear(("identity.measure_changed", {**told, "effective_at": world.clock.now().isoformat()}))


@pytest.mark.parametrize("under", ["held", "frozen"])
async def test_who_is_under_a_measure_is_refused_like_anybody_of_another_standing(
    world: World, issuer: Person, under: str
) -> None:
    measured, closing, free = await world.people(3, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    told = {"participant_id": str(closing.id), "state": "closing"}
    await world.hear(("registry.participant_state_changed", told))
    await measure(world, measured, under)
    size = await world.ledger.size()

    placed = [await world.order(person, issue_id, 1) for person in (measured, closing)]

    held, other = (msgspec.json.encode(msgspec.structs.replace(one, order_id=None)) for one in placed)
    assert held == other
    assert b"participant_must_be_active" in held
    assert await world.ledger.size() == size
    assert (await world.order(free, issue_id, 1)).outcome.value == "accepted"
    await world.check()


@pytest.mark.parametrize("under", ["held", "frozen"])
async def test_an_open_order_of_who_comes_under_a_measure_stays_as_it_is(
    world: World, issuer: Person, under: str
) -> None:
    [investor, closing] = await world.people(2, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    placed = [await world.order(person, issue_id, 5) for person in (investor, closing)]
    await measure(world, investor, under)
    told = {"participant_id": str(closing.id), "state": "closing"}
    await world.hear(("registry.participant_state_changed", told))

    [answer], [other] = await world.withdraw(investor, placed[0]), await world.withdraw(closing, placed[1])

    assert msgspec.structs.replace(answer, order_id=other.order_id) == other
    assert answer.outcome.value == "refused"
    assert await world.states(placed) == ["accepted", "accepted"]
    assert await world.money(investor, Position.RESERVED) == 5 * PRICE
    [audit] = await world.rows("SELECT subject FROM audit_event WHERE action = 'tokenization.order_held'")
    assert audit["subject"] == str(placed[0].order_id)
    await world.check()


async def test_at_the_close_a_held_order_gets_nothing_and_its_money_stays_in_its_own_wallet(
    world: World, issuer: Person
) -> None:
    [frozen, free] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=100)
    placed = await world.order_all([frozen, free], issue_id, 50)
    await measure(world, frozen, "frozen")

    await world.closed(issue_id)

    assert await world.states(placed) == ["refunded", "settled"]
    assert [await world.units(p, issue_id) for p in (frozen, free)] == [0, 50]
    assert await world.money(frozen) == 100 * PRICE
    await world.check()


async def test_a_measure_that_ends_before_the_close_leaves_the_order_its_place_in_the_queue(
    world: World, issuer: Person
) -> None:
    [first, second] = await world.people(2, kopecks=1000 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=100, when_full="accept")
    placed = [await world.order(person, issue_id, 80) for person in (first, second)]
    await measure(world, first, "held")
    world.clock.advance(timedelta(minutes=5))
    await measure(world, first, "free", before="held")

    await world.closed(issue_id)

    assert await world.states(placed) == ["settled", "settled"]
    assert [await world.units(p, issue_id) for p in (first, second)] == [80, 20]
    let_go = await world.rows("SELECT subject FROM audit_event WHERE action = 'tokenization.order_let_go'")
    assert [row["subject"] for row in let_go] == [str(placed[0].order_id)]
    await world.check()


async def test_a_measure_is_known_before_anything_else_is_told_of_a_participant(world: World, issuer: Person) -> None:
    [somebody] = await world.people(1, kopecks=PRICE)
    issue_id = await world.opened(issuer)
    await measure(world, somebody, "held")
    await world.tell_of(somebody)  # what the registry and identity tell later takes nothing of it away

    placed = await world.order(somebody, issue_id, 1)

    assert placed.refusal
    assert placed.refusal.code == "participant_must_be_active"
