"""The close: held or failed, allocation, refunds; once, whoever runs it and how often. Scenarios 2–5, 29."""

import asyncio
from datetime import timedelta

import pytest

from kapital.kernel.roles import Role
from tests.tokenization.world import Person, World, statuses_changed

PRICE = 100_000


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def test_below_the_minimum_the_issue_fails_and_every_kopeck_goes_back(world: World, issuer: Person) -> None:
    people = await world.people(3, kopecks=40 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=100, quantity_max=1000)
    placed = await world.order_all(people, issue_id, 33)

    await world.closed(issue_id)

    assert await world.state(issue_id) == "refunded"
    assert await world.states(placed) == ["refunded"] * 3
    assert [await world.money(p) for p in people] == [40 * PRICE] * 3
    assert await world.ledger.register(issue_id) == []
    told = [event["state"] for event in await world.events("issue_state_changed")]
    assert told[-4:] == ["placement_closed", "failed", "refunding", "refunded"]
    assert await world.actions(issue_id) == []
    await world.check()


async def test_between_minimum_and_maximum_only_what_was_subscribed_is_issued(world: World, issuer: Person) -> None:
    people = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=100, quantity_max=1000)
    await world.order_all(people, issue_id, 60)

    await world.closed(issue_id)

    assert await world.state(issue_id) == "circulating"
    assert (await world.issue(issue_id))["allocated_units"] == 120
    assert await world.money(issuer) == 120 * PRICE
    await world.check()


async def test_by_time_priority_the_last_is_cut_and_later_ones_get_nothing(world: World, issuer: Person) -> None:
    people = await world.people(4, kopecks=500 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=100, quantity_max=1000, when_full="accept")
    placed = [await world.order(person, issue_id, 400) for person in people]

    await world.closed(issue_id)

    assert [await world.units(p, issue_id) for p in people] == [400, 400, 200, 0]
    assert await world.states(placed) == ["settled", "settled", "settled", "refunded"]
    assert [await world.money(p) for p in people] == [100 * PRICE, 100 * PRICE, 300 * PRICE, 500 * PRICE]
    [told] = await world.events("allocation_decided")
    for line in told["lines"]:
        assert line["pay_kopecks"] == line["units"] * PRICE
        assert line["pay_kopecks"] + line["refund_kopecks"] == line["reserved_kopecks"]
    await world.check()


async def test_pro_rata_sums_to_the_quantity(world: World, issuer: Person) -> None:
    people = await world.people(3, kopecks=1000 * PRICE)
    issue_id = await world.opened(
        issuer, quantity_min=100, quantity_max=1000, when_full="accept", allocation="pro_rata"
    )
    await world.order_all(people, issue_id, 1000)

    await world.closed(issue_id)

    units = [await world.units(p, issue_id) for p in people]
    assert (sum(units), sorted(units)) == (1000, [333, 333, 334])
    await world.check()


async def test_who_may_no_longer_acquire_at_the_close_gets_nothing(world: World, issuer: Person) -> None:
    people = await world.people(2, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=50, quantity_max=1000)
    placed = await world.order_all(people, issue_id, 60)
    await world.tell_of(people[0], state="frozen")
    expiring = (await world.issue(issue_id))["placement_end_at"]
    await world.hear(
        (
            "identity.kyc_decided",
            {
                "participant_id": str(people[1].id),
                "outcome": "approved",
                "category": "unqualified",
                "valid_until": (expiring + timedelta(seconds=1)).isoformat(),
            },
        )
    )

    await world.closed(issue_id)

    assert await world.states(placed) == ["refunded", "settled"]
    assert await world.money(people[0]) == 100 * PRICE
    await world.check()


async def test_who_is_no_qualified_investor_any_more_at_the_close_gets_nothing(world: World, issuer: Person) -> None:
    """Scenario 29: withdrawn before the close, or over at its very instant; by either way of being one."""
    people = await world.people(4, kopecks=100 * PRICE, category="qualified")
    issue_id = await world.opened(
        issuer, quantity_min=50, quantity_max=1000, eligibility={"qualified_only": True, "natural_persons": True}
    )
    placed = await world.order_all(people, issue_id, 60)
    end = (await world.issue(issue_id))["placement_end_at"]
    held: list[dict[str, str | None]] = [
        {},
        {"qualified_by_recognition": end.isoformat()},
        {"qualified_by_recognition": (end + timedelta(microseconds=1)).isoformat()},
        {"qualified_by_recognition": end.isoformat(), "qualified_by_law": None},
    ]
    for person, statuses in zip(people, held, strict=True):
        await world.hear(statuses_changed(str(person.id), statuses))

    await world.closed(issue_id)

    assert await world.states(placed) == ["refunded", "refunded", "settled", "settled"]
    await world.check()


async def test_running_the_schedule_again_and_in_many_processes_changes_nothing(world: World, issuer: Person) -> None:
    people = await world.people(5, kopecks=100 * PRICE)
    issues = [await world.opened(issuer, quantity_min=1, quantity_max=1000) for _ in range(3)]
    for issue_id in issues[:2]:
        await world.order_all(people, issue_id, 10)
    end = (await world.issue(issues[0]))["placement_end_at"]
    world.clock.set(end)

    reports = await asyncio.gather(*(world.another_process().run_schedule(end) for _ in range(5)))
    await world.bus.drain()
    before = await world.snapshot()
    again = await world.app.run_schedule(end)
    await world.bus.drain()

    assert sum(report.closed for report in reports) == 3
    assert (again.closed, again.opened, again.actions) == (0, 0, 0)
    assert await world.snapshot() == before
    assert [await world.state(i) for i in issues] == ["circulating", "circulating", "refunded"]
    assert len(await world.events("allocation_decided")) == 2
    await world.check()


async def test_a_tick_that_names_the_future_closes_nothing_early(world: World, issuer: Person) -> None:
    issue_id = await world.opened(issuer)

    await world.app.run_schedule(world.clock.now() + timedelta(days=365))

    assert await world.state(issue_id) == "placement_open"


async def test_an_allocation_of_more_than_a_thousand_orders_comes_in_parts(world: World, issuer: Person) -> None:
    people = await world.people(1001, kopecks=PRICE)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1001)
    await world.order_all(people, issue_id, 1)

    await world.closed(issue_id)

    told = await world.events("allocation_decided")
    assert [(event["part"], event["parts"], len(event["lines"])) for event in told] == [(1, 2, 1000), (2, 2, 1)]
    assert await world.state(issue_id) == "circulating"
    await world.check()
