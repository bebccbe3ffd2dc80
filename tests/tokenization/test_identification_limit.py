"""A simplified identification has a limit of one operation: orders above it are refused. 115-FZ art. 7(1.1)."""

from datetime import timedelta
from typing import Any

import pytest

from kapital.kernel.roles import Role
from tests.tokenization.world import START, Person, World

PRICE = 100_000


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def identified(world: World, person: Person, **told: Any) -> None:
    until = (START + timedelta(days=365)).isoformat()
    decided = {
        "participant_id": str(person.id),
        "outcome": "approved",
        "category": "unqualified",
        "valid_until": until,
    }
    await world.hear(("identity.kyc_decided", decided | told))


async def simplified(world: World, person: Person, *, limit: int = 15 * PRICE) -> None:
    await identified(world, person, method="simplified", operation_limit_kopecks=limit)


async def test_an_order_above_the_limit_is_refused_and_one_at_it_is_not(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer)
    await simplified(world, investor)
    size = await world.ledger.size()

    above = await world.order(investor, issue_id, 16)

    assert above.refusal
    assert above.refusal.code == "order_exceeds_identification_limit"
    assert above.refusal.facts == {"amount_kopecks": 16 * PRICE, "limit_kopecks": 15 * PRICE}
    assert await world.ledger.size() == size
    assert (await world.order(investor, issue_id, 15)).outcome.value == "accepted"
    await world.check()


async def test_a_full_renewal_lifts_the_limit_and_an_older_event_leaves_it(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer)
    await simplified(world, investor)
    await identified(world, investor)  # of a program that did not tell the method yet
    refused = await world.order(investor, issue_id, 16)

    await identified(world, investor, method="full", operation_limit_kopecks=None)

    assert refused.refusal
    assert (await world.order(investor, issue_id, 16)).outcome.value == "accepted"


async def test_at_the_close_an_order_above_the_limit_that_came_since_gets_nothing(
    world: World, issuer: Person
) -> None:
    [downgraded, other] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=10, quantity_max=100)
    placed = await world.order_all([downgraded, other], issue_id, 20)
    await simplified(world, downgraded)

    await world.closed(issue_id)

    assert await world.states(placed) == ["refunded", "settled"]
    assert await world.money(downgraded) == 100 * PRICE
    await world.check()


async def test_a_term_shortened_bars_orders_from_its_end_on(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer)
    until = world.clock.now() + timedelta(minutes=5)
    told = {"participant_id": str(investor.id), "valid_until": until.isoformat()}
    await world.hear(("identity.kyc_term_changed", told))

    before = await world.order(investor, issue_id, 1)
    world.clock.advance(timedelta(minutes=5))
    after = await world.order(investor, issue_id, 1)

    assert before.outcome.value == "accepted"
    assert after.refusal
    assert after.refusal.code == "identification_must_be_valid"
