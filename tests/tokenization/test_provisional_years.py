"""A decision that reaches beyond the loaded calendars: marked, and planned anew when the year is known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from kapital.kernel.calendar import BusinessCalendar, russian_calendar
from kapital.kernel.roles import Role
from kapital.tokenization.domain.issue import day_start
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.replan_actions import replan_actions
from tests.tokenization.test_substitutes import circulating, floating, listed, published, rate_of
from tests.tokenization.world import World, key, terms

LATE: dict[str, Any] = {"redemption": {"on": "2028-05-02"}}
"""A Tuesday after the holiday of 1 May."""
WORKED_ON = date(2027, 1, 9)
"""A Saturday on which one works by the other calendar."""


def known_2028() -> BusinessCalendar:
    """As if the Government had moved a day off to 2 May 2028."""
    rows = [f"2028-01-0{day},non_working,," for day in range(1, 9)]
    rows += [f"2028-{day},non_working,," for day in ("02-23", "03-08", "05-01", "05-02", "05-09", "06-12")]
    own = BusinessCalendar.from_csv("own", "date,kind,holiday,moved_from\n" + "\n".join(rows) + "\n")
    return russian_calendar().with_years_of(own).with_provisional_years()


async def test_days_of_a_year_that_becomes_known_are_planned_anew_once_and_the_window_with_them(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [holder] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "discount-one-month", **LATE)
    units = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(holder, issue_id, units)).outcome.value == "accepted"
    await world.closed(issue_id)
    [provisional] = await world.actions(issue_id)
    assert provisional["pay_on"] == date(2028, 5, 2)
    known = replace(world.app.parts, calendar=known_2028())

    assert [await replan_actions(parts=known), await replan_actions(parts=known)] == [1, 0]

    [action] = await world.actions(issue_id)
    assert (action["pay_on"], action["nominal_on"]) == (date(2028, 5, 3), date(2028, 5, 2))
    assert action["pay_at"] - provisional["pay_at"] == timedelta(days=1)
    assert (await world.issue(issue_id))["window_at"] == day_start(date(2028, 5, 3))
    [told] = await world.rows("SELECT before, after FROM audit_event WHERE action = 'tokenization.action_replanned'")
    assert "2028-05-02" in str(told["before"])
    assert "2028-05-03" in str(told["after"])
    await world.check()


async def test_what_has_begun_by_its_old_days_stays(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [holder] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "discount-one-month", **LATE)
    units = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(holder, issue_id, units)).outcome.value == "accepted"
    await world.closed(issue_id)
    [before] = await world.actions(issue_id)
    world.clock.set(before["record_at"])

    assert await replan_actions(parts=replace(world.app.parts, calendar=known_2028())) == 0

    [after] = await world.actions(issue_id)
    assert (after["pay_on"], after["state"]) == (date(2028, 5, 2), "scheduled")


async def test_a_payment_that_has_begun_asks_for_the_values_that_the_new_calendar_reads(world: World) -> None:
    """Else it would wait for ever for one that its list of missing values does not name."""
    issue_id, holder = await floating(world)
    await circulating(world, [(issue_id, holder)])
    [before, *_] = await world.actions(issue_id)
    await world.to(before["pay_at"])
    assert WORKED_ON not in await missing(world, issue_id)
    days = "".join(f"2027-01-0{day},non_working,,\n" for day in range(1, 9))
    own = BusinessCalendar.from_csv("own", f"date,kind,holiday,moved_from\n{days}{WORKED_ON},working_weekend,,\n")
    world.app.parts = replace(
        world.app.parts, calendar=russian_calendar().with_years_of(own).with_provisional_years()
    )

    await replan_actions(parts=world.app.parts)

    [after, *_] = await world.actions(issue_id)
    assert (after["pay_on"], after["state"]) == (before["pay_on"], "fixing")
    asked = await missing(world, issue_id)
    assert WORKED_ON in asked
    for on in asked:
        await published(world, on, rate_of(on))
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert (await world.actions(issue_id))[0]["state"] in ("paid", "closed")
    await world.check()


async def missing(world: World, issue_id: UUID) -> set[date]:
    return {need.observed_on for need in (await listed(world, issue_id))[0].missing_fixings}


async def test_a_draft_says_which_years_are_provisional_and_the_text_says_it_too(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")

    drafts = [
        await world.app.draft_decision(
            DraftDecision(command_id=key(), actor=issuer.actor, terms=terms("discount-one-month", **changes))
        )
        for changes in (LATE, {})
    ]

    notes = [[(note.code, "2028" in note.message_ru) for note in draft.notes or []] for draft in drafts]
    assert [draft.faults for draft in drafts] == [[], []]
    assert notes == [[("calendar_provisional", True)], []]
