"""Payoffs that wait for values of several sources live through the service as the simulation plays them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.calendar import russian_calendar
from kapital.kernel.roles import Role
from kapital.tokenization.domain.problems import FixingAlreadyRecorded
from kapital.tokenization.domain.published_values import FixingValuesDiffer
from kapital.tokenization.domain.simulation.paths import constant
from kapital.tokenization.domain.simulation.play import Scenario, play
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing
from kapital.tokenization.use_cases.record_fixing import RecordFixing
from tests.tokenization.world import CLERK, MANAGER, RISK, Person, World, key, terms


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def listed(world: World, issue_id: UUID) -> list[Any]:
    """The actions of an issue as the operator sees them."""
    async with world.databases.get("tokenization").connect() as conn:
        return list((await list_actions(conn, world.app.parts, MANAGER, issue_id)).items)


async def issued(world: World, issuer: Person, example: str) -> tuple[UUID, Person]:
    """An issue of which one person holds the least quantity, its issuer rich."""
    [a] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, example)
    minimum = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(a, issue_id, minimum)).outcome.value == "accepted"
    await world.closed(issue_id)
    await world.top_up([issuer], 10**12)
    return issue_id, a


async def given(world: World, series: str, observed_on: Any, value: Decimal) -> None:
    """One person records the value, another confirms it."""
    recorded = await world.app.record_fixing(
        RecordFixing(
            command_id=key(),
            actor=CLERK,
            series=series,
            observed_on=observed_on,
            value=str(value),
            evidence="the source",
        )
    )
    await world.app.confirm_fixing(
        ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value=str(value))
    )


@pytest.mark.parametrize("example", ["basket-metals", "barrier-note"])
async def test_a_paper_of_several_values_pays_what_the_simulation_says(
    world: World, issuer: Person, example: str
) -> None:
    issue_id, a = await issued(world, issuer, example)
    decision, units = load_terms(terms(example)), await world.units(a, issue_id)
    days = sorted(constant(decision, {}, calendar=russian_calendar()), key=lambda at: (at[1], at[0]))
    values = {at: Decimal(100 + number) for number, at in enumerate(days)}
    expected = play(decision, Scenario(holders={"a": units}, values=values), calendar=russian_calendar())
    before = await world.money(a)

    for number, planned in enumerate(await world.actions(issue_id)):
        await world.to(planned["pay_at"])
        for need in (await listed(world, issue_id))[number].missing_fixings:
            await given(world, need.series, need.observed_on, values[need.series, need.observed_on])
        await world.to(world.clock.now() + timedelta(minutes=1))

    assert await world.money(a) - before == expected.received("a")
    assert await world.units(a, issue_id) == 0
    await world.check()


async def test_a_value_that_arrives_again_with_another_number_is_refused(world: World) -> None:
    """Waiting or confirmed: the first stays, and a mistake is rejected by the second person."""
    on = date(2026, 11, 20)
    await given(world, "cbr_key_rate", on, Decimal("16.5"))

    with pytest.raises(FixingValuesDiffer) as differs:
        await given(world, "cbr_key_rate", on, Decimal("16.6"))
    assert (differs.value.facts["first"], differs.value.facts["second"]) == ("16.5", "16.6")
    with pytest.raises(FixingAlreadyRecorded):
        await given(world, "cbr_key_rate", on, Decimal("16.50"))

    [kept] = await world.rows("SELECT value, state FROM fixing WHERE series = 'cbr_key_rate'")
    assert (kept["value"], kept["state"]) == ("16.5", "confirmed")
