"""Mandates of brokers, and what orders use of their days."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.mandate import Mandate


class Mandates(Protocol):
    """What the registry told of mandates, and the sums of their days."""

    async def note(self, conn: AsyncConnection, mandates: Sequence[Mandate], now: datetime) -> None:
        """Take in what the registry told; what it told last of one stands."""
        ...

    async def in_force(
        self, conn: AsyncConnection, pairs: Collection[tuple[UUID, UUID]], at: datetime
    ) -> dict[tuple[UUID, UUID], Mandate]:
        """By broker and principal, those in force at an instant. No statement without a pair."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Mandate]:
        """Those mandates, in force or not."""
        ...

    async def used(self, conn: AsyncConnection, ids: Iterable[UUID], on: date) -> dict[UUID, int]:
        """What orders count of a day's limit, by mandate; none is missing for nothing."""
        ...

    async def add(self, conn: AsyncConnection, changes: Mapping[tuple[UUID, date], int]) -> None:
        """Add to (or, below zero, take from) what is used of mandates on days."""
        ...
