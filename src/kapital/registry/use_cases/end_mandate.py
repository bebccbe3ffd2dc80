"""Use case: a mandate ends at once, by whoever gave it or by the broker, alone."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import fingerprint
from kapital.registry.domain.mandate_problems import MandateNotFound
from kapital.registry.use_cases.mandate_parts import MandateParts, answer_with, as_resource, note_mandate


@dataclass(frozen=True, slots=True, kw_only=True)
class EndMandate:
    """End a mandate, accepted or not."""

    command_id: CommandId
    actor: Actor
    mandate_id: UUID


async def end_mandate(cmd: EndMandate, *, parts: MandateParts) -> contract.Mandate:
    """End what the broker may do; what was accepted before stays.

    Law: Civil Code art. 188, 977 [M] (either side ends it at any time). Promise: no order is taken by it once this is
    answered and tokenization has heard of it.
    Raises: IdempotencyKeyReused, MandateNotFound (also for another's), NotPermitted, MandateAlreadyEnded.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Mandate)
        one = await parts.mandates.lock(tx.conn, cmd.mandate_id)
        tx.access.require(cmd.actor, "end_mandate", as_resource(cmd.mandate_id, one), hidden=MandateNotFound)
        if one is None:
            raise MandateNotFound
        ended = one.ended(one.side_of(cmd.actor.participant_id), now=tx.now)
        await parts.mandates.save_ends(tx.conn, [ended], by=cmd.actor.id)
        before = one.state_at(tx.now).value
        await note_mandate(tx, "mandate_ended", ended, actor=cmd.actor, basis={}, before=before)
        return await answer_with(tx, ended, command_id=cmd.command_id, actor=cmd.actor, mark=mark)
