"""Placement by a live quote, and continuously: the price of the moment, an order's is a maximum. Scenarios 4, 7."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.problems import IdempotencyKeyReused
from kapital.tokenization.domain.quote import Quote
from kapital.tokenization.domain.terms_text import plain_value
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.publish_quote import PublishQuote
from tests.tokenization.world import EXAMPLES, Person, World, key

RUBLE = 100
LIVE = "live-quote-continuous"
MODE = plain_value((EXAMPLES / f"{LIVE}.yaml").read_bytes())["placement_mode"]
QUOTE, CONTINUOUS = MODE["quote"], MODE["continuous"]


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def opened(world: World, issuer: Person, mode: dict[str, Any], **changes: Any) -> Any:
    return await world.opened(issuer, **{"quantity_min": 1, "quantity_max": 1000, "placement_mode": mode, **changes})


async def quote(world: World, issuer: Person, issue_id: Any, value: str, **changes: Any) -> Quote:
    world.clock.set(world.clock.now() + timedelta(seconds=1))
    return await world.app.publish_quote(
        PublishQuote(
            **{
                "command_id": key(),
                "actor": issuer.actor,
                "issue_id": issue_id,
                "value": value,
                "quoted_at": world.clock.now(),
                **changes,
            }
        )
    )


async def order(world: World, person: Person, issue_id: Any, units: int, cap: int | None = None) -> Any:
    new = (
        NewOrder(issue_id=issue_id, units=units)
        if cap is None
        else NewOrder(issue_id=issue_id, units=units, max_price_kopecks=cap)
    )
    placed = await world.app.place_orders(PlaceOrders(command_id=key(), actor=person.actor, orders=(new,)))
    return placed.items[0]


async def settled(world: World) -> None:
    for _ in range(2):
        await world.tick()
        await world.bus.drain()


async def test_the_most_is_reserved_and_the_quotes_price_is_paid_the_rest_goes_back(
    world: World, issuer: Person
) -> None:
    [buyer] = await world.people(1, kopecks=10_000 * RUBLE)
    issue_id = await world.opened(issuer, LIVE, quantity_min=1, quantity_max=1000)
    await quote(world, issuer, issue_id, "2000")
    placed = await order(world, buyer, issue_id, 3, 1100 * RUBLE)
    assert placed.reserved_kopecks == 3300 * RUBLE
    assert await world.money(buyer, Position.RESERVED) == 3300 * RUBLE

    await quote(world, issuer, issue_id, "1800.01")
    await settled(world)

    # 1800.01 / 2 roubles, half a kopeck up, and 25 kopecks.
    price = 90_001 + 25
    assert await world.states([placed]) == ["settled"]
    assert await world.units(buyer, issue_id) == 3
    assert (await world.money(buyer), await world.money(buyer, Position.RESERVED)) == (10_000 * RUBLE - 3 * price, 0)
    assert await world.money(issuer) == 3 * price
    issue = await world.issue(issue_id)
    assert (issue["state"], issue["allocated_units"], issue["paid_kopecks"]) == ("placement_open", 3, 3 * price)
    await world.check()


async def test_an_order_is_never_filled_above_its_price_and_waits_for_a_lower_quote(
    world: World, issuer: Person
) -> None:
    [patient, rich] = await world.people(2, kopecks=10_000 * RUBLE)
    issue_id = await opened(world, issuer, {"quote": QUOTE, "continuous": CONTINUOUS})
    await quote(world, issuer, issue_id, "2000")
    waiting, quick = (
        await order(world, patient, issue_id, 1, 900 * RUBLE),
        await order(world, rich, issue_id, 1, 1500 * RUBLE),
    )
    await settled(world)
    assert await world.states([waiting, quick]) == ["accepted", "settled"]

    await quote(world, issuer, issue_id, "1799.5")
    await settled(world)

    assert await world.states([waiting]) == ["settled"]
    assert await world.money(patient) == 10_000 * RUBLE - 900 * RUBLE
    await world.check()


async def test_without_a_quote_that_serves_nothing_is_filled_and_the_close_gives_everything_back(
    world: World, issuer: Person
) -> None:
    [buyer] = await world.people(1, kopecks=10_000 * RUBLE)
    issue_id = await opened(world, issuer, {"quote": QUOTE, "continuous": CONTINUOUS})
    before = await order(world, buyer, issue_id, 1, 1500 * RUBLE)
    await settled(world)
    assert await world.states([before]) == ["accepted"]
    made = await quote(world, issuer, issue_id, "2000")
    world.clock.set(made.valid_until)
    await settled(world)
    assert await world.states([before]) == ["accepted"]

    await world.closed(issue_id)

    assert await world.states([before]) == ["refunded"]
    assert await world.state(issue_id) == "refunded"
    assert await world.money(buyer) == 10_000 * RUBLE
    await world.check()


async def test_one_close_by_the_quote_in_force_then_leaves_out_who_would_pay_less(
    world: World, issuer: Person
) -> None:
    people = await world.people(3, kopecks=10_000 * RUBLE)
    issue_id = await opened(world, issuer, {"quote": QUOTE}, quantity_max=10, when_full="accept")
    placed = [
        await order(world, person, issue_id, 6, cap * RUBLE)
        for person, cap in zip(people, (900, 1200, 1500), strict=True)
    ]
    end = (await world.issue(issue_id))["placement_end_at"]
    world.clock.set(end - timedelta(seconds=20))
    await quote(world, issuer, issue_id, "2000")
    await world.to(end)

    price = 1000 * RUBLE + 25
    assert await world.states(placed) == ["refunded", "settled", "settled"]
    assert [await world.units(person, issue_id) for person in people] == [0, 6, 4]
    assert await world.money(people[1]) == 10_000 * RUBLE - 6 * price
    assert (await world.issue(issue_id))["paid_kopecks"] == 10 * price
    assert await world.state(issue_id) == "circulating"
    await world.check()


async def test_continuous_at_a_fixed_price_issues_at_intervals_once_the_minimum_is_reached(
    world: World, issuer: Person
) -> None:
    people = await world.people(4, kopecks=10_000 * RUBLE)
    issue_id = await opened(
        world,
        issuer,
        {"continuous": {**CONTINUOUS, "every_s": 600}},
        quantity_min=5,
        quantity_max=12,
        when_full="accept",
    )
    first = await order(world, people[0], issue_id, 4)
    await settled(world)
    assert await world.states([first]) == ["accepted"]
    second = await order(world, people[1], issue_id, 3)
    await settled(world)
    assert await world.states([first, second]) == ["accepted", "accepted"]

    world.clock.set(world.clock.now() + timedelta(seconds=600))
    await settled(world)
    assert await world.states([first, second]) == ["settled", "settled"]
    third, fourth = await order(world, people[2], issue_id, 3), await order(world, people[3], issue_id, 4)
    await settled(world)
    assert await world.states([third, fourth]) == ["accepted", "accepted"]
    [withdrawn] = await world.withdraw(people[2], third)
    assert withdrawn.outcome.value == "withdrawn"
    last = await order(world, people[2], issue_id, 9)
    await world.closed(issue_id)

    assert await world.states([fourth, last]) == ["settled", "settled"]
    assert [await world.units(person, issue_id) for person in people] == [4, 3, 1, 4]
    issue = await world.issue(issue_id)
    assert (issue["state"], issue["allocated_units"]) == ("circulating", 12)
    assert len(await world.actions(issue_id)) > 0
    told = await world.events("allocation_decided")
    assert [(one["part"], one["parts"]) for one in told] == [(1, 1), (2, 2)]
    assert await world.money(people[2]) == 9_000 * RUBLE
    await world.check()


async def test_a_continuous_issue_circulates_after_its_close_when_all_was_filled_before(
    world: World, issuer: Person
) -> None:
    [buyer] = await world.people(1, kopecks=10_000 * RUBLE)
    issue_id = await opened(world, issuer, {"continuous": CONTINUOUS})
    await order(world, buyer, issue_id, 4)
    await settled(world)
    # One more is filled, and settlement hears of it only after the close.
    late = await order(world, buyer, issue_id, 1)
    await world.tick()
    world.clock.set((await world.issue(issue_id))["placement_end_at"])
    await world.tick()
    assert await world.state(issue_id) == "settling"

    await settled(world)

    assert await world.states([late]) == ["settled"]
    assert await world.state(issue_id) == "circulating"
    assert await world.units(buyer, issue_id) == 5
    await world.check()


async def test_two_processes_that_fill_at_once_fill_each_order_once(world: World, issuer: Person) -> None:
    people = await world.people(20, kopecks=1_000 * RUBLE)
    issue_id = await opened(world, issuer, {"continuous": CONTINUOUS}, quantity_max=15, when_full="accept")
    for person in people:
        await order(world, person, issue_id, 1)
    apps = [world.another_process() for _ in range(3)]

    await asyncio.gather(*(app.run_schedule(world.clock.now()) for app in apps))
    await world.bus.drain()

    assert sum([await world.units(person, issue_id) for person in people]) == 15
    assert (await world.issue(issue_id))["allocated_units"] == 15
    await world.check()


@pytest.mark.parametrize(
    ("cap", "code"),
    [
        (None, "order_needs_maximum_price"),
        (499, "order_price_must_be_in_corridor"),
        (1501, "order_price_must_be_in_corridor"),
    ],
)
async def test_an_order_without_a_price_within_the_corridor_is_refused(
    world: World, issuer: Person, cap: int | None, code: str
) -> None:
    [buyer] = await world.people(1, kopecks=10_000 * RUBLE)
    issue_id = await opened(world, issuer, {"quote": QUOTE})

    refused = await order(world, buyer, issue_id, 1, None if cap is None else cap * RUBLE)

    assert refused.refusal.code == code
    assert refused.refusal.facts["price_max_kopecks"] == 1500 * RUBLE


async def test_at_a_fixed_price_a_lower_maximum_is_refused_and_a_higher_one_reserves_the_price(
    world: World, issuer: Person
) -> None:
    [buyer] = await world.people(1, kopecks=10_000 * RUBLE)
    issue_id = await world.opened(issuer)

    assert (await order(world, buyer, issue_id, 1, 99_999)).refusal.code == "order_price_must_be_in_corridor"
    assert (await order(world, buyer, issue_id, 1, 100_001)).reserved_kopecks == 100_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"value": "999"}, "quote_out_of_corridor"),
        ({"value": "3000"}, "quote_out_of_corridor"),
        ({"value": "-2000"}, "quote_out_of_corridor"),
        ({"age": 60}, "quote_must_be_recent"),
        ({"age": -1}, "quote_must_be_recent"),
        ({"age": 2}, "quote_must_be_new"),
    ],
)
async def test_a_quote_that_the_decision_does_not_allow_is_not_published(
    world: World, issuer: Person, changes: dict[str, Any], code: str
) -> None:
    issue_id = await opened(world, issuer, {"quote": QUOTE})
    await quote(world, issuer, issue_id, "2000")
    if "age" in changes:
        changes = {"quoted_at": world.clock.now() + timedelta(seconds=1 - changes["age"])}

    with pytest.raises(Problem) as refused:
        await quote(world, issuer, issue_id, changes.pop("value", "2000"), **changes)

    assert refused.value.code == code
    assert len(await world.rows("SELECT * FROM quote")) == 1


async def test_a_quote_is_the_issuers_for_its_quoted_issue_once_and_for_ever(world: World, issuer: Person) -> None:
    [other] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    fixed = await world.opened(issuer)
    issue_id = await opened(world, issuer, {"quote": QUOTE})
    command = key()
    made = await quote(world, issuer, issue_id, "2000", command_id=command)

    assert await quote(world, issuer, issue_id, "2000", command_id=command, quoted_at=made.quoted_at) == made
    with pytest.raises(IdempotencyKeyReused):
        await quote(world, issuer, issue_id, "2001", command_id=command)
    with pytest.raises(Problem, match="does not follow a quote"):
        await quote(world, issuer, fixed, "2000")
    with pytest.raises(Problem, match="No such issue"):
        await quote(world, other, issue_id, "2000")
    with pytest.raises(DBAPIError, match="never changed"):
        async with world.app.parts.uow.begin() as tx:
            await tx.conn.exec_driver_sql("UPDATE quote SET price_kopecks = 1")
    world.clock.set((await world.issue(issue_id))["placement_end_at"])
    with pytest.raises(Problem, match="not open"):
        await quote(world, issuer, issue_id, "2000")
    assert len(await world.rows("SELECT * FROM quote")) == 1
