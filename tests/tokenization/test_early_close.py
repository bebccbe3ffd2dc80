"""A placement ends before its time: by full subscription, or by the issuer's right in the decision. domain.md 1.3."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.tokenization.domain.issue_proposal import ProposalKind
from kapital.tokenization.domain.problems import DecisionHashMustMatch, IssueNotFound, PlacementMustBeOpen
from kapital.tokenization.domain.problems_placement import (
    PlacementEndMustBeInDecision,
    PlacementMinimumMustBeReached,
)
from kapital.tokenization.use_cases.end_placement import EndPlacement
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from tests.tokenization.test_issue_proposals import COMPLIANCE, OTHER_COMPLIANCE, decide, propose
from tests.tokenization.world import Person, ProcessDied, World, key

PRICE = 100_000


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def opened(world: World, issuer: Person, *, when_full: bool, by_issuer: bool, **changes: Any) -> UUID:
    early = {"when_full": when_full, "by_issuer": by_issuer, "text": "Размещение может окончиться раньше срока."}
    numbers = {"quantity_min": 50, "quantity_max": 100, "placement_mode": {"early_close": early}}
    return await world.opened(issuer, **{**numbers, **changes})


async def end(world: World, issuer: Person, issue_id: UUID, **given: Any) -> IssueMoved:
    command: dict[str, Any] = {
        "command_id": key(),
        "actor": issuer.actor,
        "issue_id": issue_id,
        "decision_sha256": (await world.issue(issue_id))["decision_sha256"],
    }
    return await world.app.end_placement(EndPlacement(**{**command, **given}))


async def test_full_subscription_ends_the_placement_and_nothing_reopens_it(world: World, issuer: Person) -> None:
    [a, b, c] = await world.people(3, kopecks=100 * PRICE)
    issue_id = await opened(world, issuer, when_full=True, by_issuer=False)
    first = await world.order(a, issue_id, 60)
    not_full_at = world.clock.now()
    await world.order(b, issue_id, 40)
    full_at = world.clock.now()
    world.clock.advance(timedelta(seconds=1))

    [kept] = await world.withdraw(a, first)
    late = await world.order(c, issue_id, 1)

    assert kept.refusal.code == late.refusal.code == "placement_must_be_open"
    await world.to(world.clock.now())
    issue = await world.issue(issue_id)
    assert issue["state"] == "circulating"
    assert not_full_at < issue["ended_early_at"] <= full_at
    assert issue["closed_at"] < issue["placement_end_at"]
    assert [await world.units(who, issue_id) for who in (a, b, c)] == [60, 40, 0]
    assert await world.money(c) == 100 * PRICE
    await world.check()


async def test_the_issuer_ends_it_once_the_least_quantity_is_reached(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    [stranger] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    issue_id = await opened(world, issuer, when_full=False, by_issuer=True)
    first = await world.order(a, issue_id, 49)
    with pytest.raises(PlacementMinimumMustBeReached):
        await end(world, issuer, issue_id)
    await world.order(a, issue_id, 1)
    with pytest.raises(IssueNotFound):
        await end(world, stranger, issue_id)
    with pytest.raises(DecisionHashMustMatch):
        await end(world, issuer, issue_id, decision_sha256="0" * 64)
    # The money of this order is reserved before the end, and the process dies before it writes that down.
    world.mortal.die_after_post = True
    with pytest.raises(ProcessDied):
        await world.order(b, issue_id, 10)
    world.mortal.die_after_post = False
    world.clock.advance(timedelta(seconds=1))
    command: CommandId = key()

    ended = await end(world, issuer, issue_id, command_id=command)

    assert (ended.state, await end(world, issuer, issue_id, command_id=command)) == ("placement_open", ended)
    with pytest.raises(PlacementMustBeOpen):
        await end(world, issuer, issue_id)
    [kept] = await world.withdraw(a, first)
    assert kept.refusal.code == "placement_must_be_open"
    await world.to(world.clock.now())
    assert await world.state(issue_id) == "circulating"
    assert [await world.units(who, issue_id) for who in (a, b)] == [50, 10]
    assert await world.money(b, Position.RESERVED) == 0
    await world.check()


async def test_an_order_that_awaits_its_money_ends_with_the_placement(world: World, issuer: Person) -> None:
    [rich, poor] = [(await world.people(1, kopecks=kopecks))[0] for kopecks in (100 * PRICE, PRICE)]
    issue_id = await opened(world, issuer, when_full=False, by_issuer=True)
    until = (await world.issue(issue_id))["placement_end_at"]
    waiting = await world.app.place_orders(
        PlaceOrders(
            command_id=key(),
            actor=poor.actor,
            orders=(NewOrder(issue_id=issue_id, units=10, funds_until_at=until),),
        )
    )
    await world.order(rich, issue_id, 50)

    await end(world, issuer, issue_id)
    await world.to(world.clock.now())

    assert (await world.states(waiting.items), await world.state(issue_id)) == (["expired"], "circulating")
    await world.top_up([poor], 100 * PRICE)
    await world.to(until)
    assert (await world.units(poor, issue_id), await world.money(poor)) == (0, 101 * PRICE)
    await world.check()


async def test_only_the_decision_gives_the_right_and_not_while_two_have_stopped_the_placement(
    world: World, issuer: Person
) -> None:
    [a] = await world.people(1, kopecks=200 * PRICE)
    without = await world.opened(issuer, quantity_min=1, quantity_max=100)
    await world.order(a, without, 1)
    with pytest.raises(PlacementEndMustBeInDecision):
        await end(world, issuer, without)
    issue_id = await opened(world, issuer, when_full=False, by_issuer=True)
    await world.order(a, issue_id, 50)
    await decide(world, OTHER_COMPLIANCE, await propose(world, COMPLIANCE, issue_id, ProposalKind.SUSPEND_PLACEMENT))

    with pytest.raises(PlacementMustBeOpen):
        await end(world, issuer, issue_id)

    assert (await world.issue(issue_id))["ended_early_at"] is None
