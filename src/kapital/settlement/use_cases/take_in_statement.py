"""Use case: take in a message of the bank with statements – once, if it is the bank's and whole."""

from collections.abc import Sequence
from typing import Final

import msgspec

from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.bank_message import Statement, StatementKind, StatementLine
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    LineNumbering,
    LineResult,
    MessageReason,
    MessageState,
    NumberedLine,
    reason_to_park,
)
from kapital.settlement.domain.problems import BankMessageAltered
from kapital.settlement.ports import MessageParts, MessageReading, Parts
from kapital.settlement.use_cases.book_message import book_message
from kapital.settlement.use_cases.message_admission import (
    TakeInStatement,
    admit,
    begin_to_judge,
    keep_refused,
    note_received,
    tell,
)
from kapital.settlement.use_cases.show_waiting import show_waiting

BATCH: Final = 2_000

_log = get_logger(__name__)


class TakenIn(msgspec.Struct, frozen=True):
    """What became of a message. `again`: the same bytes were here before, nothing new was booked for them."""

    message: IncomingMessage
    results: dict[LineResult, int]
    again: bool


async def take_in_statement(cmd: TakeInStatement, parts: Parts, more: MessageParts) -> TakenIn:
    """Keep the raw bytes, check the signature, read, compare totals, then match each line or book it.

    Promise: raw bytes are kept before anything is judged; the same bytes are taken in once, a line's money is booked
    once, under repeats and crashes: what a crash left open, the same file again ends. A message that waits for the
    statement before it (GAP) is judged anew when it comes again. What bank and register tell otherwise then is a
    break before this answers. Of a bank by files a notice or report is its list of credits (`Bank.incoming`): nothing
    is compared with it.
    Raises: NotPermitted, ObjectTooLarge, BankMessageSignatureMustBeValid, BankMessageUnreadable and its kin,
    BankMessageAltered – all but the first two with the message kept and nothing booked.
    """
    admitted = await admit(cmd, parts, more)
    if admitted.was_judged:
        return await take_in_again(parts, more, admitted.message)
    message = await _keep(cmd, parts, more, admitted.message)
    failpoint("settlement.statement.kept")
    if message.reason is MessageReason.ALTERED:
        raise BankMessageAltered(facts={"message_id": str(message.message_id)})
    return await _finish(parts, more, message, again=False)


async def take_in_again(parts: Parts, more: MessageParts, kept: IncomingMessage) -> TakenIn:
    """The same bytes once more: end what a crash left open; judge anew what waited for the statement before it."""
    if _waits(kept):
        async with parts.uow.begin() as tx:
            await more.messages.lock(tx.conn)
            # Two persons may have set it aside, or had it booked, since it was read.
            kept = await more.messages.lock_one(tx.conn, kept.message_id) or kept
            heads = await more.messages.statements(tx.conn, kept.message_id)
            previous = await more.messages.previous(tx.conn, more.account)
            reason = reason_to_park(heads, grave=0, account=more.account, previous=previous)
            if reason is None and _waits(kept):
                await more.messages.decide(tx.conn, kept.message_id, MessageState.TAKEN_IN, None)
                kept = msgspec.structs.replace(kept, state=MessageState.TAKEN_IN, reason=None)
    return await _finish(parts, more, kept, again=True)


def _waits(kept: IncomingMessage) -> bool:
    return kept.state is MessageState.PARKED and kept.reason is MessageReason.GAP


async def _keep(cmd: TakeInStatement, parts: Parts, more: MessageParts, message: IncomingMessage) -> IncomingMessage:
    """Read all of it and keep it in one transaction, or keep that it cannot be read."""
    reading = more.store.reading(message.raw_sha256, cmd.format_name)
    try:
        async with parts.uow.begin() as tx:
            message, is_open = await begin_to_judge(tx, more, message)
            if not is_open:
                return message
            read = await _read(more, tx, reading, message)
            found = await _judge(more, tx, reading, read)
            await more.messages.complete(tx.conn, found)
            await note_received(tx, cmd, found)
    except Problem as problem:
        if isinstance(problem, Unavailable):
            raise
        found = msgspec.structs.replace(message, reason=MessageReason.UNREADABLE)
        await keep_refused(cmd, parts, more, found)
        raise
    finally:
        reading.close()
    tell(found)
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
    if reason is not MessageReason.ALTERED:
        heads = await more.messages.statements(tx.conn, message.message_id)
        previous = await more.messages.previous(tx.conn, more.account)
        grave = reading.deviations.grave_count
        found = reason_to_park(heads, grave=grave, account=more.account, previous=previous)
        if found is MessageReason.NOT_FINAL and more.files and _has_no_balance(heads):
            # Reports of one day repeat each other; each credit has its id, and a repeat of it falls away.
            await more.messages.list_credits(tx.conn, message.message_id)
            return msgspec.structs.replace(message, state=MessageState.NOTICED, reason=None)
        reason = reason or found
    state = MessageState.TAKEN_IN if reason is None else MessageState.PARKED
    if reason is MessageReason.ALTERED:
        state = MessageState.REFUSED
    return msgspec.structs.replace(message, state=state, reason=reason)


def _has_no_balance(heads: Sequence[Statement]) -> bool:
    return all(head.kind is not StatementKind.STATEMENT for head in heads)


async def _finish(parts: Parts, more: MessageParts, message: IncomingMessage, *, again: bool) -> TakenIn:
    """Match and book the lines of a message that is taken in, and compare; of another, only tell."""
    if message.state is MessageState.TAKEN_IN:
        await book_message(parts, more.messages, message.message_id, message.line_count)
    async with parts.uow.begin() as tx:
        results = await more.messages.results(tx.conn, message.message_id)
        await show_waiting(parts, tx.conn)
    if message.state is MessageState.TAKEN_IN and results.get(LineResult.ALTERED):
        _log.error("settlement.bank_line_altered", code="line_altered", subject_id=str(message.message_id))
    return TakenIn(message, results, again)
