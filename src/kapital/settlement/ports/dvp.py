"""Port of the DvP instructions: those who instruct, decide and change them. The queue has a port of its own."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.dvp import BatchState, DvpBatch, DvpInstruction, DvpLink, DvpMove


class DvpInstructions(Protocol):
    """Batches of instructions, the instructions, and what links them."""

    async def add(
        self,
        conn: AsyncConnection,
        batch: DvpBatch,
        instructions: Sequence[DvpInstruction],
        links: Sequence[DvpLink],
    ) -> int:
        """Keep a batch whole; returns how many of its references were taken already (then nothing may be kept)."""
        ...

    async def lock_batch(self, conn: AsyncConnection, batch_id: UUID) -> DvpBatch | None:
        """The batch, locked until the commit."""
        ...

    async def decide_batch(
        self, conn: AsyncConnection, batch_id: UUID, state: BatchState, decided_by: str, now: datetime
    ) -> None:
        """Keep the decision on a batch that is locked."""
        ...

    async def of_batch(self, conn: AsyncConnection, batch_id: UUID) -> list[DvpInstruction]:
        """The instructions of a batch, in its order."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Collection[UUID]) -> list[DvpInstruction]:
        """These instructions by id, locked until the commit, in the order of their ids; unknown ones are left out."""
        ...

    async def by_reference(self, conn: AsyncConnection, references: Collection[str]) -> list[DvpInstruction]:
        """The instructions with these references, locked against their end until the commit."""
        ...

    async def move(self, conn: AsyncConnection, moves: Sequence[DvpMove], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        ...

    async def set_held(self, conn: AsyncConnection, ids: Collection[UUID], *, is_held: bool, now: datetime) -> None:
        """Hold or release these."""
        ...

    async def set_priority(self, conn: AsyncConnection, ids: Collection[UUID], priority: int, now: datetime) -> None:
        """Give these a priority, 1 to 4."""
        ...

    async def add_links(self, conn: AsyncConnection, links: Sequence[DvpLink], now: datetime) -> None:
        """Keep links; those kept already stay. Both ends count as changed."""
        ...
