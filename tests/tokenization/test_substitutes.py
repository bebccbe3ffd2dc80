"""Values of a floating coupon through the service, to the kopeck: a rate that changes, a silent source, a day off.

Scenarios 31–33. The sums are counted by hand beside each figure.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.actor import Actor
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.problems import FixingAlreadyRecorded
from kapital.tokenization.domain.problems_life import (
    SubstituteMustBeDue,
    SubstituteMustBeNeeded,
    SubstituteMustStand,
)
from kapital.tokenization.domain.published_values import FallbackFindsNothing
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing, FixingDecision
from kapital.tokenization.use_cases.record_fixing import RecordFixing
from kapital.tokenization.use_cases.record_substitute import RecordSubstitute
from tests.tokenization.world import CLERK, MANAGER, RISK, Person, World, key, staff, terms

KEY = "cbr_key_rate"
UNITS = 1000
"""Of 1,000 roubles each: one million roubles, 100,000,000 kopecks."""
CUT_ON, SILENT_ON, LATER_ON = date(2026, 12, 21), date(2027, 1, 12), date(2027, 1, 13)
"""From the first the rate is 15 %, before it 16.5 %; of the second there is no value; of the third it is 14 %."""


async def floating(world: World, *, fallback: str = "previous_published") -> tuple[UUID, Person]:
    """An issue at the key rate and 2.5 %, all of whose least quantity one person holds; its issuer is rich."""
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [holder] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    observation = payoff_of("floating-key-rate")["observation"] | {"fallback": fallback}
    issue_id = await world.published(issuer, "floating-key-rate", payoff={"observation": observation})
    await world.top_up([issuer], 10**12)
    return issue_id, holder


def payoff_of(example: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(terms(example))["payoff"]
    return found


async def circulating(world: World, sold: Iterable[tuple[UUID, Person]]) -> None:
    sold = list(sold)
    world.clock.set((await world.issue(sold[0][0]))["placement_start_at"])
    await world.tick()
    for issue_id, holder in sold:
        assert (await world.order(holder, issue_id, UNITS)).outcome.value == "accepted"
    for issue_id, _ in sold:
        await world.closed(issue_id)


async def listed(world: World, issue_id: UUID) -> list[Any]:
    async with world.databases.get("tokenization").connect() as conn:
        return list((await list_actions(conn, world.app.parts, MANAGER, issue_id)).items)


async def confirm(
    world: World, fixing: Fixing, verdict: FixingDecision = FixingDecision.CONFIRM, *, by: Actor = RISK
) -> Fixing:
    return await world.app.confirm_fixing(
        ConfirmFixing(command_id=key(), actor=by, fixing_id=fixing.fixing_id, value=fixing.value, verdict=verdict)
    )


async def published(world: World, observed_on: date, value: str) -> None:
    """The source's value: one person records it, another confirms it."""
    told: dict[str, Any] = {"series": KEY, "observed_on": observed_on, "value": value, "evidence": "cbr.ru"}
    await confirm(world, await world.app.record_fixing(RecordFixing(command_id=key(), actor=CLERK, **told)))


async def stand_in(
    world: World, issue_id: UUID, observed_on: date | None = SILENT_ON, *, by: Actor = CLERK
) -> Fixing:
    return await world.app.record_substitute(
        RecordSubstitute(
            command_id=key(),
            actor=by,
            issue_id=issue_id,
            series=None if observed_on is None else KEY,
            observed_on=observed_on,
            evidence="cbr.ru looked at, nothing there",
        )
    )


def rate_of(on: date) -> str:
    if on >= LATER_ON:
        return "14.00"
    return "15.00" if on >= CUT_ON else "16.50"


