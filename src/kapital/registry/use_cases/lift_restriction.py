"""Use case: another officer lifts the restriction that one has set."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.change_by_officer import change_by_officer


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftRestriction:
    """Lift an officer's restriction. `basis_reference` names the internal order."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    basis_reference: str


async def lift_restriction(
    cmd: LiftRestriction, *, uow: UnitOfWork, participants: ParticipantStore
) -> contract.ParticipantStateAnswer:
    """Take the officer's ground away; the participant is ACTIVE again when no other ground is left.

    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, RestrictionNotSet,
    LiftNeedsAnotherOfficer.
    """
    return await change_by_officer(
        cmd,
        "lift_restriction",
        "registry.restriction_lifted",
        lambda participant: participant.lift_restriction(cmd.actor.id),
        uow=uow,
        participants=participants,
    )
