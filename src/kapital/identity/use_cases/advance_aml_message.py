"""Use case: an AML officer completes, approves or follows a message on measures applied."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import aml_message
from kapital.identity.domain.aml_message import AmlMessage, completed
from kapital.identity.domain.problems import AmlMessageNotFound
from kapital.identity.domain.states import AML_MESSAGE
from kapital.identity.ports import HitStore
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint


class MessageStep(StrEnum):
    """What the officer does."""

    PREPARE = "prepare"
    APPROVE = "approve"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"


_EVENT = {
    MessageStep.PREPARE: "approved",  # what a draft waits for
    MessageStep.APPROVE: "approved",
    MessageStep.SEND: "sent",
    MessageStep.ACCEPT: "accepted",
    MessageStep.REJECT: "rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceAmlMessage:
    """One step of one message, by an officer who saw `message_sha256`."""

    command_id: CommandId
    actor: Actor
    message_id: UUID
    step: MessageStep
    message_sha256: str
    comment: str | None = None
    reference: str | None = None


async def advance_aml_message(
    cmd: AdvanceAmlMessage, *, uow: UnitOfWork, hits: HitStore, drafting: Drafting
) -> contract.AmlMessage:
    """Prepare, approve, or record that the message was sent or answered; a rejected one gets a new draft at once.

    Law: 115-FZ art. 7(1)(6); domain.md 3.12; approval by two on the exact hash.
    Raises: IdempotencyKeyReused, NotPermitted, AmlMessageNotFound, WrongState, DecisionNamesAnotherMessage,
    AmlMessageMustBePrepared, MakerAndCheckerMustDiffer, AmlMessageStepNeedsReference – in this order of precedence.
    Not: nothing is sent by this program; a person sends the file and records the receipt.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.AmlMessage)
        message = await drafting.messages.find(tx.conn, cmd.message_id, lock=True)
        version = await drafting.messages.row_version(tx.conn, cmd.message_id)
        tx.access.require(cmd.actor, "advance_aml_message", Resource("AmlMessage", cmd.message_id, version))
        if message is None:
            raise AmlMessageNotFound(facts={"message_id": str(cmd.message_id)})
        AML_MESSAGE.step(message.state, _EVENT[cmd.step])
        message.require_same(cmd.message_sha256)
        before = message.state
        await _apply(cmd, message, tx=tx, hits=hits, drafting=drafting)
        await drafting.messages.save(tx.conn, message)
        # The comment and the content hold personal data and stay in the message.
        await tx.audit.append(
            f"identity.aml_message_{_PAST[cmd.step]}",
            message.message_id,
            cmd.actor,
            basis={"message_sha256": cmd.message_sha256},
            before={"state": before},
            after={"state": message.state, "sha256": message.sha256},
        )
        answer = aml_message(message, tx.now)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


_PAST = {
    MessageStep.PREPARE: "prepared",
    MessageStep.APPROVE: "approved",
    MessageStep.SEND: "sent",
    MessageStep.ACCEPT: "accepted",
    MessageStep.REJECT: "rejected",
}


async def _apply(
    cmd: AdvanceAmlMessage, message: AmlMessage, *, tx: Transaction, hits: HitStore, drafting: Drafting
) -> None:
    officer_id, now = cmd.actor.id, tx.now
    match cmd.step:
        case MessageStep.APPROVE:
            message.approve(officer_id=officer_id, now=now)
        case MessageStep.SEND:
            message.send(reference=cmd.reference, officer_id=officer_id, now=now)
        case MessageStep.ACCEPT:
            message.answer("accepted", reference=cmd.reference, officer_id=officer_id, now=now)
        case MessageStep.REJECT | MessageStep.PREPARE:
            hit = await hits.lock(tx.conn, message.hit_id)
            known = await drafting.clients.read(tx.conn, {message.participant_id})
            if hit is None:
                raise InvariantBroken(f"message {message.message_id} has no hit")
            if cmd.step is MessageStep.PREPARE:
                said = known[message.participant_id].particulars
                message.prepare(completed(message, hit, said, cmd.comment), officer_id=officer_id, now=now)
                return
            message.answer("rejected", reference=cmd.reference, officer_id=officer_id, now=now)
            await drafting.draft(tx, [hit], actor=cmd.actor, number=message.number + 1)
