"""Messages of the bank that wait for a statement before them, and those that a crash left half matched."""

from typing import Final

from kapital.settlement.domain.incoming_message import MessageState
from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.use_cases.take_in_statement import take_in_again

WAITING_MAX: Final = 1_000
"""So many are judged anew at a time."""


async def take_in_waiting(parts: Parts, more: MessageParts) -> None:
    """Judge them anew in the order of their days, until none follows those that are taken in.

    Promise: of a row of statements whose first one has come, or was booked by two persons, none stays behind.
    """
    followed = True
    while followed:
        followed = False
        async with parts.uow.begin() as tx:
            waiting = await more.messages.list_waiting(tx.conn, WAITING_MAX)
        for message in waiting:
            taken = await take_in_again(parts, more, message)
            if taken.message.state is MessageState.TAKEN_IN and message.state is MessageState.PARKED:
                followed = True
