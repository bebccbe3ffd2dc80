"""Use case: another person decides on exactly what is proposed about a parked message of the bank."""

from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.incoming_message import IncomingMessage, MessageState
from kapital.settlement.domain.message_decision import MESSAGE_DECISION, MessageDecision, MessageDecisionKind
from kapital.settlement.domain.message_decision_problems import (
    BankMessageDecisionMustBeProposed,
    BankMessageDecisionMustMatch,
    BankMessageNotFound,
)
from kapital.settlement.message_forms import shown_message_decision
from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.use_cases.propose_bank_message_decision import require_decidable
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideBankMessage:
    """The decision on exactly what is proposed about the message (`content_sha256`)."""

    command_id: CommandId
    actor: Actor
    message_id: UUID
    content_sha256: str
    approve: bool


_Row = tuple[IncomingMessage, MessageDecision | None]


def _seen(row: _Row) -> Seen:
    message, proposed = row
    if proposed is None:
        return Seen(message.state, is_open=False, maker=None, content_sha256=None)
    return Seen(proposed.state, is_open=True, maker=proposed.proposed_by, content_sha256=proposed.content_sha256)


_RULE: Final = TwoPersons(
    action="decide_bank_message",
    kind="BankMessage",
    told=contract.BankMessageDecision,
    seen=_seen,
    not_found=lambda _: BankMessageNotFound(),
    not_open=BankMessageDecisionMustBeProposed,
    not_same=BankMessageDecisionMustMatch,
)
_ON: Final = {MessageDecisionKind.BOOK: MessageState.TAKEN_IN, MessageDecisionKind.SET_ASIDE: MessageState.SET_ASIDE}


async def decide_bank_message(
    cmd: DecideBankMessage, parts: Parts, more: MessageParts
) -> contract.BankMessageDecision:
    """Approve or reject. Approved to be booked, the message is taken in, and `finish_bank_messages` books its lines.

    Promise: what is booked are the message's own lines, each once, as if it had not been parked; money that is known
    already is booked no second time. What is set aside is never booked.
    Raises: IdempotencyKeyReused, NotPermitted, BankMessageNotFound, BankMessageDecisionMustBeProposed,
    MakerAndCheckerMustDiffer, BankMessageDecisionMustMatch, BankMessageMustBeParked, BankMessageMustBeBookable.
    """

    async def lock(conn: AsyncConnection, message_id: UUID) -> _Row | None:
        # As whoever takes a message in: of two with one content one is first, and the next statement sees this one.
        await more.messages.lock(conn)
        message = await more.messages.lock_one(conn, message_id)
        return None if message is None else (message, await parts.message_decisions.proposed(conn, message_id))

    return await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.message_id,
        content_sha256=cmd.content_sha256,
        lock=lock,
        effect=partial(_decide, cmd, parts, more),
    )


async def _decide(
    cmd: DecideBankMessage, parts: Parts, more: MessageParts, tx: Transaction, row: _Row
) -> contract.BankMessageDecision:
    message, proposed = row
    if proposed is None:
        raise InvariantBroken("without a proposal nothing is open")
    on = proposed.kind.value if cmd.approve else "reject"
    decided = msgspec.structs.replace(
        proposed,
        state=MESSAGE_DECISION.step(proposed.state, on).target,
        decided_by=cmd.actor.id,
        decided_at=tx.now,
    )
    becomes = message.state
    if cmd.approve:
        await require_decidable(message, proposed.kind, tx, parts, more)
        becomes = _ON[proposed.kind]
        reason = None if becomes is MessageState.TAKEN_IN else message.reason
        await more.messages.decide(tx.conn, message.message_id, becomes, reason)
    await parts.message_decisions.decide(tx.conn, decided)
    await tx.audit.append(
        "settlement.bank_message_decided",
        message.message_id,
        cmd.actor,
        basis={"content_sha256": proposed.content_sha256, "document_sha256": proposed.document_sha256},
        before={"state": message.state.value},
        after={"state": becomes.value, "kind": proposed.kind.value, "decision": decided.state.value},
    )
    return shown_message_decision(decided)
