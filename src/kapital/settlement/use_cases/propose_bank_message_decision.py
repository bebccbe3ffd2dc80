"""Use case: one person proposes to book a parked message of the bank as it stands, or to set it aside."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.domain.incoming_message import IncomingMessage, MessageState
from kapital.settlement.domain.message_decision import (
    MessageDecision,
    MessageDecisionKind,
    MessageDecisionState,
    why_not_bookable,
)
from kapital.settlement.domain.message_decision_problems import (
    BankMessageDecisionMustBeOne,
    BankMessageMustBeBookable,
    BankMessageMustBeParked,
    BankMessageNotFound,
)
from kapital.settlement.message_forms import shown_message_decision
from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.use_cases.two_persons import permit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeBankMessageDecision:
    """`reason`: 1 to 500 characters, without personal data; `document_sha256`: the paper that says so."""

    command_id: CommandId
    actor: Actor
    message_id: UUID
    kind: MessageDecisionKind
    reason: str
    document_sha256: str | None = None


async def propose_bank_message_decision(
    cmd: ProposeBankMessageDecision, parts: Parts, more: MessageParts
) -> contract.BankMessageDecision:
    """Keep the proposal; the message stays parked until another person approves exactly that.

    Raises: IdempotencyKeyReused, NotPermitted, BankMessageNotFound, BankMessageMustBeParked,
    BankMessageMustBeBookable, BankMessageDecisionMustBeOne.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.BankMessageDecision)
        message = await more.messages.lock_one(tx.conn, cmd.message_id)
        await permit(tx, parts, cmd.actor, "propose_bank_message_decision", "BankMessage", cmd.message_id)
        if message is None:
            raise BankMessageNotFound
        await require_decidable(message, cmd.kind, tx, parts, more)
        if message.reason is None:
            raise InvariantBroken("a parked message says why it is parked")
        decision = MessageDecision(
            decision_id=new_uuid7(),
            message_id=message.message_id,
            kind=cmd.kind,
            raw_sha256=message.raw_sha256,
            parked_for=message.reason,
            reason=cmd.reason,
            document_sha256=cmd.document_sha256,
            state=MessageDecisionState.PROPOSED,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
        )
        if not await parts.message_decisions.add(tx.conn, decision):
            raise BankMessageDecisionMustBeOne
        told = shown_message_decision(decision)
        await tx.audit.append(
            "settlement.bank_message_decision_proposed",
            message.message_id,
            cmd.actor,
            basis={"content_sha256": decision.content_sha256, "document_sha256": cmd.document_sha256},
            after={"kind": cmd.kind.value, "parked_for": message.reason.value, "raw_sha256": message.raw_sha256},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


async def require_decidable(
    message: IncomingMessage, kind: MessageDecisionKind, tx: Transaction, parts: Parts, more: MessageParts
) -> None:
    """Return if this may be decided about it now. Raises: BankMessageMustBeParked, BankMessageMustBeBookable."""
    if message.state is not MessageState.PARKED:
        raise BankMessageMustBeParked(facts={"state": message.state.value})
    if kind is MessageDecisionKind.SET_ASIDE:
        return
    reason = why_not_bookable(
        message,
        await more.messages.statements(tx.conn, message.message_id),
        account=more.account,
        is_content_booked=await parts.message_decisions.is_content_booked(tx.conn, message),
    )
    if reason is not None:
        raise BankMessageMustBeBookable(facts={"reason": reason.value})
