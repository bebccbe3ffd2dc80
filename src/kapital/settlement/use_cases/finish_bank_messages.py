"""Tick: book the lines of messages that two persons decided to book as they stand."""

from typing import Final

from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.use_cases.book_message import book_message
from kapital.settlement.use_cases.take_in_waiting import take_in_waiting

PER_TICK: Final = 10


async def finish_bank_messages(parts: Parts, more: MessageParts) -> int:
    """Book what is open of each and what waited for it, then note that its decision is done; how many were ended.

    Promise: a crash leaves a decision approved, and the next tick ends it; no line is booked twice.
    """
    async with parts.uow.begin() as tx:
        approved = await parts.message_decisions.approved(tx.conn, PER_TICK)
    for one in approved:
        await book_message(parts, more.messages, one.message_id, one.line_count)
        await take_in_waiting(parts, more)
        async with parts.uow.begin() as tx:
            await parts.message_decisions.done(tx.conn, one.decision_id)
    return len(approved)
