"""Use case: an officer restricts a participant."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.answers import state_answer
from kapital.registry.use_cases.state_changes import note_change, standing


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
    seen = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, seen)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStateAnswer)
        cmd.actor.require(Role.COMPLIANCE, Role.AML_OFFICER)
        found = await participants.lock(tx.conn, [cmd.participant_id])
        if (participant := found.get(cmd.participant_id)) is None:
            raise ParticipantNotFound
        before = standing(participant)
        participant.restrict(cmd.actor.id)
        await participants.save(tx.conn, [participant], now=tx.now)
        await note_change(
            tx,
            "registry.participant_restricted",
            participant,
            before=before,
            actor=cmd.actor,
            basis={"reference": cmd.basis_reference},
        )
        answer = state_answer(participant)
        await tx.replies.keep(cmd.command_id, cmd.actor, seen, msgspec.json.encode(answer))
        return answer
