"""Read model: holders' instructions to put units or to accept an offer."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import InstructionPage, InstructionState, InstructionView
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.ports import Parts


async def list_instructions(
    conn: AsyncConnection, parts: Parts, actor: Actor, *, action_id: UUID | None, after: UUID | None, limit: int
) -> InstructionPage:
    """Instructions by id above `after`: a participant's own, or all for staff. Raises: NotPermitted."""
    whose = access.scope(actor, "list_instructions", "RedemptionInstruction")
    rows = await parts.instructions.page(
        conn, participant_id=whose.only, action_id=action_id, after=after, limit=limit + 1
    )
    items = [instruction_view(row) for row in rows[:limit]]
    return InstructionPage(items=items, next_after=items[-1].instruction_id if len(rows) > limit else msgspec.UNSET)


def instruction_view(one: Instruction) -> InstructionView:
    """An instruction as its holder sees it."""
    return InstructionView(
        instruction_id=one.instruction_id,
        action_id=one.action_id,
        issue_id=one.issue_id,
        participant_id=one.participant_id,
        units=one.units,
        state=InstructionState(one.state.value),
        version=one.version,
        created_at=one.created_at,
        lock_seq=unset_if_none(one.lock_seq),
        locked_at=unset_if_none(one.locked_at),
        taken_units=one.taken_units,
        refusal_code=unset_if_none(one.refusal_code),
    )
