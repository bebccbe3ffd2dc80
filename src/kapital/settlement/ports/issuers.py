"""Port of what tokenization told with a decision: who is the issuer of an asset, and whether holders pass it on."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

Purchase = tuple[UUID, UUID]
"""An asset and the wallet that would take units of it."""


class Issuers(Protocol):
    """Issuers of assets, as their published decisions name them."""

    async def note(
        self,
        conn: AsyncConnection,
        issuers: Mapping[UUID, UUID],
        now: datetime,
        *,
        policies: Mapping[UUID, str] | None = None,
    ) -> None:
        """Keep the issuer (participant) of each asset, and its transfer policy where told; what is kept stays."""
        ...

    async def closed_to_transfer(self, conn: AsyncConnection, assets: Collection[UUID]) -> frozenset[UUID]:
        """Those of these whose units the decision lets nobody pass on, or only with the issuer's consent."""
        ...

    async def note_paid(self, conn: AsyncConnection, paid: Mapping[UUID, UUID], now: datetime) -> None:
        """Keep the owner of the wallet that is paid for first deliveries of each asset; who is kept already stays."""
        ...

    async def unnoted(self, conn: AsyncConnection) -> Mapping[UUID, int]:
        """Assets that were delivered and have no issuer here, each with the entry of a first delivery."""
        ...

    async def of_own(self, conn: AsyncConnection, purchases: Collection[Purchase]) -> frozenset[Purchase]:
        """Those of these in which the wallet, whichever of its owner's it is, is one of the asset's issuer."""
        ...
