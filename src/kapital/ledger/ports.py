"""What the ledger needs from outside."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.plan import Batch


class PlannedBatch(NamedTuple):
    """A batch and the ground it was planned on: if one batch fails, no other on that ground may be written."""

    ground: int
    batch: Batch


class Outcome(StrEnum):
    """What became of a planned batch. Unless it was written, nothing of it was."""

    WRITTEN = "written"
    RACED = "raced"  # the log is not where the plan assumed
    REPEATS = "repeats"  # an id of the batch stands in the log already


class BatchWriter(Protocol):
    """Writes planned batches, in the order in which they are handed over."""

    async def ready(self) -> None:
        """Return when batches can be handed over. Raises: Problem, OSError."""
        ...

    def submit(self, planned: PlannedBatch) -> asyncio.Future[Outcome]:
        """Hand over a batch. The answer fails when it is not known what became of it."""
        ...

    async def close(self) -> None:
        """End when all is answered that was handed over."""
        ...


class AuditReceipt(NamedTuple):
    """What an audit system says it holds: so many entries, with this RFC 9162 root."""

    size: int
    root: bytes


class AuditProof(NamedTuple):
    """Proof out of the audit system: this leaf lies at `seq` in its log of `size` entries."""

    seq: int
    leaf: bytes
    path: list[bytes]
    receipt: AuditReceipt


class AuditAdapter(Protocol):
    """An independent system that holds a copy of the log. One conformance suite runs over all adapters."""

    async def append(self, batch: Sequence[StoredEntry]) -> AuditReceipt:
        """Add entries that follow what is there; durable when this returns. Repeating a batch changes nothing.

        Raises: AuditGap, AuditDiverged.
        """
        ...

    async def get(self, start: int, stop: int) -> list[StoredEntry]:
        """Return the entries held with start <= seq < stop."""
        ...

    async def prove(self, seq: int) -> AuditProof:
        """Return the proof of one entry out of the copy. Raises: EntryNotFound."""
        ...

    async def verify(self, receipt: AuditReceipt) -> None:
        """Check that the copy, cut to the receipt's size, has the receipt's root. Raises: AuditDiverged."""
        ...

    async def health(self) -> AuditReceipt:
        """Return what is held, recomputed from the entries themselves. Raises: AuditDamaged."""
        ...