async def test_a_rate_that_changes_inside_the_period_pays_what_the_table_says(world: World) -> None:
    """Scenario 31: the values stand in the register of values, and the coupon is the table's to the kopeck."""
    issue_id, holder = await floating(world)
    await circulating(world, [(issue_id, holder)])
    before = await world.money(holder)
    first, second, _ = await world.actions(issue_id)
    await world.to(first["pay_at"])
    for need in (await listed(world, issue_id))[0].missing_fixings:
        await published(world, need.observed_on, rate_of(need.observed_on))
    await world.to(world.clock.now() + timedelta(minutes=1))

    # 14–20 December, 7 days at 16.5 + 2.5 %; 21 December – 12 January, 23 at 15 + 2.5 %; 13 January at 14 + 2.5 %:
    # 100,000,000 × (7 × 19 + 23 × 17.5 + 16.5) % / 365 = 100,000,000 × 5.52 / 365 = 1,512,328.76…, rounded down.
    assert await world.money(holder) - before == 1_512_328
    stored = await world.rows("SELECT observed_on, value FROM fixing WHERE state = 'confirmed' ORDER BY observed_on")
    assert {row["observed_on"]: row["value"] for row in stored} == {
        row["observed_on"]: rate_of(row["observed_on"]) for row in stored
    }
    # Of the Friday, for the days off after it too.
    assert date(2026, 12, 18) in {row["observed_on"] for row in stored}

    # Scenario 33: 14 February is a Sunday. The coupon is paid on Monday, the interest is that of the nominal days.
    assert (second["nominal_on"], second["pay_on"]) == (date(2027, 2, 14), date(2027, 2, 15))
    await world.to(second["pay_at"] - timedelta(minutes=2))
    for need in (await listed(world, issue_id))[1].missing_fixings:
        await published(world, need.observed_on, "14.00")
    await world.to(second["pay_at"] - timedelta(minutes=1))
    assert await world.money(holder) - before == 1_512_328
    await world.to(second["pay_at"])
    await world.to(second["pay_at"] + timedelta(minutes=1))
    # 14 January – 13 February, 31 days at 14 + 2.5 %: 100,000,000 × 31 × 16.5 % / 365 = 1,401,369.86…, rounded down.
    assert (await listed(world, issue_id))[1].total_kopecks == 1_401_369
    assert await world.money(holder) - before == 1_512_328 + 1_401_369 + UNITS * 100_000
    await world.check()


async def test_a_silent_source_is_replaced_for_each_issue_by_its_own_decision(world: World) -> None:
    """Scenario 32: nobody types the value; two persons let it count, for this issue alone, and it is disclosed."""
    back, ahead = await floating(world), await floating(world, fallback="next_published")
    await circulating(world, [back, ahead])
    [first, *_] = await world.actions(back[0])
    await world.to(first["pay_at"])
    needs = [need.observed_on for need in (await listed(world, back[0]))[0].missing_fixings]
    with pytest.raises(FallbackFindsNothing):
        await stand_in(world, back[0])
    for on in needs:
        if on < date(2027, 1, 11):
            await published(world, on, rate_of(on))

    early = await stand_in(world, back[0])
    await published(world, date(2027, 1, 11), rate_of(date(2027, 1, 11)))
    await published(world, LATER_ON, rate_of(LATER_ON))
    with pytest.raises(SubstituteMustStand) as stands:
        await confirm(world, early)
    assert stands.value.facts["taken_from_on"] == "2027-01-11"
    await confirm(world, early, FixingDecision.REJECT)

    both = staff(Role.SETTLEMENT, Role.RISK)
    of_back = await stand_in(world, back[0], by=both)
    of_ahead = await stand_in(world, ahead[0])
    with pytest.raises(MakerAndCheckerMustDiffer):
        await confirm(world, of_back, by=both)
    await world.tick()
    assert [(await listed(world, issue_id))[0].state for issue_id, _ in (back, ahead)] == ["fixing", "fixing"]
    assert await world.events("substitute_announced") == []
    for recorded in (of_back, of_ahead):
        await confirm(world, recorded)
    # The source speaks after all: its value counts for others, and what was disclosed stays.
    await published(world, SILENT_ON, "13.00")
    before = [await world.money(holder) for _, holder in (back, ahead)]
    await world.to(world.clock.now() + timedelta(minutes=1))

    assert [(f.value, f.taken_from_on) for f in (of_back, of_ahead)] == [
        ("15.00", date(2027, 1, 11)),
        ("14.00", LATER_ON),
    ]
    # As above with 12 January at 15 %; with it at 14 %: 100,000,000 × (7 × 19 + 22 × 17.5 + 2 × 16.5) % / 365.
    paid = [await world.money(holder) for _, holder in (back, ahead)]
    assert [now - then for now, then in zip(paid, before, strict=True)] == [1_512_328, 1_509_589]
    told = await world.events("substitute_announced")
    assert [(one["issue_id"], one["observed_on"], one["taken_from_on"], one["value"]) for one in told] == [
        (str(back[0]), "2027-01-12", "2027-01-11", "15.00"),
        (str(ahead[0]), "2027-01-12", "2027-01-13", "14.00"),
    ]
    assert "12.01.2027 не опубликовано" in told[0]["reason"]
    await world.check()


