"""Use case: take in what the bank says about orders that it was given as files."""

import msgspec

from kapital.kernel.problems import Problem, Unavailable, ensure
from kapital.settlement.domain.bank_files import StatusesRead, ends_of, reason_to_park_report
from kapital.settlement.domain.incoming_message import IncomingMessage, MessageReason, MessageState
from kapital.settlement.domain.problems import BankMessageAltered
from kapital.settlement.ports import FilesParts, MessageParts, Parts
from kapital.settlement.use_cases.message_admission import (
    TakeInStatement,
    admit,
    begin_to_judge,
    keep_refused,
    note_received,
    tell,
)
from kapital.settlement.use_cases.take_in_statement import TakenIn


async def take_in_status_report(cmd: TakeInStatement, parts: Parts, more: MessageParts) -> TakenIn:
    """Keep the raw bytes, check the signature, read, then note which orders have ended: all of them or none.

    Promise: the end of an order is noted once and never changes; a message that names an order of nobody, or another
    end than the bank has told before, is parked whole. Withdrawals hear of it by their next enquiry.
    Raises: NotPermitted, ObjectTooLarge, BankMessageSignatureMustBeValid, BankMessageUnreadable and its kin,
    BankMessageAltered – all but the first two with the message kept and nothing noted.
    """
    files = more.files
    ensure(files is not None, "only a bank by files speaks of orders in messages")
    assert files is not None  # for the type checker; ensured above
    admitted = await admit(cmd, parts, more)
    if admitted.was_judged:
        return TakenIn(admitted.message, {}, again=True)
    try:
        read = await more.store.statuses(admitted.message.raw_sha256, cmd.format_name)
    except Problem as problem:
        if isinstance(problem, Unavailable):
            raise
        found = msgspec.structs.replace(admitted.message, reason=MessageReason.UNREADABLE)
        await keep_refused(cmd, parts, more, found)
        raise
    message = await _keep(cmd, parts, more, files, admitted.message, read)
    tell(message)
    if message.reason is MessageReason.ALTERED:
        raise BankMessageAltered(facts={"message_id": str(message.message_id)})
    return TakenIn(message, {}, again=False)


async def _keep(
    cmd: TakeInStatement,
    parts: Parts,
    more: MessageParts,
    files: FilesParts,
    message: IncomingMessage,
    read: StatusesRead,
) -> IncomingMessage:
    """Keep the message with what it is found to be, and the ends that it tells, in one transaction."""
    message = msgspec.structs.replace(
        message,
        told_id=read.told_id,
        content_sha256=read.content_sha256(),
        line_count=len(read.statuses),
        deviation_count=read.deviation_count,
        deviations=read.deviations,
    )
    async with parts.uow.begin() as tx:
        message, is_open = await begin_to_judge(tx, more, message)
        if not is_open:
            return message
        # The same word under another id says nothing new, and nothing else.
        altered = await more.messages.known(tx.conn, message) is MessageReason.ALTERED
        named = await files.orders.named(tx.conn, {one.reference for one in read.statuses})
        read = read.with_references(named)
        standing = await files.orders.standing(tx.conn, {one.reference for one in read.statuses})
        reason = MessageReason.ALTERED if altered else reason_to_park_report(read, standing)
        state = MessageState.PARKED if reason else MessageState.TAKEN_IN
        found = msgspec.structs.replace(message, state=MessageState.REFUSED if altered else state, reason=reason)
        if reason is None:
            await files.orders.end(tx.conn, ends_of(read.statuses), message.message_id, tx.now)
        await more.messages.complete(tx.conn, found)
        await note_received(tx, cmd, found)
    return found
