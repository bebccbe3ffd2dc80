"""The lines of a message of the bank that is taken in: matched with what is known, booked, and compared."""

import asyncio
from typing import Final
from uuid import UUID

from kapital.platform.failpoints import failpoint
from kapital.settlement.domain.incoming_message import LineResult, credit_of
from kapital.settlement.ports import IncomingMessages, Parts
from kapital.settlement.use_cases.book_incoming import book_kept, sort_out
from kapital.settlement.use_cases.find_breaks import look_at_statements

LARGE: Final = 1_000
"""A message of so many lines changes what the planner should think of the tables."""
PAGE: Final = 5_000


async def book_message(parts: Parts, messages: IncomingMessages, message_id: UUID, line_count: int) -> None:
    """Match and book what is open of the message, under the bank's edge.

    Promise: each line is matched or booked once; what a crash left open, the next call ends.
    """
    async with parts.edge.hold():
        is_large = line_count >= LARGE
        async with parts.uow.begin() as tx:
            if is_large:
                await messages.note_sizes(tx.conn)
            await messages.match(tx.conn, message_id)
        failpoint("settlement.statement.matched")
        await _book_pages(parts, messages, message_id)
        failpoint("settlement.statement.booked")
        async with parts.uow.begin() as tx:
            if is_large:
                await messages.note_sizes(tx.conn)
            await messages.mark_doubled(tx.conn, message_id)
        await look_at_statements(parts, at_rest=False)


async def _book_pages(parts: Parts, messages: IncomingMessages, message_id: UUID) -> None:
    """Keep page after page; one is entered in the ledger while the next is sorted out, since both wait for others.

    What the ledger refuses is told when all are kept.
    """
    entering: asyncio.Task[int] | None = None
    try:
        while await _book_page(parts, messages, message_id):
            failpoint("settlement.statement.page_kept")
            if entering is not None:
                await asyncio.wait([entering])
            if entering is None or entering.exception() is None:
                entering = asyncio.create_task(book_kept(parts))
    finally:
        if entering is not None:
            await entering
    await book_kept(parts)


async def _book_page(parts: Parts, messages: IncomingMessages, message_id: UUID) -> bool:
    """Keep the next credits that nobody knows as payments, as the bank's list would have; False when none is left."""
    async with parts.uow.begin() as tx:
        page = await messages.list_open_credits(tx.conn, message_id, PAGE)
        if not page:
            return False
        # The same lock as the bank's list: of two tellers of one credit one is first.
        await parts.incoming.lock_cursor(tx.conn)
        fresh, refused = await sort_out(parts, tx.conn, [credit_of(one) for one in page])
        await parts.incoming.add(tx.conn, fresh, tx.now)
        reasons = {credit.bank_id: _RESULTS[reason] for credit, reason in refused}
        settled = [(one, reasons.get(one.bank_id, LineResult.BOOKED)) for one in page]
        await messages.settle(tx.conn, message_id, settled)
    return True


_RESULTS: Final = {"altered": LineResult.ALTERED, "malformed": LineResult.REFUSED}
