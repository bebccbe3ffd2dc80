"""What the use cases of identity need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.kyc_case import KycCase


class CaseStore(Protocol):
    """The tables `kyc_case` and `identification`."""

    async def open(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> set[UUID]:
        """Enter new cases, except where the participant has a case of that number; return the ids entered."""
        ...

    async def lock_latest(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the latest case of each participant, and lock all of that participant's cases.

        Locked in the order of participant ids, so that two batches cannot deadlock.
        """
        ...

    async def lock_approved(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, KycCase]:
        """Read the case whose approval is in force, of each participant that has one; call after `lock_latest`."""
        ...

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[KycCase]:
        """Read and lock approvals whose term has come, leaving out those that somebody works on."""
        ...

    async def save_identifications(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write the identification just recorded in each case, and the case's state."""
        ...

    async def save(self, conn: AsyncConnection, cases: Sequence[KycCase]) -> None:
        """Write state and decision of locked cases, in the order given."""
        ...