async def test_nothing_stands_in_for_a_value_that_is_given_or_not_needed_or_not_due(world: World) -> None:
    sold = await floating(world)
    await circulating(world, [sold])
    [first, *_] = await world.actions(sold[0])
    await world.to(first["pay_at"])
    await published(world, date(2026, 12, 30), "15.00")
    told: dict[str, Any] = {"series": KEY, "observed_on": date(2027, 1, 11), "value": "15.00", "evidence": "cbr.ru"}
    nearer = await world.app.record_fixing(RecordFixing(command_id=key(), actor=CLERK, **told))
    with pytest.raises(FixingAlreadyRecorded, match="second person"):
        await stand_in(world, sold[0])
    await confirm(world, nearer)

    with pytest.raises(FixingAlreadyRecorded):
        await stand_in(world, sold[0], date(2027, 1, 11))
    for nobody_asks in (date(2026, 11, 20), date(2027, 1, 9), None):
        with pytest.raises(SubstituteMustBeNeeded):
            await stand_in(world, sold[0], nobody_asks)
    with pytest.raises(SubstituteMustBeDue):
        await stand_in(world, sold[0], date(2027, 2, 10))
    recorded = await stand_in(world, sold[0])
    with pytest.raises(FixingAlreadyRecorded):
        await stand_in(world, sold[0])
    await published(world, SILENT_ON, "15.00")
    with pytest.raises(FixingAlreadyRecorded):
        await confirm(world, recorded)

    [kept] = await world.rows("SELECT value, state FROM fixing WHERE kind = 'substitute'")
    assert (kept["value"], kept["state"]) == ("15.00", "recorded")
    assert await world.events("substitute_announced") == []


async def test_an_event_that_nobody_determined_ends_as_the_decision_says(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [holder] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "event-satellite")
    units = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(holder, issue_id, units)).outcome.value == "accepted"
    await world.closed(issue_id)
    await world.top_up([issuer], 10**12)
    with pytest.raises(SubstituteMustBeDue):
        await stand_in(world, issue_id, None)
    [redemption] = await world.actions(issue_id)
    await world.to(redemption["pay_at"])

    recorded = await stand_in(world, issue_id, None)
    await world.tick()
    assert (await world.actions(issue_id))[0]["state"] == "fixing"
    await confirm(world, recorded)
    before = await world.money(holder)
    await world.to(world.clock.now() + timedelta(minutes=1))

    decision = payoff_of("event-satellite")
    [amount] = [o["amount_kopecks"] for o in decision["outcomes"] if o["code"] == decision["fallback_outcome"]]
    assert recorded.value == decision["fallback_outcome"]
    assert "не определён источником" in (recorded.reason or "")
    [told] = await world.events("outcome_announced")
    assert (told["state"], told["reason"]) == ("confirmed", recorded.reason)
    assert await world.money(holder) - before == units * amount
    assert await world.state(issue_id) == "redeemed"
    await world.check()
