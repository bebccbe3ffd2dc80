"""The door that every message of the bank passes: raw bytes kept, known ones found, the signature checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from kapital.kernel.actor import Actor
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import BANK_MESSAGES
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    MessageReason,
    MessageState,
    SignatureOutcome,
)
from kapital.settlement.domain.problems import BankMessageSignatureMustBeValid
from kapital.settlement.ports import MessageParts, Parts

_NOTHING: Final = "0" * 64

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeInStatement:
    """Take in a file of the bank with its detached signature.

    `format_name`: `camt` or `1c`; of a bank by files also `pain002` and `1c_receipt`, which tell of orders.
    """

    actor: Actor
    file: Path
    format_name: str
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message whose bytes are kept. `was_judged`: what became of it is decided."""

    message: IncomingMessage
    was_judged: bool


async def admit(cmd: TakeInStatement, parts: Parts, more: MessageParts) -> Admitted:
    """Keep the raw bytes before anything is judged, find those that were here before, check the signature.

    Raises: NotPermitted, ObjectTooLarge, BankMessageSignatureMustBeValid – the last with the message kept.
    """
    async with parts.uow.begin() as tx:
        tx.access.require(cmd.actor, "take_in_statement")
    raw_sha256, size = await more.store.keep(cmd.file)
    failpoint("settlement.statement.kept_raw")
    async with parts.uow.begin() as tx:
        kept, now = await more.messages.find(tx.conn, raw_sha256), tx.now
    if kept is not None and _was_judged(kept):
        return Admitted(kept, was_judged=True)
    verdict = await more.signatures.check(raw_sha256, cmd.signature, now)
    signature_sha256 = await more.store.keep_signature(cmd.signature) if cmd.signature else None
    message = IncomingMessage(
        message_id=new_uuid7() if kept is None else kept.message_id,
        raw_sha256=raw_sha256,
        raw_bytes=size,
        format=cmd.format_name,
        told_id="",
        content_sha256=_NOTHING,
        signature=verdict,
        signature_sha256=signature_sha256,
        state=MessageState.REFUSED,
        reason=MessageReason.SIGNATURE,
        statement_count=0,
        line_count=0,
        deviation_count=0,
        deviations=(),
        received_by=cmd.actor.id,
    )
    if verdict.outcome is not SignatureOutcome.VALID:
        # Kept without a look into it.
        if (judged := await keep_refused(cmd, parts, more, message)) is not None:
            return Admitted(judged, was_judged=True)
        facts = {"outcome": verdict.outcome.value, "reasons": ", ".join(verdict.reasons)}
        raise BankMessageSignatureMustBeValid(facts=facts)
    return Admitted(message, was_judged=False)


def _was_judged(kept: IncomingMessage) -> bool:
    """Of a message that was not signed by the bank nothing was read: the same bytes may come with its signature."""
    return kept.reason is not MessageReason.SIGNATURE


async def begin_to_judge(
    tx: Transaction, more: MessageParts, message: IncomingMessage
) -> tuple[IncomingMessage, bool]:
    """The message as it has its row, which is made where there is none, and whether it is still to be judged.

    Until the commit nobody else takes in a message. The same bytes may have come by another process, or by a command,
    since they were looked for.
    """
    await more.messages.lock(tx.conn)
    kept = await more.messages.find(tx.conn, message.raw_sha256)
    if kept is None:
        await more.messages.add(tx.conn, message, tx.now)
        return message, True
    if _was_judged(kept):
        return kept, False
    return msgspec.structs.replace(message, message_id=kept.message_id), True


async def keep_refused(
    cmd: TakeInStatement, parts: Parts, more: MessageParts, message: IncomingMessage
) -> IncomingMessage | None:
    """Keep a message of which nothing is used, and raise the alarm; or what it was judged to be meanwhile."""
    async with parts.uow.begin() as tx:
        message, is_open = await begin_to_judge(tx, more, message)
        if not is_open:
            return message
        if message.reason is not MessageReason.SIGNATURE:
            await more.messages.complete(tx.conn, message)
        await note_received(tx, cmd, message)
    tell(message)
    return None


async def note_received(tx: Transaction, cmd: TakeInStatement, message: IncomingMessage) -> None:
    """Write into the audit trail what became of a message."""
    await tx.audit.append(
        "settlement.bank_message_received",
        message.message_id,
        cmd.actor,
        basis={"raw_sha256": message.raw_sha256},
        after={"state": message.state, "reason": message.reason, "lines": message.line_count},
    )


def tell(message: IncomingMessage) -> None:
    """Count the message; what is not the bank's word, or not its first, raises the alarm."""
    reason = message.reason.value if message.reason else ""
    BANK_MESSAGES.labels(message.state.value, reason).inc()
    if message.state is MessageState.REFUSED:
        _log.error("settlement.bank_message_refused", code=reason, subject_id=str(message.message_id))
    elif message.state is MessageState.PARKED:
        _log.warning("settlement.bank_message_parked", code=reason, subject_id=str(message.message_id))
