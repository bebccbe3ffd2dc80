"""What the ledger needs from outside."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kapital.ledger.api import StoredEntry


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
