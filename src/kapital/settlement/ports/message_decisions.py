"""Decisions of two persons about parked messages of the bank, and the versions of what is decided about."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.incoming_message import IncomingMessage
from kapital.settlement.domain.message_decision import MessageDecision


class ToBook(NamedTuple):
    """An approved decision whose message has lines to be booked."""

    decision_id: UUID
    message_id: UUID
    line_count: int


class MessageDecisions(Protocol):
    """Decisions about messages; of a message one at most is proposed or approved."""

    async def add(self, conn: AsyncConnection, decision: MessageDecision) -> bool:
        """Keep a proposal; False when another one about the message is open or approved."""
        ...

    async def proposed(self, conn: AsyncConnection, message_id: UUID) -> MessageDecision | None:
        """What is proposed about a message, locked until the commit."""
        ...

    async def decide(self, conn: AsyncConnection, decision: MessageDecision) -> None:
        """Save what the second person said."""
        ...

    async def approved(self, conn: AsyncConnection, limit: int) -> Sequence[ToBook]:
        """Those whose lines are still to be booked, oldest first."""
        ...

    async def done(self, conn: AsyncConnection, decision_id: UUID) -> None:
        """Save that the lines are booked; a repeat changes nothing."""
        ...

    async def of_message(self, conn: AsyncConnection, message_id: UUID, limit: int) -> Sequence[MessageDecision]:
        """What was ever proposed about a message, newest first."""
        ...

    async def is_content_booked(self, conn: AsyncConnection, message: IncomingMessage) -> bool:
        """Whether another message with the same content is taken in."""
        ...


class RowVersions(Protocol):
    """Versions of the objects that two persons decide about, as a recorded decision of the policies names them."""

    async def of(self, conn: AsyncConnection, kind: str, name: UUID) -> int:
        """The version of the row behind an object of this kind; 0 without one."""
        ...
