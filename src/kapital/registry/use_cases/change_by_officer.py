"""What the officers' changes of one participant's standing share: replay, lock, permit, decide, save, tell."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.contract_forms import state_answer
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.standing import Participant
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.state_changes import note_change, record_of, standing


class OfficersOrder(Protocol):
    """What each command of this kind carries."""

    @property
    def command_id(self) -> CommandId: ...  # noqa: D102 - its name says it
    @property
    def actor(self) -> Actor: ...  # noqa: D102 - its name says it
    @property
    def participant_id(self) -> UUID: ...  # noqa: D102 - its name says it
    @property
    def basis_reference(self) -> str: ...  # noqa: D102 - its name says it


async def change_by_officer(
    cmd: OfficersOrder,
    operation: str,
    action: str,
    change: Callable[[Participant], None],
    *,
    uow: UnitOfWork,
    participants: ParticipantStore,
) -> contract.ParticipantStateAnswer:
    """Apply `change`, the pure rule, to the locked participant and keep what came of it.

    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, and what `change` raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStateAnswer)
        participant = (await participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
        tx.access.require(cmd.actor, operation, record_of(cmd.participant_id, participant))
        if participant is None:
            raise ParticipantNotFound
        before = standing(participant)
        change(participant)
        await participants.save(tx.conn, [participant], now=tx.now)
        await note_change(
            tx,
            action,
            participant,
            before=before,
            actor=cmd.actor,
            basis={"reference": cmd.basis_reference},
        )
        answer = state_answer(participant)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
