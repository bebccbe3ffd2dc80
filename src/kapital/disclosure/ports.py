"""What disclosure needs from outside: a place for pages, and the documents by hash."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from kapital.disclosure.domain.decision import DecisionHead
from kapital.disclosure.domain.tellings import DecisionPublished
from kapital.platform.unit_of_work import Transaction


class PageEvent(NamedTuple):
    """One line of an issue's history that is not a sum."""

    event_id: UUID
    issue_id: UUID
    kind: str
    value: str
    at: datetime


class PageTotal(NamedTuple):
    """Sums over the lines of one part of a placement's result or of a payout."""

    issue_id: UUID
    topic: str
    subject_id: UUID
    part: int
    parts: int
    kind: str
    lines: int
    units: int
    paid_kopecks: int
    refunded_kopecks: int
    at: datetime


class Pages(Protocol):
    """The pages. Every write may be repeated without effect."""

    async def publish(self, tx: Transaction, told: DecisionPublished, head: DecisionHead, at: datetime) -> None:
        """Open the page of an issue. InvariantBroken: it was published with another decision."""
        ...

    async def add_events(self, tx: Transaction, events: Sequence[PageEvent]) -> None:
        """Add lines of history."""
        ...

    async def add_totals(self, tx: Transaction, totals: Sequence[PageTotal]) -> None:
        """Add sums of parts. InvariantBroken: the same part was told with other sums."""
        ...


class Documents(Protocol):
    """Documents by SHA-256 (hex); what is given has that hash."""

    async def get(self, sha256: str) -> bytes:
        """Return the document. Raises: ObjectNotFound."""
        ...
