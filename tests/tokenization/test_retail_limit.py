"""The yearly limit of unqualified persons, or the test in its place: at order and close. Scenarios 8, 27, 29."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from kapital.kernel.parameters import RetailLimitWindow
from kapital.kernel.retail import RetailMeasure, first_day_counted
from kapital.kernel.roles import Role
from kapital.platform.retail_rules import RetailRule, RetailRules
from kapital.tokenization.adapters.retail_use import RetailUseTable
from kapital.tokenization.queries.get_own_retail_limit import get_own_retail_limit
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders, place_orders
from tests.tokenization.world import Person, World, key, statuses_changed
from tests.waiting import until

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
LIMIT = 60_000_000
RUBLE = 100


def rule(measure: RetailMeasure, **changes: Any) -> RetailRule:
    return RetailRule(measure=measure, effective_from=date(2021, 1, 1), basis="a test's rule", **changes)


LAW: Sequence[RetailRule] = ()
"""Without a rule of the settings the dated parameter holds: 600,000 roubles."""


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def rouble_issue(world: World, issuer: Person, **changes: Any) -> Any:
    """An issue whose unit costs a rouble."""
    return await world.opened(
        issuer, **{"price_kopecks": RUBLE, "quantity_min": 1, "quantity_max": 10_000_000, **changes}
    )


async def order(world: World, app: TokenizationUseCases, person: Person, issue_id: Any, units: int) -> Any:
    cmd = PlaceOrders(command_id=key(), actor=person.actor, orders=(NewOrder(issue_id=issue_id, units=units),))
    return (await app.place_orders(cmd)).items[0]


async def used(world: World, person: Person) -> int:
    [row] = await world.rows(
        "SELECT coalesce(sum(kopecks), 0)::bigint AS used FROM retail_use WHERE participant_id = :id", id=person.id
    )
    return int(row["used"])


async def sums_are_those_of_the_orders(world: World) -> None:
    astray = await world.rows(
        """
        SELECT * FROM (
            SELECT participant_id, limit_on, sum(limit_kopecks) AS kopecks FROM subscription_order
            WHERE limit_kopecks > 0 GROUP BY 1, 2
        ) o FULL JOIN (SELECT participant_id, used_on, kopecks AS kept FROM retail_use WHERE kopecks <> 0) u
            ON u.participant_id = o.participant_id AND u.used_on = o.limit_on
        WHERE o.kopecks IS DISTINCT FROM u.kept
        """
    )
    assert astray == []
    await world.check()


async def test_599_999_and_2_are_too_much_and_the_client_is_told_what_remains(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    issue_id = await rouble_issue(world, issuer)
    app = world.another_process(rules=LAW)
    await order(world, app, person, issue_id, 599_999)

    refused = await order(world, app, person, issue_id, 2)
    last = await order(world, app, person, issue_id, 1)

    assert refused.refusal.code == "order_exceeds_retail_limit"
    facts = refused.refusal.facts
    assert (facts["limit_kopecks"], facts["used_kopecks"], facts["left_kopecks"]) == (LIMIT, 59_999_900, RUBLE)
    assert "1.00\N{NO-BREAK SPACE}RUB is left" in refused.refusal.detail
    assert last.outcome.value == "accepted"
    assert await world.money(person) == LIMIT
    await sums_are_those_of_the_orders(world)


async def test_a_client_reads_what_is_left_before_it_orders(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    [firm] = await world.people(1, kind="legal_entity")
    issue_id = await rouble_issue(world, issuer)
    app = world.another_process(rules=LAW)
    await order(world, app, person, issue_id, 599_999)

    async with app.parts.database.connect() as conn:
        own = await get_own_retail_limit(conn, app.parts, person.actor)
        free = await get_own_retail_limit(conn, app.parts, firm.actor)

    assert (own.applies, own.limit_kopecks, own.used_kopecks, own.left_kopecks) == (True, LIMIT, 59_999_900, RUBLE)
    assert own.counted_from_on == date(2026, 1, 1)
    assert (free.applies, free.used_kopecks, free.left_kopecks) == (False, 0, UNSET)


async def test_of_many_orders_at_once_in_several_processes_only_what_fits_passes(
    world: World, issuer: Person
) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    first, second = await rouble_issue(world, issuer), await rouble_issue(world, issuer)
    apps = [world.another_process(rules=LAW) for _ in range(4)]

    placed = await asyncio.gather(
        *(order(world, apps[n % 4], person, (first, second)[n % 2], 70_000) for n in range(16))
    )

    assert [one.outcome.value for one in placed].count("accepted") == 8
    assert {one.refusal.code for one in placed if one.refusal} == {"order_exceeds_retail_limit"}
    assert await used(world, person) == 8 * 70_000 * RUBLE
    await sums_are_those_of_the_orders(world)


async def test_a_second_session_waits_for_what_the_first_takes(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    issue_id = await rouble_issue(world, issuer)
    first, second = world.another_process(rules=LAW), world.another_process(rules=LAW)
    inside, go_on = asyncio.Event(), asyncio.Event()

    class Slow(RetailUseTable):
        async def add(self, conn: Any, changes: Any) -> None:
            inside.set()
            await go_on.wait()
            await super().add(conn, changes)

    asked = (NewOrder(issue_id=issue_id, units=400_000),)
    command = PlaceOrders(command_id=key(), actor=person.actor, orders=asked)
    one = asyncio.create_task(place_orders(command, parts=replace(first.parts, retail_use=Slow())))
    await inside.wait()
    two = asyncio.create_task(order(world, second, person, issue_id, 400_000))

    async def second_waits_or_is_done() -> bool:
        return two.done() or bool(await world.rows(WAITING))

    try:
        await until(second_waits_or_is_done)
        assert not two.done()
    finally:
        go_on.set()

    assert (await one).items[0].outcome.value == "accepted"
    assert (await two).refusal.code == "order_exceeds_retail_limit"
    assert await used(world, person) == 400_000 * RUBLE
    await sums_are_those_of_the_orders(world)


async def test_orders_of_one_command_take_of_the_limit_one_after_another(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    issue_id = await rouble_issue(world, issuer)
    asked = tuple(NewOrder(issue_id=issue_id, units=units) for units in (400_000, 300_000, 200_000))
    command = PlaceOrders(command_id=key(), actor=person.actor, orders=asked)
    apps = [world.another_process(rules=LAW) for _ in range(3)]

    answers = await asyncio.gather(*(app.place_orders(command) for app in apps))

    assert answers[0] == answers[1] == answers[2]
    assert [one.outcome.value for one in answers[0].items] == ["accepted", "refused", "accepted"]
    assert await used(world, person) == LIMIT
    await sums_are_those_of_the_orders(world)


@pytest.mark.parametrize(
    "told", [{"category": "qualified"}, {"kind": "legal_entity"}, {"without_limit": True}], ids=str
)
async def test_who_is_not_protected_has_no_limit(world: World, issuer: Person, told: dict[str, Any]) -> None:
    changes = {"eligibility": {"without_limit_text": "Облигации с рейтингом"}} if told.pop("without_limit", 0) else {}
    [person] = await world.people(1, kopecks=2 * LIMIT, **told)
    issue_id = await rouble_issue(world, issuer, **changes)

    placed = await order(world, world.another_process(rules=LAW), person, issue_id, 600_001)

    assert placed.outcome.value == "accepted"
    assert await used(world, person) == 0


async def test_what_comes_to_no_purchase_is_given_back(world: World, issuer: Person) -> None:
    """Turned away for want of money, withdrawn, not allocated, filled in part: only what is paid stays counted."""
    people = await world.people(2, kopecks=LIMIT)
    [poor] = await world.people(1, kopecks=RUBLE)
    issue_id = await rouble_issue(world, issuer, quantity_max=700_000, when_full="accept")
    failing = await rouble_issue(world, issuer, quantity_min=1_000_000)
    app = world.another_process(rules=LAW)

    assert (await order(world, app, poor, issue_id, 2)).refusal.code == "balance_insufficient"
    assert await used(world, poor) == 0
    gone = await order(world, app, people[0], failing, 100_000)
    await world.withdraw(people[0], gone)
    assert await used(world, people[0]) == 0
    await order(world, app, people[0], failing, 100_000)
    await order(world, app, people[0], issue_id, 500_000)
    await order(world, app, people[1], issue_id, 500_000)
    await sums_are_those_of_the_orders(world)
    await world.closed(issue_id)
    await world.closed(failing)

    assert await world.state(failing) == "refunded"
    assert (await used(world, people[0]), await used(world, people[1])) == (500_000 * RUBLE, 200_000 * RUBLE)
    await sums_are_those_of_the_orders(world)


async def test_who_lost_the_qualified_status_before_the_close_gets_no_more_than_the_limit(
    world: World, issuer: Person
) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT, category="qualified")
    issue_id = await rouble_issue(world, issuer)
    app = world.another_process(rules=LAW)
    placed = [await order(world, app, person, issue_id, units) for units in (400_000, 300_000, 200_000)]
    await world.hear(statuses_changed(str(person.id), {}))

    world.app = app
    await world.closed(issue_id)

    assert await world.states(placed) == ["settled", "refunded", "settled"]
    assert await used(world, person) == LIMIT
    assert await world.units(person, issue_id) == 600_000
    await sums_are_those_of_the_orders(world)


async def test_who_became_qualified_before_the_close_uses_nothing_of_the_limit(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=LIMIT)
    issue_id = await rouble_issue(world, issuer)
    app = world.another_process(rules=LAW)
    await order(world, app, person, issue_id, 400_000)
    await world.hear(statuses_changed(str(person.id), {"qualified_by_recognition": None}))

    await world.closed(issue_id)

    assert await used(world, person) == 0
    assert await world.units(person, issue_id) == 400_000
    await sums_are_those_of_the_orders(world)


async def test_a_test_in_the_place_of_the_limit_is_a_setting(world: World, issuer: Person) -> None:
    [novice, tested] = await world.people(2, kopecks=2 * LIMIT)
    end = world.clock.now() + timedelta(days=300)
    await world.hear(statuses_changed(str(tested.id), {"investor_test_passed": end.isoformat()}))
    issue_id = await rouble_issue(world, issuer)
    by_test = world.another_process(rules=[rule(RetailMeasure.TEST)])
    by_both = world.another_process(rules=[rule(RetailMeasure.LIMIT_UNLESS_TESTED, limit_kopecks=1000 * RUBLE)])

    assert (await order(world, by_test, novice, issue_id, 1)).refusal.code == "investor_test_must_be_passed"
    assert (await order(world, by_test, tested, issue_id, 700_000)).outcome.value == "accepted"
    assert (await order(world, by_both, novice, issue_id, 1001)).refusal.code == "order_exceeds_retail_limit"
    assert (await order(world, by_both, novice, issue_id, 1000)).outcome.value == "accepted"
    assert (await order(world, by_both, tested, issue_id, 1001)).outcome.value == "accepted"


async def test_a_rule_that_begins_before_the_close_is_looked_at_there(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=LIMIT)
    issue_id = await rouble_issue(world, issuer)
    placed = await order(world, world.another_process(rules=LAW), person, issue_id, 1000)

    end = (await world.issue(issue_id))["placement_end_at"]
    later = RetailRule(measure=RetailMeasure.TEST, effective_from=end.date(), basis="a test's rule")
    world.app = world.another_process(rules=[later])
    await world.closed(issue_id)

    assert await world.states([placed]) == ["refunded"]
    assert await used(world, person) == 0
    await sums_are_those_of_the_orders(world)


def test_the_year_is_the_calendars_or_the_last_365_days() -> None:
    calendar, rolling = RetailLimitWindow.CALENDAR_YEAR, RetailLimitWindow.ROLLING_YEAR

    assert first_day_counted(calendar, date(2026, 11, 28)) == date(2026, 1, 1)
    assert first_day_counted(rolling, date(2026, 11, 28)) == date(2025, 11, 29)
    assert first_day_counted(rolling, date(2028, 2, 29)) == date(2027, 3, 1)
    assert first_day_counted(rolling, date(2026, 12, 31)) == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("window", "accepted"), [(RetailLimitWindow.CALENDAR_YEAR, True), (RetailLimitWindow.ROLLING_YEAR, False)]
)
async def test_which_year_counts_is_a_setting(
    world: World, issuer: Person, window: RetailLimitWindow, accepted: bool
) -> None:
    [person] = await world.people(1, kopecks=2 * LIMIT)
    ends = datetime(2027, 1, 20, 12, tzinfo=UTC)
    issue_id = await rouble_issue(world, issuer, placement_end_at=ends.isoformat())
    app = world.another_process(rules=[rule(RetailMeasure.LIMIT, window=window)])
    await order(world, app, person, issue_id, 600_000)

    world.clock.set(datetime(2026, 12, 31, 20, 59, tzinfo=UTC))
    assert (await order(world, app, person, issue_id, 1)).outcome.value == "refused"
    world.clock.set(datetime(2026, 12, 31, 21, 0, tzinfo=UTC))
    assert (await order(world, app, person, issue_id, 1)).outcome.value == ("accepted" if accepted else "refused")


def test_without_a_rule_the_limit_of_the_law_holds_and_a_day_has_one_rule() -> None:
    rules = RetailRules(
        [rule(RetailMeasure.TEST).model_copy(update={"effective_from": date(2027, 3, 1), "basis": "new law"})]
    )

    assert rules.terms_at(date(2026, 11, 28))[:2] == (RetailMeasure.LIMIT, LIMIT)
    assert rules.terms_at(date(2027, 3, 1)).measure is RetailMeasure.TEST
