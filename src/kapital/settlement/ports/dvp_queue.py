"""Port of the settlement queue of the nominal rail: what is due, what is being entered, and how that ended."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.dvp import DvpInstruction, LinkKind
from kapital.settlement.domain.dvp_queue import Queued
from kapital.settlement.domain.states import DvpState


class DueKey(NamedTuple):
    """A place in the order of settlement: priority, then intended day, then who came first."""

    priority: int
    intended_on: date
    instruction_id: UUID


class Due(NamedTuple):
    """An instruction that is due, at the version at which it was read."""

    key: DueKey
    queued: Queued
    row_version: int
    reason: str | None


class LinkOfDue(NamedTuple):
    """A link of an instruction that is due, and where the other one stands."""

    instruction_id: UUID
    kind: LinkKind
    other_id: UUID
    other_state: DvpState


class Settling(NamedTuple):
    """A part of an instruction of which the ledger is asked; those of one `settling_id` stand or fall together.

    `content_sha256`: of the batch in which two persons agreed to it.
    """

    settling_id: UUID
    instruction_id: UUID
    seller: UUID
    buyer: UUID
    asset: UUID
    units: int
    kopecks: int
    content_sha256: str


class Started(NamedTuple):
    """What is to be marked before the ledger is asked, if the instruction is still as it was read."""

    settling_id: UUID
    instruction_id: UUID
    units: int
    kopecks: int
    row_version: int


class Entered(NamedTuple):
    """A part that the ledger has entered."""

    settling_id: UUID
    instruction_id: UUID
    units: int
    kopecks: int
    entry_seq: int
    recorded_at: datetime


class Kept(NamedTuple):
    """An instruction as an entry left it."""

    instruction_id: UUID
    issue_id: UUID
    reference: str
    state: str
    settled_units: int
    settled_kopecks: int


class DvpQueue(Protocol):
    """The queue of the nominal rail."""

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Whether this is the one process that works on the queue now; for the length of the block."""
        ...

    async def is_stirred(self, conn: AsyncConnection, today: date, now: datetime, since: datetime) -> bool:
        """Whether something was left half-way, is over its cut-off, or has changed since that instant and is due."""
        ...

    async def overdue(self, conn: AsyncConnection, now: datetime, limit: int) -> list[DvpInstruction]:
        """What waits beyond its cut-off, locked; what others hold is left out."""
        ...

    async def due(
        self, conn: AsyncConnection, today: date, now: datetime, after: DueKey | None, limit: int
    ) -> list[Due]:
        """What may settle now, in order, from after this place on."""
        ...

    async def due_partners(
        self, conn: AsyncConnection, ids: Collection[UUID], today: date, now: datetime
    ) -> list[Due]:
        """What may settle now of all that is linked WITH these, directly or through others; these left out."""
        ...

    async def links(self, conn: AsyncConnection, ids: Collection[UUID]) -> list[LinkOfDue]:
        """The links of these: AFTER as kept, WITH from both ends."""
        ...

    async def start(self, conn: AsyncConnection, parts: Sequence[Started]) -> dict[UUID, str]:
        """Mark parts before the ledger is asked; a settlement of which an instruction has changed is left out whole.

        Returns the hash of its batch for each instruction marked.
        """
        ...

    async def under_way(self, conn: AsyncConnection) -> list[Settling]:
        """What was marked and not finished: a process stopped between."""
        ...

    async def enter(self, conn: AsyncConnection, parts: Sequence[Entered], now: datetime) -> list[Kept]:
        """Keep what the ledger has entered; returns the instructions whose part was kept here and now."""
        ...

    async def put_back(self, conn: AsyncConnection, reasons: Mapping[UUID, str]) -> None:
        """Return settlements that the ledger refused to the queue; the reasons are by `settling_id`."""
        ...

    async def note_reasons(self, conn: AsyncConnection, reasons: Mapping[UUID, str]) -> None:
        """Keep why instructions wait."""
        ...
