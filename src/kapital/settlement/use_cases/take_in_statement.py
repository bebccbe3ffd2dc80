"""Use case: take in a message of the bank with statements – once, if it is the bank's and whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.ids import new_uuid7
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import BANK_MESSAGES
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.bank_message import StatementLine
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    LineNumbering,
    LineResult,
    MessageReason,
    MessageState,
    NumberedLine,
    SignatureOutcome,
    SignatureVerdict,
    credit_of,
    reason_to_park,
)
from kapital.settlement.domain.problems import BankMessageAltered, BankMessageSignatureMustBeValid
from kapital.settlement.ports import MessageParts, MessageReading, Parts
from kapital.settlement.use_cases.book_incoming import book_kept, sort_out

BATCH: Final = 2_000
PAGE: Final = 500
_NOTHING: Final = "0" * 64

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeInStatement:
    """Take in a file of the bank with its detached signature. `format_name`: camt or 1c."""

    actor: Actor
    file: Path
    format_name: str
    signature: bytes | None


class TakenIn(msgspec.Struct, frozen=True):
    """What became of a message. `again`: the same bytes were here before, nothing new was booked for them."""

    message: IncomingMessage
    results: dict[LineResult, int]
    again: bool


async def take_in_statement(cmd: TakeInStatement, parts: Parts, more: MessageParts) -> TakenIn:
    """Keep the raw bytes, check the signature, read, compare totals, then match each line or book it.

    Promise: raw bytes are kept before anything is judged; the same bytes are taken in once, a line's money is booked
    once, under repeats and crashes: what a crash left open, the same file again ends. A message that waits for the
    statement before it (GAP) is judged anew when it comes again.
    Raises: NotPermitted, ObjectTooLarge, BankMessageSignatureMustBeValid, BankMessageUnreadable and its kin,
    BankMessageAltered – all but the first two with the message kept and nothing booked.
    """
    async with parts.uow.begin() as tx:
        tx.access.require(cmd.actor, "take_in_statement")
    raw_sha256, size = await more.store.keep(cmd.file)
    async with parts.uow.begin() as tx:
        kept, now = await more.messages.find(tx.conn, raw_sha256), tx.now
    if kept is not None and kept.reason is not MessageReason.SIGNATURE:
        return await _again(parts, more, kept)
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
        await _refuse_signature(cmd, parts, more, message, verdict, known=kept is not None)
    message = await _keep(cmd, parts, more, message, known=kept is not None)
    if message.reason is MessageReason.ALTERED:
        raise BankMessageAltered(facts={"message_id": str(message.message_id)})
    return await _finish(parts, more, message, again=False)


async def _again(parts: Parts, more: MessageParts, kept: IncomingMessage) -> TakenIn:
    """The same bytes once more: end what a crash left open; judge anew what waited for the statement before it."""
    if kept.reason is MessageReason.GAP:
        async with parts.uow.begin() as tx:
            await more.messages.lock(tx.conn)
            heads = await more.messages.statements(tx.conn, kept.message_id)
            previous = await more.messages.previous(tx.conn, more.account)
            reason = reason_to_park(heads, grave=0, account=more.account, previous=previous)
            if reason is None:
                await more.messages.decide(tx.conn, kept.message_id, MessageState.TAKEN_IN, None)
                kept = msgspec.structs.replace(kept, state=MessageState.TAKEN_IN, reason=None)
    return await _finish(parts, more, kept, again=True)


async def _refuse_signature(
    cmd: TakeInStatement,
    parts: Parts,
    more: MessageParts,
    message: IncomingMessage,
    verdict: SignatureVerdict,
    *,
    known: bool,
) -> None:
    """Keep the message without a look into it, and raise the alarm."""
    async with parts.uow.begin() as tx:
        if not known:
            await more.messages.add(tx.conn, message, tx.now)
        await _audit(tx, cmd, message)
    _tell(message)
    facts = {"outcome": verdict.outcome.value, "reasons": ", ".join(verdict.reasons)}
    raise BankMessageSignatureMustBeValid(facts=facts)


async def _keep(
    cmd: TakeInStatement, parts: Parts, more: MessageParts, message: IncomingMessage, *, known: bool
) -> IncomingMessage:
    """Read all of it and keep it in one transaction, or keep that it cannot be read."""
    reading = more.store.reading(message.raw_sha256, cmd.format_name)
    try:
        async with parts.uow.begin() as tx:
            await more.messages.lock(tx.conn)
            if not known:
                await more.messages.add(tx.conn, message, tx.now)
            read = await _read(more, tx, reading, message)
            found = await _judge(more, tx, reading, read)
            await more.messages.complete(tx.conn, found)
            await _audit(tx, cmd, found)
    except Problem as problem:
        if isinstance(problem, Unavailable):
            raise
        found = msgspec.structs.replace(message, reason=MessageReason.UNREADABLE)
        async with parts.uow.begin() as tx:
            if not known:
                await more.messages.add(tx.conn, found, tx.now)
            await more.messages.complete(tx.conn, found)
            await _audit(tx, cmd, found)
        _tell(found)
        raise
    finally:
        reading.close()
    _tell(found)
    return found


async def _read(
    more: MessageParts, tx: Transaction, reading: MessageReading, message: IncomingMessage
) -> IncomingMessage:
    """Keep statements and lines as they come; the message with their counts and content."""
    numbering, told_id, account = LineNumbering(), "", ""
    statements = lines = 0
    while batch := await reading.next(BATCH):
        fresh: list[NumberedLine] = []
        for part in batch:
            if isinstance(part, StatementLine):
                lines += 1
                fresh.append(NumberedLine(statements, part, numbering.bank_id(account, part)))
                continue
            statements += 1
            await more.messages.add_lines(tx.conn, message.message_id, fresh)
            fresh = []
            numbering.statement(part)
            told_id, account = told_id or part.message_id, part.account
            await more.messages.add_statement(tx.conn, message.message_id, statements, part)
        await more.messages.add_lines(tx.conn, message.message_id, fresh)
    return msgspec.structs.replace(
        message,
        told_id=told_id,
        content_sha256=numbering.content_sha256,
        statement_count=statements,
        line_count=lines,
        deviation_count=reading.deviations.count,
        deviations=tuple(reading.deviations.kept),
    )


async def _judge(
    more: MessageParts, tx: Transaction, reading: MessageReading, message: IncomingMessage
) -> IncomingMessage:
    reason = await more.messages.known(tx.conn, message)
    if reason is None:
        heads = await more.messages.statements(tx.conn, message.message_id)
        previous = await more.messages.previous(tx.conn, more.account)
        grave = reading.deviations.grave_count
        reason = reason_to_park(heads, grave=grave, account=more.account, previous=previous)
    state = MessageState.TAKEN_IN if reason is None else MessageState.PARKED
    if reason is MessageReason.ALTERED:
        state = MessageState.REFUSED
    return msgspec.structs.replace(message, state=state, reason=reason)


async def _finish(parts: Parts, more: MessageParts, message: IncomingMessage, *, again: bool) -> TakenIn:
    """Match and book the lines of a message that is taken in; of another, only tell."""
    if message.state is MessageState.TAKEN_IN:
        async with parts.edge.hold():
            async with parts.uow.begin() as tx:
                await more.messages.match(tx.conn, message.message_id)
            while await _book_page(parts, more, message.message_id):
                pass
            await book_kept(parts)
    async with parts.uow.begin() as tx:
        results = await more.messages.results(tx.conn, message.message_id)
    if message.state is MessageState.TAKEN_IN and results.get(LineResult.ALTERED):
        _log.error("settlement.bank_line_altered", code="line_altered", subject_id=str(message.message_id))
    return TakenIn(message, results, again)


async def _book_page(parts: Parts, more: MessageParts, message_id: UUID) -> bool:
    """Keep the next credits that nobody knows as payments, as the bank's list would have; False when none is left."""
    async with parts.uow.begin() as tx:
        page = await more.messages.list_open_credits(tx.conn, message_id, PAGE)
        if not page:
            return False
        # The same lock as the bank's list: of two tellers of one credit one is first.
        await parts.incoming.lock_cursor(tx.conn)
        fresh, refused = await sort_out(parts, tx.conn, [credit_of(one) for one in page])
        await parts.incoming.add(tx.conn, fresh, tx.now)
        reasons = {credit.bank_id: _RESULTS[reason] for credit, reason in refused}
        settled = [(one, reasons.get(one.bank_id, LineResult.BOOKED)) for one in page]
        await more.messages.settle(tx.conn, message_id, settled)
    return True


_RESULTS: Final = {"altered": LineResult.ALTERED, "malformed": LineResult.REFUSED}


async def _audit(tx: Transaction, cmd: TakeInStatement, message: IncomingMessage) -> None:
    await tx.audit.append(
        "settlement.bank_message_received",
        message.message_id,
        cmd.actor,
        basis={"raw_sha256": message.raw_sha256},
        after={"state": message.state, "reason": message.reason, "lines": message.line_count},
    )


def _tell(message: IncomingMessage) -> None:
    """Count the message; what is not the bank's word, or not its first, raises the alarm."""
    reason = message.reason.value if message.reason else ""
    BANK_MESSAGES.labels(message.state.value, reason).inc()
    if message.state is MessageState.REFUSED:
        _log.error("settlement.bank_message_refused", code=reason, subject_id=str(message.message_id))
    elif message.state is MessageState.PARKED:
        _log.warning("settlement.bank_message_parked", code=reason, subject_id=str(message.message_id))
