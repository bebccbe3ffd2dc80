"""Restrictions by officers: four eyes to lift, audit, gates."""

from uuid import UUID, uuid4

import pytest

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.states import WrongState
from kapital.registry.domain.problems import (
    LiftNeedsAnotherOfficer,
    ParticipantNotFound,
    RestrictionAlreadySet,
)
from kapital.registry.use_cases.lift_restriction import LiftRestriction
from kapital.registry.use_cases.restrict_participant import RestrictParticipant
from tests.registry.conftest import World
from tests.registry.people import AML_OFFICER, COMPLIANCE, ONBOARDER, investor
from tests.registry.race import race


def restrict(world: World, participant_id: UUID, actor: Actor = COMPLIANCE) -> RestrictParticipant:
    return RestrictParticipant(
        command_id=world.command_id(), actor=actor, participant_id=participant_id, basis_reference="СЗ-17"
    )


def lift(world: World, participant_id: UUID, actor: Actor = AML_OFFICER) -> LiftRestriction:
    return LiftRestriction(
        command_id=world.command_id(), actor=actor, participant_id=participant_id, basis_reference="СЗ-18"
    )


async def test_one_officer_restricts_and_another_lifts(world: World) -> None:
    [participant_id] = await world.active(investor(1))

    restricted = await world.do.restrict_participant(restrict(world, participant_id))
    with pytest.raises(LiftNeedsAnotherOfficer):
        await world.do.lift_restriction(lift(world, participant_id, COMPLIANCE))
    lifted = await world.do.lift_restriction(lift(world, participant_id))

    assert (restricted.state, restricted.restrictions) == ("restricted", ["officer"])
    assert (lifted.state, lifted.restrictions) == ("active", [])
    acts = await world.rows(
        "SELECT action, actor_id, basis FROM audit_event WHERE action LIKE '%restrict%' ORDER BY id"
    )
    assert [(act["action"], act["actor_id"], act["basis"]) for act in acts] == [
        ("registry.participant_restricted", COMPLIANCE.id, {"reference": "СЗ-17"}),
        ("registry.restriction_lifted", AML_OFFICER.id, {"reference": "СЗ-18"}),
    ]


async def test_a_repeat_with_the_same_key_gets_the_same_answer(world: World) -> None:
    [participant_id] = await world.active(investor(1))
    cmd = restrict(world, participant_id)

    assert await world.do.restrict_participant(cmd) == await world.do.restrict_participant(cmd)

    [row] = await world.rows("SELECT version FROM participant")
    assert row["version"] == (await world.do.restrict_participant(cmd)).version


async def test_refusals_leave_no_trace(world: World) -> None:
    [applicant] = await world.registered(investor(1))
    told = await world.events()

    with pytest.raises(NotPermitted):
        await world.do.restrict_participant(restrict(world, applicant, ONBOARDER))
    with pytest.raises(ParticipantNotFound):
        await world.do.restrict_participant(restrict(world, uuid4()))
    with pytest.raises(WrongState):
        await world.do.restrict_participant(restrict(world, applicant))

    assert await world.events() == told
    assert await world.rows("SELECT 1 FROM audit_event WHERE action LIKE '%restrict%'") == []


async def test_of_many_restrictions_at_once_one_is_made(world: World) -> None:
    [participant_id] = await world.active(investor(1))

    outcomes = await race(
        world.database,
        "SELECT 1 FROM participant FOR UPDATE",
        *(world.do.restrict_participant(restrict(world, participant_id)) for _ in range(4)),
    )

    refused = [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    assert refused == [RestrictionAlreadySet] * 3
