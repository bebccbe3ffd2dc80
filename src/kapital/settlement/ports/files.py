"""The exchange folder of a bank that is spoken to by files, and the orders that were written for it."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_files import OrderStanding
from kapital.settlement.domain.bank_message import PaymentStatus
from kapital.settlement.domain.incoming_message import MessageState


class Place(StrEnum):
    """Where a file of the bank is put away, a folder each."""

    DONE = "done"
    PARKED = "parked"  # not booked: for a person
    SET_ASIDE = "set_aside"  # two persons decided that nothing of it is ever booked


class ArrivedFile(msgspec.Struct, frozen=True):
    """A message that the bank laid down whole, with the hash of its bytes as it was looked at.

    `signature`: None when none came with it in time.
    """

    name: str
    path: Path
    sha256: str
    format_name: str
    signature: bytes | None


class ExchangeFolder(Protocol):
    """What the bank has laid down for us. Each method may raise OSError."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """One reader at a time: whether it is this one, for the block."""
        ...

    async def arrived(self, now: datetime) -> Sequence[ArrivedFile]:
        """Messages that rest since the last look, by name."""
        ...

    async def put_away(self, file: ArrivedFile, place: Place) -> None:
        """Move a message with its signature; a crash in between is ended by the next look.

        One that has been replaced since it was looked at stays, and is looked at again.
        """
        ...

    async def parked(self) -> Collection[str]:
        """Hashes of the messages that lie parked."""
        ...

    async def release(self, raw_sha256: str, place: Place) -> None:
        """Move parked files with these bytes to another place; a crash in between is ended by the next call."""
        ...


class FileOrders(Protocol):
    """Orders that were written for the bank, by our references, and what became of its files."""

    async def named(self, conn: AsyncConnection, references: Collection[str]) -> Mapping[str, str]:
        """Our references of orders that a format names by their documents (`document_reference`)."""
        ...

    async def standing(self, conn: AsyncConnection, references: Collection[str]) -> Mapping[str, OrderStanding]:
        """How the known ones stand, locked until the commit."""
        ...

    async def end(
        self, conn: AsyncConnection, statuses: Sequence[PaymentStatus], message_id: UUID, now: datetime
    ) -> None:
        """Note the ends of orders that had none."""
        ...

    async def states(self, conn: AsyncConnection, raw_sha256: Collection[str]) -> Mapping[str, MessageState]:
        """Where the messages with these hashes stand, by hash."""
        ...


@dataclass(frozen=True, slots=True)
class FilesParts:
    """What a bank by files stands on beside `MessageParts`."""

    folder: ExchangeFolder
    orders: FileOrders
