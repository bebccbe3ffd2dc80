"""Use case: a holder withdraws the instruction to put units or the acceptance of an offer, where it may."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import of_row
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.early_actions import early_of
from kapital.tokenization.domain.early_texts import withdrawal_command, withdrawal_text
from kapital.tokenization.domain.investor import why_orders_stay
from kapital.tokenization.domain.problems_early import InstructionMustBeRevocable, InstructionNotFound
from kapital.tokenization.domain.redemption_instruction import INSTRUCTION, Instruction
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.instruct_redemption import lock_action, require_window
from kapital.tokenization.use_cases.instruction_records import give_back
from kapital.tokenization.use_cases.steps import move_instructions


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawInstruction:
    """One own instruction, whole."""

    command_id: CommandId
    actor: Actor
    instruction_id: UUID
    signed_act: SignedAct | None = None


def wording_of_instruction_withdrawal(instruction_id: UUID) -> Wording:
    """What the holder signs."""
    return Wording(
        kind=ActKind.WITHDRAW_INSTRUCTION,
        command=withdrawal_command(instruction_id),
        text=withdrawal_text(instruction_id),
        text_version=TEXT_VERSION,
    )


async def withdraw_instruction(cmd: WithdrawInstruction, *, parts: Parts) -> Instruction:
    """Move LOCKED to WITHDRAWN before the window closes; the units go back.

    Promise: once answered, the units go back even if this process dies (the schedule gives back what is due).
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, InstructionNotFound, InstructionMustBeRevocable,
    InstructionWindowMustBeOpen, ParticipantMustBeActive, WrongState.
    """
    mark = fingerprint(cmd)
    wording = wording_of_instruction_withdrawal(cmd.instruction_id)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Instruction)
        found = (await parts.instructions.read(tx.conn, [cmd.instruction_id])).get(cmd.instruction_id)
        owner = found.participant_id if found else None
        resource = of_row("RedemptionInstruction", cmd.instruction_id, found, owner=owner)
        tx.access.require(cmd.actor, "withdraw_instruction", resource, hidden=InstructionNotFound)
        if found is None:
            raise InstructionNotFound
        action, _ = await lock_action(tx, parts, found.action_id)
        one = (await parts.instructions.lock(tx.conn, [cmd.instruction_id]))[cmd.instruction_id]
        INSTRUCTION.step(one.state, "withdrawn")
        if not early_of(action).revocable:
            raise InstructionMustBeRevocable
        require_window(action, parts)
        people = await parts.investors.read(tx.conn, [one.participant_id])
        if (problem := why_orders_stay(people.get(one.participant_id))) is not None:
            raise problem
        [after] = await move_instructions(
            tx, parts, [(one, "withdrawn", {"release_units": one.units})], actor=cmd.actor
        )
        await keep_acts(tx.conn, [act] if act else [])
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
    await give_back([after], parts=parts)
    return after
