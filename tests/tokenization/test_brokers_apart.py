"""What a broker learns of its principal from its lists and its withdrawals; its orders beside what others tell."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts.tokenization import PlacedOrder
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.tokenization.reactions import subscriptions
from tests.tokenization.test_brokers import (
    WAITING,
    broker,
    codes,
    freeze,
    issuer,
    mandate,
    order,
    own,
    placed_by,
    replace_id,
    sums_are_those_of_the_orders,
    withdrawing,
)
from tests.tokenization.test_retail_limit import LAW, LIMIT, rouble_issue
from tests.tokenization.world import Person, World
from tests.waiting import until

__all__ = ["broker", "issuer"]


async def test_a_broker_reads_nowhere_which_rule_book_its_principal_accepted(
    world: World, issuer: Person, broker: Person
) -> None:
    client, stranger = await world.people(2, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    unknown = replace_id(stranger)
    placed = [await order(world, broker, who, issue_id, 10) for who in (client, stranger, unknown)]
    assert codes(placed) == ["accepted", "mandate_must_be_in_force", "mandate_must_be_in_force"]

    rows = (await placed_by(world, broker)).items

    assert [bool(row.rule_book_version) for row in rows] == [False] * 3
    assert [row.rule_book_version for row in (await own(world, client)).items] == ["2026-01-01"]


async def test_a_withdrawal_does_not_tell_a_broker_a_measure_from_another_standing(
    world: World, issuer: Person, broker: Person
) -> None:
    people = await world.people(5, kopecks=LIMIT)
    measured, restricted, unidentified, leaving, _ = people
    for principal in people:
        await mandate(world, principal, broker)
    issue_id = await rouble_issue(world, issuer)
    placed = [await order(world, broker, principal, issue_id, 10) for principal in people]
    await freeze(world, measured)
    await world.tell_of(restricted, state="restricted")
    await world.tell_of(unidentified, valid_until=world.clock.now() - timedelta(hours=1))
    await world.tell_of(leaving, state="closing")

    answer = await world.app.withdraw_orders(withdrawing(broker, *placed))

    assert codes(answer.items) == ["participant_must_be_active"] * 4 + ["withdrawn"]
    assert len({str(one.refusal) for one in answer.items[:4]}) == 1
    for principal, one in ((restricted, placed[1]), (unidentified, placed[2])):
        assert codes(await world.withdraw(principal, one)) == ["withdrawn"]
    rows = (await placed_by(world, broker)).items
    assert [row.state for row in rows] == ["accepted", "withdrawn", "withdrawn", "accepted", "withdrawn"]


@pytest.mark.parametrize("participant_first", [True, False])
async def test_an_order_and_what_is_told_of_its_principal_and_mandate_do_not_wait_for_each_other(
    world: World, issuer: Person, broker: Person, participant_first: bool
) -> None:
    """Both are told in one transaction of the bus, in any order; an order that came before them stands."""
    [client] = await world.people(1, kopecks=LIMIT)
    issue_id = await rouble_issue(world, issuer)
    given = await mandate(world, client, broker)
    left = {"participant_id": str(client.id), "state": "closing"}
    now = world.clock.now().isoformat()
    news = [
        ("registry.participant_state_changed", left),
        ("registry.mandate_changed", given.told | {"valid_until": now, "changed_at": now}),
    ]

    placed = await _beside(world, broker, client, issue_id, news if participant_first else news[::-1])

    assert codes([placed]) == ["mandate_must_be_in_force" if participant_first else "accepted"]
    assert codes([await order(world, broker, client, issue_id, 10)]) == ["mandate_must_be_in_force"]
    await world.closed(issue_id)
    assert await world.units(client, issue_id) == 0
    await sums_are_those_of_the_orders(world)


async def _beside(
    world: World, broker: Person, client: Person, issue_id: UUID, news: list[tuple[str, dict[str, Any]]]
) -> PlacedOrder:
    """Place an order while the first of the news is taken in and the second is still to come."""
    first, second = (_event(world, name, told) for name, told in news)
    handlers = {name: handler for names, handler in subscriptions(world.app.parts) for name in names}
    app = world.another_process(rules=LAW)
    async with world.app.parts.uow.begin() as tx:
        await handlers[first.type](tx, [first])
        ordering = asyncio.create_task(order(world, broker, client, issue_id, 10, app))

        async def waits_or_is_done() -> bool:
            return ordering.done() or bool(await world.rows(WAITING))

        await until(waits_or_is_done)
        await handlers[second.type](tx, [second])
    return await ordering


def _event(world: World, name: str, told: dict[str, Any]) -> CloudEvent:
    return CloudEvent(
        id=new_uuid7(),
        source="/kapital/registry",
        type=f"kapital.{name}.v1",
        subject=told["participant_id"],
        time=world.clock.now(),
        data=told,
        correlationid="test",
    )
