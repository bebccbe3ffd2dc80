"""Messages of the bank: their bytes, signatures, statements and lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_files import StatusesRead
from kapital.settlement.domain.bank_message import Deviations, Statement, StatementLine
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    LineResult,
    MessageReason,
    MessageState,
    NumberedLine,
    PreviousStatement,
    SignatureVerdict,
)
from kapital.settlement.ports.files import FilesParts


class MessageReading(Protocol):
    """The parts of a kept message: statements, each followed by its lines."""

    deviations: Deviations

    async def next(self, count: int) -> list[Statement | StatementLine]:
        """The next parts, none at the end. Raises: BankMessageUnreadable and its kin."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class MessageStore(Protocol):
    """Raw messages of the bank by the hash of their bytes."""

    async def keep(self, source: Path) -> tuple[str, int]:
        """Keep the bytes of a file; their SHA-256 and how many."""
        ...

    async def keep_signature(self, signature: bytes) -> str:
        """Keep a signature; its SHA-256."""
        ...

    def reading(self, raw_sha256: str, format_name: str) -> MessageReading:
        """Read a kept message."""
        ...

    async def statuses(self, raw_sha256: str, format_name: str) -> StatusesRead:
        """Read a kept message about orders whole. Raises: BankMessageUnreadable and its kin."""
        ...


class BankSignatures(Protocol):
    """The check of the bank's signature under a kept message."""

    async def check(self, raw_sha256: str, signature: bytes | None, now: datetime) -> SignatureVerdict:
        """The verdict; ABSENT without a signature."""
        ...


class IncomingMessages(Protocol):
    """Messages of the bank, each kept once by its bytes, with their statements and lines."""

    async def lock(self, conn: AsyncConnection) -> None:
        """Let no other message be taken in until the commit."""
        ...

    async def find(self, conn: AsyncConnection, raw_sha256: str) -> IncomingMessage | None:
        """The message with these bytes."""
        ...

    async def get(self, conn: AsyncConnection, message_id: UUID) -> IncomingMessage | None:
        """A message."""
        ...

    async def lock_one(self, conn: AsyncConnection, message_id: UUID) -> IncomingMessage | None:
        """A message, locked until the commit."""
        ...

    async def known(self, conn: AsyncConnection, message: IncomingMessage) -> MessageReason | None:
        """ALTERED when its id came with other content before, SAME_CONTENT when its content did under another id."""
        ...

    async def add(self, conn: AsyncConnection, message: IncomingMessage, now: datetime) -> None:
        """Keep a message; its bytes twice are an error."""
        ...

    async def complete(self, conn: AsyncConnection, message: IncomingMessage) -> None:
        """Save what was found out about a message that is kept."""
        ...

    async def decide(
        self, conn: AsyncConnection, message_id: UUID, state: MessageState, reason: MessageReason | None
    ) -> None:
        """Change where a message stands."""
        ...

    async def add_statement(self, conn: AsyncConnection, message_id: UUID, number: int, head: Statement) -> None:
        """Keep a statement of the message."""
        ...

    async def add_lines(self, conn: AsyncConnection, message_id: UUID, lines: Sequence[NumberedLine]) -> None:
        """Keep lines of the message."""
        ...

    async def statements(self, conn: AsyncConnection, message_id: UUID) -> list[Statement]:
        """The statements of a message."""
        ...

    async def previous(self, conn: AsyncConnection, account: str) -> PreviousStatement | None:
        """The latest statement of the account that was taken in."""
        ...

    async def list_credits(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Put the booked credits of a notice at the end of the bank's list. The lock is held."""
        ...

    async def list_waiting(self, conn: AsyncConnection, limit: int) -> list[IncomingMessage]:
        """Messages that wait for a statement before them or for the end of their matching, in the order of days."""
        ...

    async def match(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Match open lines with known credits and withdrawals, in a fixed number of statements."""
        ...

    async def list_open_credits(self, conn: AsyncConnection, message_id: UUID, limit: int) -> list[NumberedLine]:
        """Credits that are not known yet, in order."""
        ...

    async def settle(
        self, conn: AsyncConnection, message_id: UUID, lines: Sequence[tuple[NumberedLine, LineResult]]
    ) -> None:
        """Note what became of lines, with the payment that now has their id."""
        ...

    async def note_sizes(self, conn: AsyncConnection) -> None:
        """After many lines or payments came: tell the planner how many there are now."""
        ...

    async def mark_doubled(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Mark the lines whose payment or withdrawal another line has stated before."""
        ...

    async def results(self, conn: AsyncConnection, message_id: UUID) -> dict[LineResult, int]:
        """How many lines have which result."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageParts:
    """What taking in a message stands on beside `Parts`. `account`: our nominal account at the bank.

    `files`: only of a bank that is spoken to by files; its notices are its list of credits.
    """

    account: str
    messages: IncomingMessages
    store: MessageStore
    signatures: BankSignatures
    files: FilesParts | None = None
