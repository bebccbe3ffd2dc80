"""The outcome of an event: evidence, two persons, a term to contest it; nothing is paid before (scenario 69)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.tokenization.domain.fixing import ContestVerdict, Fixing
from kapital.tokenization.domain.problems_life import (
    ContesterMustBeConcerned,
    ContestTermMustRun,
    OutcomeNeedsDocument,
)
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing
from kapital.tokenization.use_cases.contest_outcome import ContestOutcome, JudgeContest
from kapital.tokenization.use_cases.record_fixing import RecordOutcome
from tests.tokenization.world import CLERK, LAWYER, RISK, Person, World, key, staff

DISPUTED = {"determined_by_on": "2027-06-08", "dispute_business_days": 2}
OUTCOMES = ("launched", "failed")


async def waiting(world: World) -> tuple[UUID, Person, Person, Fixing]:
    """An issue in its redemption window, whose outcome two persons gave a moment ago; issuer, holder, outcome."""
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [holder] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "event-satellite", payoff=DISPUTED)
    minimum = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(holder, issue_id, max(minimum, 1))).outcome.value == "accepted"
    await world.closed(issue_id)
    [redemption] = await world.actions(issue_id)
    await world.top_up([issuer], 10**12)
    await world.to(redemption["pay_at"])
    return issue_id, issuer, holder, await given(world, issue_id, OUTCOMES[0])


async def given(world: World, issue_id: UUID, outcome: str) -> Fixing:
    told: dict[str, Any] = {"issue_id": issue_id, "outcome": outcome, "evidence": "protocol"}
    with pytest.raises(OutcomeNeedsDocument):
        await world.app.record_outcome(RecordOutcome(command_id=key(), actor=CLERK, **told))
    recorded = await world.app.record_outcome(
        RecordOutcome(command_id=key(), actor=CLERK, document_sha256="5e" * 32, **told)
    )
    return await world.app.confirm_fixing(
        ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value=outcome)
    )


async def contest(world: World, who: Person, fixing: Fixing) -> Fixing:
    return await world.app.contest_outcome(
        ContestOutcome(command_id=key(), actor=who.actor, fixing_id=fixing.fixing_id, reason="not so")
    )


async def judge(world: World, who: Any, fixing: Fixing, verdict: ContestVerdict) -> Fixing:
    return await world.app.judge_contest(
        JudgeContest(command_id=key(), actor=who, fixing_id=fixing.fixing_id, value=fixing.value, verdict=verdict)
    )


async def test_an_outcome_nobody_contests_is_paid_by_when_the_term_is_over_and_not_before(world: World) -> None:
    issue_id, _, holder, fixing = await waiting(world)
    assert (fixing.state.value, fixing.contest_until_at is not None) == ("disputable", True)
    until = fixing.contest_until_at or world.clock.now()

    await world.to(until - timedelta(hours=1))
    before = (await world.actions(issue_id))[0]["state"]
    await world.to(until)

    assert before == "fixing"
    assert await world.state(issue_id) == "redeemed"
    assert [told["state"] for told in await world.events("outcome_announced")] == ["disputable", "confirmed"]
    with pytest.raises(ContesterMustBeConcerned):
        await contest(world, holder, fixing)
    await world.check()


async def test_a_contested_outcome_is_paid_by_only_when_two_others_uphold_it(world: World) -> None:
    issue_id, _, holder, fixing = await waiting(world)
    [stranger] = await world.people(1)
    with pytest.raises(ContesterMustBeConcerned):
        await contest(world, stranger, fixing)

    contested = await contest(world, holder, fixing)

    with pytest.raises(WrongState):
        await contest(world, holder, fixing)
    await world.to((fixing.contest_until_at or world.clock.now()) + timedelta(days=1))
    assert (contested.state.value, (await world.actions(issue_id))[0]["state"]) == ("contested", "fixing")
    with pytest.raises(MakerAndCheckerMustDiffer):
        await judge(world, RISK, contested, ContestVerdict.UPHOLD)  # who confirmed it
    assert (await judge(world, LAWYER, contested, ContestVerdict.UPHOLD)).state.value == "contested"
    with pytest.raises(MakerAndCheckerMustDiffer):
        await judge(world, LAWYER, contested, ContestVerdict.UPHOLD)
    assert (await judge(world, staff(Role.RISK), contested, ContestVerdict.UPHOLD)).state.value == "confirmed"
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert await world.state(issue_id) == "redeemed"
    await world.check()


async def test_an_overturned_outcome_makes_room_for_another(world: World) -> None:
    issue_id, _, holder, fixing = await waiting(world)
    contested = await contest(world, holder, fixing)
    await judge(world, LAWYER, contested, ContestVerdict.UPHOLD)
    await judge(world, staff(Role.LEGAL), contested, ContestVerdict.OVERTURN)

    ended = await judge(world, staff(Role.RISK), contested, ContestVerdict.OVERTURN)

    assert ended.state.value == "rejected"
    other = await given(world, issue_id, OUTCOMES[1])
    late = other.contest_until_at or world.clock.now()
    world.clock.set(late)
    with pytest.raises(ContestTermMustRun):
        await contest(world, holder, other)
    await world.to(late)
    assert await world.state(issue_id) == "redeemed"
    await world.check()
