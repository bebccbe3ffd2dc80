"""Use case: an officer restricts a participant."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.change_by_officer import change_by_officer


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictParticipant:
    """Restrict: payouts go on, purchases do not. `basis_reference` names the internal order."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    basis_reference: str


async def restrict_participant(
    cmd: RestrictParticipant, *, uow: UnitOfWork, participants: ParticipantStore
) -> contract.ParticipantStateAnswer:
    """Move a participant from ACTIVE to RESTRICTED, or add a ground to a restricted one.

    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, RestrictionAlreadySet, WrongState.
    """
    return await change_by_officer(
        cmd,
        "restrict_participant",
        "registry.participant_restricted",
        lambda participant: participant.restrict(cmd.actor.id),
        uow=uow,
        participants=participants,
    )
