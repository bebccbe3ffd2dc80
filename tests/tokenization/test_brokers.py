"""A broker orders for who gave it a mandate: for its wallet, within its limits, and learns nothing else of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET

from kapital.contracts.tokenization import OrderPage, PlacedOrder
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocationRule
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.adapters.mandates import MandateTables
from kapital.tokenization.domain.act_texts import OrderLine, orders_command, orders_text
from kapital.tokenization.queries.list_own_orders import list_own_orders, list_placed_orders
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders, place_orders
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders
from tests.tokenization.test_retail_limit import LAW, LIMIT, RUBLE, rouble_issue, used
from tests.tokenization.world import START, Person, World, key
from tests.waiting import until

DAY = timedelta(days=1)
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
BOTH = ("place_orders", "withdraw_orders")
OLD = UUID("01932f6a-0000-7000-8000-000000000001")


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


@pytest.fixture
async def broker(world: World) -> Person:
    [firm] = await world.people(1, role=Role.BROKER, kind="legal_entity")
    return firm


class Given:
    """A mandate as the registry tells of it; `ends` tells its end."""

    def __init__(self, principal: Person, broker: Person, **changes: Any) -> None:
        self.told: dict[str, Any] = {
            "mandate_id": str(new_uuid7()),
            "participant_id": str(principal.id),
            "broker_id": str(broker.id),
            "powers": list(BOTH),
            "order_limit_kopecks": LIMIT,
            "day_limit_kopecks": LIMIT,
            "valid_from": START.isoformat(),
            "valid_until": (START + 365 * DAY).isoformat(),
            "changed_at": START.isoformat(),
        } | changes


async def mandate(world: World, principal: Person, broker: Person, **changes: Any) -> Given:
    given = Given(principal, broker, **changes)
    await world.hear(("registry.mandate_changed", given.told))
    return given


async def ended(world: World, given: Given, at: datetime | None = None) -> None:
    until_at = (at or world.clock.now()).isoformat()
    await world.hear(("registry.mandate_changed", given.told | {"valid_until": until_at, "changed_at": until_at}))


def asking(broker: Person, *orders: tuple[Person | None, UUID, int], actor: Actor | None = None) -> PlaceOrders:
    return PlaceOrders(
        command_id=key(),
        actor=actor or broker.actor,
        orders=tuple(
            NewOrder(issue_id=issue_id, units=units, **({} if whose is None else {"for_participant_id": whose.id}))
            for whose, issue_id, units in orders
        ),
    )


async def order(
    world: World,
    broker: Person,
    principal: Person,
    issue_id: UUID,
    units: int,
    app: TokenizationUseCases | None = None,
) -> PlacedOrder:
    return (await (app or world.app).place_orders(asking(broker, (principal, issue_id, units)))).items[0]


def codes(items: Sequence[Any]) -> list[str]:
    return [one.refusal.code if one.refusal else one.outcome.value for one in items]


async def own(world: World, person: Person) -> OrderPage:
    async with world.app.parts.database.connect() as conn:
        return await list_own_orders(conn, person.actor, issue_id=None, after=None, limit=100)


async def placed_by(world: World, broker: Person, principal: Person | None = None) -> OrderPage:
    async with world.app.parts.database.connect() as conn:
        whose = principal.id if principal else None
        return await list_placed_orders(conn, broker.actor, principal_id=whose, issue_id=None, after=None, limit=100)


async def used_of_day(world: World, given: Given) -> list[int]:
    rows = await world.rows(
        "SELECT kopecks FROM mandate_use WHERE mandate_id = :id ORDER BY used_on", id=UUID(given.told["mandate_id"])
    )
    return [row["kopecks"] for row in rows]


async def sums_are_those_of_the_orders(world: World) -> None:
    astray = await world.rows(
        """
        SELECT * FROM (
            SELECT mandate_id, mandate_on, sum(mandate_kopecks) AS kopecks FROM subscription_order
            WHERE mandate_kopecks > 0 GROUP BY 1, 2
        ) o FULL JOIN (SELECT mandate_id, used_on, kopecks AS kept FROM mandate_use WHERE kopecks <> 0) u
            ON u.mandate_id = o.mandate_id AND u.used_on = o.mandate_on
        WHERE o.kopecks IS DISTINCT FROM u.kept
        """
    )
    assert astray == []
    await world.check()


# --- the order and its lists ----------------------------------------------------------------------------------


async def test_the_order_is_the_principals_and_each_side_sees_the_other(
    world: World, issuer: Person, broker: Person
) -> None:
    client, other = await world.people(2, kopecks=1_000_000)
    for principal in (client, other):
        await mandate(world, principal, broker)
    issue_id = await rouble_issue(world, issuer)

    one = await order(world, broker, client, issue_id, 300)
    two = await order(world, broker, other, issue_id, 500)
    await world.order(client, issue_id, 50)

    assert await world.money(client, Position.RESERVED) == 350 * RUBLE
    assert await world.money(broker, Position.RESERVED) == 0
    first, second = (await own(world, client)).items
    assert (first.order_id, first.placed_by_participant_id) == (one.order_id, broker.id)
    assert not second.placed_by_participant_id
    page = (await placed_by(world, broker)).items
    assert [(row.order_id, row.for_participant_id) for row in page] == [
        (one.order_id, client.id),
        (two.order_id, other.id),
    ]
    assert [row.order_id for row in (await placed_by(world, broker, other)).items] == [two.order_id]
    [row] = await world.rows("SELECT actor_id FROM subscription_order WHERE order_id = :id", id=one.order_id)
    assert row["actor_id"] == broker.actor.id
    await world.closed(issue_id)
    assert await world.units(client, issue_id) == 350
    assert await world.units(broker, issue_id) == 0
    await sums_are_those_of_the_orders(world)


async def test_each_order_of_a_batch_is_answered_for_its_own_principal(
    world: World, issuer: Person, broker: Person
) -> None:
    both = Actor(broker.actor.id, broker.id, frozenset({Role.BROKER, Role.INVESTOR}))
    await world.top_up([broker], 100_000)
    rich, poor, frozen, stranger = await world.people(4, kopecks=10_000)
    for principal in (rich, poor, frozen):
        await mandate(world, principal, broker)
    await freeze(world, frozen)
    issue_id = await rouble_issue(world, issuer)
    cmd = asking(
        broker,
        (rich, issue_id, 10),
        (poor, issue_id, 101),
        (frozen, issue_id, 10),
        (stranger, issue_id, 10),
        (rich, new_uuid7(), 10),
        (None, issue_id, 20),
        (rich, issue_id, 20),
        actor=both,
    )

    answer = await world.app.place_orders(cmd)

    assert codes(answer.items) == [
        "accepted",
        "balance_insufficient",
        "participant_must_be_active",
        "mandate_must_be_in_force",
        "issue_not_found",
        "accepted",
        "accepted",
    ]
    assert answer.items[1].refusal is not None
    assert answer.items[1].refusal.facts == {"asked": 10_100}, "how much there is is the principal's affair"
    assert await world.money(rich, Position.RESERVED) == 30 * RUBLE
    assert await world.money(broker, Position.RESERVED) == 20 * RUBLE
    assert await world.app.place_orders(cmd) == answer
    await sums_are_those_of_the_orders(world)


async def test_a_repeat_is_answered_as_the_first_time_whatever_came_since(
    world: World, issuer: Person, broker: Person
) -> None:
    client, later = await world.people(2, kopecks=1_000_000)
    given = await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    cmd = asking(broker, (client, issue_id, 10), (later, issue_id, 10))
    answer = await world.app.place_orders(cmd)
    assert codes(answer.items) == ["accepted", "mandate_must_be_in_force"]

    await mandate(world, later, broker)
    await ended(world, given)

    assert await world.another_process().place_orders(cmd) == answer
    assert await world.money(later, Position.RESERVED) == 0
    with pytest.raises(IdempotencyKeyReused):
        await world.app.place_orders(replace(cmd, orders=(cmd.orders[0], NewOrder(issue_id=issue_id, units=10))))


async def test_without_a_mandate_nothing_stands_in_the_orders_of_the_one_who_was_named(
    world: World, issuer: Person, broker: Person
) -> None:
    client, *_ = await world.people(1, kopecks=1_000_000)
    [rival] = await world.people(1, role=Role.BROKER, kind="legal_entity")
    issue_id = await rouble_issue(world, issuer)
    await mandate(world, client, rival)
    await mandate(world, client, broker, powers=["withdraw_orders"])

    answers = [await order(world, broker, who, issue_id, 10) for who in (client, replace_id(client))]

    assert codes(answers) == ["mandate_must_be_in_force"] * 2
    assert answers[0].refusal == answers[1].refusal, "whether there is such a participant is not told"
    assert (await own(world, client)).items == []
    placed = (await placed_by(world, broker)).items
    assert [row.rule_book_version for row in placed] == [UNSET] * 2, "nor is what it had accepted"


def replace_id(person: Person) -> Person:
    unknown = new_uuid7()
    return Person(Actor(str(unknown), unknown, person.actor.roles), person.wallet)


async def test_only_a_broker_names_a_principal_and_only_an_investor_orders_for_itself(
    world: World, issuer: Person, broker: Person
) -> None:
    client, investor = await world.people(2, kopecks=1_000_000)
    await mandate(world, client, broker)
    await mandate(world, client, investor)
    issue_id = await rouble_issue(world, issuer)

    for cmd in (
        asking(investor, (client, issue_id, 10)),
        asking(broker, (None, issue_id, 10)),
        asking(broker, (client, issue_id, 10), (None, issue_id, 10)),
    ):
        with pytest.raises(NotPermitted) as refused:
            await world.app.place_orders(cmd)
        assert refused.value.facts == {}
    assert await world.rows("SELECT 1 FROM subscription_order") == []
    with pytest.raises(NotPermitted):
        await placed_by(world, investor)
    for itself in (investor, broker):
        assert codes([await order(world, itself, itself, issue_id, 10)]) == ["mandate_must_be_in_force"]


async def new_rule_book(world: World) -> None:
    async with world.app.parts.uow.begin() as tx:
        await world.app.parts.investors.note_rule_book(tx.conn, "2026-11-01", START)


# --- what is asked of whom ------------------------------------------------------------------------------------


async def freeze(world: World, person: Person, measure: str = "frozen") -> None:
    told = {
        "participant_id": str(person.id),
        "measure": measure,
        "measure_before": "free",
        "effective_at": world.clock.now().isoformat(),
    }
    await world.hear(("identity.measure_changed", told))


async def test_whatever_is_the_principals_affair_is_one_refusal_without_a_fact(
    world: World, issuer: Person, broker: Person
) -> None:
    measured, barred, entity, unidentified, unqualified, unread, limited = await world.people(7, kopecks=3 * LIMIT)
    await freeze(world, measured)
    await world.tell_of(barred, state="restricted")
    await world.tell_of(entity, kind="foreign_entity")
    await world.tell_of(unidentified, valid_until=START - DAY)
    walletless = replace_id(measured)
    issue_id = await rouble_issue(world, issuer)
    qualified_only = await rouble_issue(world, issuer, eligibility={"qualified_only": True})
    for who in (measured, barred, entity, unidentified, unqualified, unread, limited, walletless):
        await mandate(world, who, broker, day_limit_kopecks=9 * LIMIT, order_limit_kopecks=9 * LIMIT)
    app = world.another_process(rules=LAW)
    refusals = [
        await order(world, broker, who, issue, units, app)
        for who, issue, units in (
            (measured, issue_id, 10),
            (barred, issue_id, 10),
            (entity, issue_id, 10),
            (unidentified, issue_id, 10),
            (unqualified, qualified_only, 10),
            (limited, issue_id, 600_001),
            (walletless, issue_id, 10),
        )
    ]
    await new_rule_book(world)
    accepted = {"participant_id": str(broker.id), "rule_book_version": "2026-11-01", "accepted_at": START.isoformat()}
    await world.hear(("registry.rule_book_accepted", accepted))
    refusals.append(await order(world, broker, unread, issue_id, 10, app))

    assert {one.outcome.value for one in refusals} == {"refused"}
    [only] = {(one.refusal.code, one.refusal.detail, str(one.refusal.facts)) for one in refusals if one.refusal}
    assert only[0] == "participant_must_be_active"
    assert only[2] == "{}"
    assert {row["refusal_code"] for row in await world.rows("SELECT refusal_code FROM subscription_order")} == {
        "participant_must_be_active"
    }


async def test_of_the_order_and_of_the_issue_a_broker_is_told_what_is_wrong(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer, min_order_units=10, lot=5, quantity_min=5)
    assert codes([await order(world, broker, client, issue_id, units) for units in (5, 12, 20)]) == [
        "order_below_minimum",
        "order_must_be_whole_lots",
        "accepted",
    ]
    await world.closed(issue_id)
    assert codes([await order(world, broker, client, issue_id, 20)]) == ["placement_must_be_open"]


async def test_of_the_broker_are_asked_its_own_standing_and_its_rule_book(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    stands = await order(world, broker, client, issue_id, 10)
    await new_rule_book(world)
    unread = await order(world, broker, client, issue_id, 10)
    await world.tell_of(broker, kind="legal_entity", valid_until=world.clock.now() - DAY)
    unidentified = await order(world, broker, client, issue_id, 10)
    await world.tell_of(broker, kind="legal_entity")
    await freeze(world, broker)
    held = await order(world, broker, client, issue_id, 10)

    assert codes([unidentified]) == ["broker_must_be_active"]
    assert codes([stands, unread, held]) == ["accepted", "rule_book_not_accepted", "broker_must_be_active"]
    kept = await world.app.withdraw_orders(withdrawing(broker, stands))
    assert codes(kept.items) == ["broker_must_be_active"]


# --- the limits of the mandate --------------------------------------------------------------------------------


async def test_one_order_and_a_moscow_day_have_their_limits(world: World, issuer: Person, broker: Person) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    given = await mandate(world, client, broker, order_limit_kopecks=500 * RUBLE, day_limit_kopecks=800 * RUBLE)
    issue_id = await rouble_issue(world, issuer)

    answers = [await order(world, broker, client, issue_id, units) for units in (501, 500, 301, 300, 1)]

    assert codes(answers) == [
        "order_exceeds_mandate",
        "accepted",
        "order_exceeds_mandate_day",
        "accepted",
        "order_exceeds_mandate_day",
    ]
    assert answers[2].refusal is not None
    assert answers[2].refusal.facts == {
        "amount_kopecks": 301 * RUBLE,
        "limit_kopecks": 800 * RUBLE,
        "used_kopecks": 500 * RUBLE,
        "left_kopecks": 300 * RUBLE,
    }
    assert (await world.order(client, issue_id, 1_000)).outcome.value == "accepted", "its own orders count nowhere"
    world.clock.advance(DAY)
    assert codes([await order(world, broker, client, issue_id, 500)]) == ["accepted"]
    assert await used_of_day(world, given) == [800 * RUBLE, 500 * RUBLE]
    await sums_are_those_of_the_orders(world)


async def test_the_day_gets_back_what_comes_to_no_purchase(world: World, issuer: Person, broker: Person) -> None:
    """Turned away for want of money, withdrawn by either, filled in part: only what is paid stays counted."""
    [client] = await world.people(1, kopecks=700 * RUBLE)
    [rich] = await world.people(1, kopecks=LIMIT)
    given = await mandate(world, client, broker, day_limit_kopecks=700 * RUBLE, order_limit_kopecks=700 * RUBLE)
    issue_id = await rouble_issue(world, issuer, quantity_max=900, when_full="accept")
    await world.order(client, issue_id, 100)

    assert codes([await order(world, broker, client, issue_id, 700)]) == ["balance_insufficient"]
    assert await used_of_day(world, given) in ([], [0])
    one = await order(world, broker, client, issue_id, 600)
    assert codes([await order(world, broker, client, issue_id, 200)]) == ["order_exceeds_mandate_day"]
    await world.app.withdraw_orders(withdrawing(broker, one))
    assert await used_of_day(world, given) == [0]
    two = await order(world, broker, client, issue_id, 600)
    await world.withdraw(client, two)
    await world.order(rich, issue_id, 500)
    await order(world, broker, client, issue_id, 600)
    await world.closed(issue_id)

    assert await used_of_day(world, given) == [300 * RUBLE]
    await sums_are_those_of_the_orders(world)


async def test_of_orders_at_once_in_several_processes_only_what_fits_the_day_passes(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    given = await mandate(world, client, broker, order_limit_kopecks=70 * RUBLE, day_limit_kopecks=600 * RUBLE)
    first, second = await rouble_issue(world, issuer), await rouble_issue(world, issuer)
    apps = [world.another_process() for _ in range(4)]

    placed = await asyncio.gather(
        *(order(world, broker, client, (first, second)[n % 2], 70, apps[n % 4]) for n in range(16))
    )

    assert codes(placed).count("accepted") == 8
    assert set(codes(placed)) == {"accepted", "order_exceeds_mandate_day"}
    assert await used_of_day(world, given) == [560 * RUBLE]
    await sums_are_those_of_the_orders(world)


async def test_a_second_session_waits_for_what_the_first_takes_of_the_day(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    given = await mandate(world, client, broker, order_limit_kopecks=400 * RUBLE, day_limit_kopecks=600 * RUBLE)
    issue_id = await rouble_issue(world, issuer)
    first, second = world.another_process(), world.another_process()
    inside, go_on = asyncio.Event(), asyncio.Event()

    class Slow(MandateTables):
        async def add(self, conn: Any, changes: Any) -> None:
            inside.set()
            await go_on.wait()
            await super().add(conn, changes)

    command = asking(broker, (client, issue_id, 400))
    one = asyncio.create_task(place_orders(command, parts=replace(first.parts, mandates=Slow())))
    await inside.wait()
    two = asyncio.create_task(order(world, broker, client, issue_id, 400, second))

    async def second_waits_or_is_done() -> bool:
        return two.done() or bool(await world.rows(WAITING))

    try:
        await until(second_waits_or_is_done)
        assert not two.done()
    finally:
        go_on.set()

    assert codes([(await one).items[0], await two]) == ["accepted", "order_exceeds_mandate_day"]
    assert await used_of_day(world, given) == [400 * RUBLE]
    await sums_are_those_of_the_orders(world)


async def test_an_order_takes_of_the_year_and_of_the_day_or_of_neither(
    world: World, issuer: Person, broker: Person
) -> None:
    """Batches over the same principals, in opposite orders and in several processes: nobody waits for ever."""
    clients = await world.people(4, kopecks=2 * LIMIT)
    given = [
        await mandate(world, client, broker, order_limit_kopecks=9 * LIMIT, day_limit_kopecks=450_000 * RUBLE)
        for client in clients
    ]
    issue_id = await rouble_issue(world, issuer)
    apps = [world.another_process(rules=LAW) for _ in range(4)]
    await asyncio.gather(*(order_alone(apps[0], client, issue_id, 200_000) for client in clients))

    batches = [
        asking(broker, *((client, issue_id, 50_000) for client in (clients, clients[::-1])[n % 2] for _ in range(2)))
        for n in range(8)
    ]
    answers = await asyncio.gather(*(apps[n % 4].place_orders(cmd) for n, cmd in enumerate(batches)))

    told = [code for answer in answers for code in codes(answer.items)]
    assert set(told) == {"accepted", "participant_must_be_active"}
    assert told.count("accepted") == 4 * 8, "the year of each leaves 400,000 roubles"
    assert [await used_of_day(world, one) for one in given] == [[400_000 * RUBLE]] * 4
    assert [await used(world, client) for client in clients] == [LIMIT] * 4
    await sums_are_those_of_the_orders(world)


async def order_alone(app: TokenizationUseCases, person: Person, issue_id: UUID, units: int) -> None:
    cmd = PlaceOrders(command_id=key(), actor=person.actor, orders=(NewOrder(issue_id=issue_id, units=units),))
    assert codes((await app.place_orders(cmd)).items) == ["accepted"]


# --- the end of a mandate -------------------------------------------------------------------------------------


async def test_an_ended_mandate_takes_no_order_and_leaves_what_was_accepted_to_the_principal(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    given = await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    one = await order(world, broker, client, issue_id, 10)
    await ended(world, given)

    assert codes([await order(world, broker, client, issue_id, 10)]) == ["mandate_must_be_in_force"]
    kept = await world.app.withdraw_orders(withdrawing(broker, one))
    assert codes(kept.items) == ["mandate_must_be_in_force"]
    assert codes(await world.withdraw(client, one)) == ["withdrawn"]
    assert len((await placed_by(world, broker)).items) == 2


@pytest.mark.parametrize("after_the_end", [False, True])
async def test_the_mandate_is_asked_for_again_as_of_the_end_of_the_placement(
    world: World, issuer: Person, broker: Person, after_the_end: bool
) -> None:
    client, own_orders = await world.people(2, kopecks=LIMIT)
    given = await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    await order(world, broker, client, issue_id, 10)
    await world.order(client, issue_id, 7)
    await world.order(own_orders, issue_id, 5)
    end = (await world.issue(issue_id))["placement_end_at"]
    world.clock.set(end - DAY)
    await ended(world, given, end + timedelta(microseconds=1) if after_the_end else end)

    await world.closed(issue_id)

    assert await world.units(client, issue_id) == (17 if after_the_end else 7)
    assert await world.units(own_orders, issue_id) == 5
    assert await world.money(client) == LIMIT - (17 if after_the_end else 7) * RUBLE
    assert await used_of_day(world, given) == [10 * RUBLE if after_the_end else 0]
    await sums_are_those_of_the_orders(world)


@pytest.mark.parametrize("cause", ["measure", "state", "identification", "rule_book"])
async def test_the_broker_is_asked_for_again_at_the_allocation(
    world: World, issuer: Person, broker: Person, cause: str
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    await order(world, broker, client, issue_id, 10)
    await world.order(client, issue_id, 7)
    if cause == "measure":
        await freeze(world, broker)
    elif cause == "state":
        await world.tell_of(broker, kind="legal_entity", state="closing")
    elif cause == "identification":
        await world.tell_of(broker, kind="legal_entity", valid_until=world.clock.now() + timedelta(hours=1))
    else:
        await new_rule_book(world)
        said = {"participant_id": str(client.id), "rule_book_version": "2026-11-01", "accepted_at": START.isoformat()}
        await world.hear(("registry.rule_book_accepted", said))
        rule = RuleBookAtAllocationRule(effective_from=START.date(), basis="a test's rule")
        world.app = world.another_process(books=[rule])

    await world.closed(issue_id)

    assert await world.units(client, issue_id) == 7


async def test_an_order_that_awaits_money_is_not_funded_by_an_ended_mandate(
    world: World, issuer: Person, broker: Person
) -> None:
    client, still = await world.people(2)
    given = [await mandate(world, one, broker) for one in (client, still)]
    issue_id = await rouble_issue(world, issuer)
    cut_off = world.clock.now() + timedelta(hours=5)
    placed = await world.app.place_orders(
        PlaceOrders(
            command_id=key(),
            actor=broker.actor,
            orders=tuple(
                NewOrder(issue_id=issue_id, units=10, funds_until_at=cut_off, for_participant_id=one.id)
                for one in (client, still)
            ),
        )
    )
    assert codes(placed.items) == ["awaiting_funds"] * 2
    assert await used_of_day(world, given[0]) == [10 * RUBLE]
    await ended(world, given[0])
    await world.top_up([client, still], LIMIT)
    async with world.app.parts.uow.begin() as tx:
        await world.app.parts.awaiting.note_money(tx.conn, {client.wallet, still.wallet}, tx.now)

    await world.tick()
    assert await world.states(placed.items) == ["awaiting_funds", "accepted"]
    world.clock.set(cut_off)
    await world.tick()

    assert await world.states(placed.items) == ["expired", "accepted"]
    assert await used_of_day(world, given[0]) == [0]
    await sums_are_those_of_the_orders(world)


# --- withdrawal -----------------------------------------------------------------------------------------------


def withdrawing(person: Person, *orders: PlacedOrder) -> WithdrawOrders:
    ids = tuple(UUID(str(order.order_id)) for order in orders)
    return WithdrawOrders(command_id=key(), actor=person.actor, order_ids=ids)


async def test_a_broker_withdraws_only_what_it_placed_and_the_principal_all_of_its_own(
    world: World, issuer: Person, broker: Person
) -> None:
    client, other = await world.people(2, kopecks=LIMIT)
    [rival] = await world.people(1, role=Role.BROKER, kind="legal_entity")
    for firm in (broker, rival):
        await mandate(world, client, firm)
    await mandate(world, other, broker, powers=["place_orders"])
    issue_id = await rouble_issue(world, issuer)
    own_order = await world.order(client, issue_id, 1)
    of_broker, again = [await order(world, broker, client, issue_id, units) for units in (2, 3)]
    of_rival = await order(world, rival, client, issue_id, 4)
    of_other = await order(world, broker, other, issue_id, 5)

    answer = await world.app.withdraw_orders(withdrawing(broker, own_order, of_broker, of_rival, of_other))

    assert codes(answer.items) == ["order_not_found", "withdrawn", "order_not_found", "mandate_must_be_in_force"]
    assert await world.money(client, Position.RESERVED) == 8 * RUBLE
    assert codes(await world.withdraw(other, own_order, of_other)) == ["order_not_found", "withdrawn"]
    assert codes(await world.withdraw(client, own_order, again, of_rival)) == ["withdrawn"] * 3
    assert await world.money(client) == LIMIT
    await sums_are_those_of_the_orders(world)


async def test_of_a_frozen_principal_a_broker_hears_one_refusal_and_changes_nothing(
    world: World, issuer: Person, broker: Person
) -> None:
    [client] = await world.people(1, kopecks=LIMIT)
    await mandate(world, client, broker)
    issue_id = await rouble_issue(world, issuer)
    one = await order(world, broker, client, issue_id, 10)
    before = (await placed_by(world, broker)).items
    await freeze(world, client)

    answer = await world.app.withdraw_orders(withdrawing(broker, one))

    assert codes(answer.items) == ["participant_must_be_active"]
    assert answer.items[0].refusal is not None
    assert answer.items[0].refusal.facts == {}
    assert (await placed_by(world, broker)).items == before, "the list shows nothing of it"


# --- what was said before stays what it was -------------------------------------------------------------------


def test_a_command_without_a_principal_keeps_its_fingerprint_its_bytes_and_its_text() -> None:
    """The values are those of the release before brokers came."""
    cmd = PlaceOrders(
        command_id=key(),
        actor=Actor(str(OLD), OLD, frozenset({Role.INVESTOR})),
        orders=(NewOrder(issue_id=OLD, units=200), NewOrder(issue_id=OLD, units=5, max_price_kopecks=7)),
    )
    lines = [OrderLine(OLD, 200), OrderLine(OLD, 5, 7)]

    assert fingerprint(cmd) == "55e6b01c54ea824eed0e1aa7d764834022e379e4f9cbd6c7bbb63becf1bc862d"
    command, text = sha256(canonical_bytes(orders_command(lines))), sha256(orders_text(lines, {}).encode())
    assert command.hexdigest() == "bb3d7363d899c3c438dd17a2bb391ad661f204d5aab11e81e5038681e0c76e56"
    assert text.hexdigest() == "75384d259c5e6a00a7e37bcd11670d0743c52c93bbbd6ada3f3e29a48e8da8b3"


def test_the_text_and_the_bytes_of_an_order_for_another_name_the_principal() -> None:
    lines = [OrderLine(OLD, 200), OrderLine(OLD, 5, for_participant_id=UUID(int=7))]

    command, text = orders_command(lines), orders_text(lines, {})

    assert "for_participant_id" not in command["orders"][0]
    assert command["orders"][1]["for_participant_id"] == str(UUID(int=7))
    assert text.count(str(UUID(int=7))) == 1
    assert "по его поручению" in text


def test_an_order_for_another_asks_for_nothing_to_the_brokers_own_wallet() -> None:
    text = orders_text([OrderLine(OLD, 5, funds_until_at=START, for_participant_id=UUID(int=7))], {})

    assert "мне" not in text.split()
    assert "моём" not in text.split()
    assert "в свободном остатке клиента" in text
