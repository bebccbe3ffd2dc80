"""Table issuer_of_asset: whose asset each is and whether holders pass it on, as told with the published decision."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.ports.issuers import Purchase

_NOTE: Final = text(
    """
    INSERT INTO issuer_of_asset (asset_id, participant_id, transfer_policy, told_at)
    SELECT asset_id, participant_id, transfer_policy, :now
    FROM unnest(CAST(:assets AS uuid[]), CAST(:participants AS uuid[]), CAST(:policies AS text[]))
        AS i (asset_id, participant_id, transfer_policy)
    ORDER BY asset_id
    ON CONFLICT (asset_id) DO UPDATE
        SET transfer_policy = coalesce(issuer_of_asset.transfer_policy, excluded.transfer_policy)
    """
)
_CLOSED: Final = text(
    """
    SELECT asset_id FROM issuer_of_asset
    WHERE asset_id = ANY(CAST(:assets AS uuid[])) AND transfer_policy IN ('issuer_consent', 'forbidden')
    """
)
_NOTE_PAID: Final = text(
    """
    INSERT INTO issuer_of_asset (asset_id, participant_id, told_at)
    SELECT i.asset_id, b.participant_id, :now
    FROM unnest(CAST(:assets AS uuid[]), CAST(:wallets AS uuid[])) AS i (asset_id, wallet_id)
    JOIN beneficiary b USING (wallet_id)
    ORDER BY i.asset_id
    ON CONFLICT (asset_id) DO NOTHING
    """
)
# From issue to issue over the primary key: lots are many, issues few. An issue is its asset in the register.
_UNNOTED: Final = text(
    """
    WITH RECURSIVE issue AS (
        (SELECT issue_id FROM unit_lot ORDER BY issue_id LIMIT 1)
        UNION ALL
        SELECT (SELECT l.issue_id FROM unit_lot AS l WHERE l.issue_id > issue.issue_id ORDER BY l.issue_id LIMIT 1)
        FROM issue WHERE issue.issue_id IS NOT NULL
    )
    SELECT issue_id, (SELECT l.entry_seq FROM unit_lot AS l WHERE l.issue_id = issue.issue_id LIMIT 1) AS entry_seq
    FROM issue
    WHERE issue_id IS NOT NULL AND NOT EXISTS (SELECT FROM issuer_of_asset AS i WHERE i.asset_id = issue.issue_id)
    """
)
_OF_OWN: Final = text(
    """
    SELECT p.asset_id, p.wallet_id
    FROM unnest(CAST(:assets AS uuid[]), CAST(:wallets AS uuid[])) AS p (asset_id, wallet_id)
    JOIN issuer_of_asset i USING (asset_id)
    JOIN beneficiary b ON b.wallet_id = p.wallet_id AND b.participant_id = i.participant_id
    """
)


class IssuerTable:
    """Implements `ports.Issuers`."""

    async def note(
        self,
        conn: AsyncConnection,
        issuers: Mapping[UUID, UUID],
        now: datetime,
        *,
        policies: Mapping[UUID, str] | None = None,
    ) -> None:
        """Keep the issuer of each asset, and its transfer policy where it was told; what is kept stays."""
        told = policies or {}
        values = {
            "assets": list(issuers),
            "participants": list(issuers.values()),
            "policies": [told.get(asset) for asset in issuers],
            "now": now,
        }
        await conn.execute(_NOTE, values)

    async def closed_to_transfer(self, conn: AsyncConnection, assets: Collection[UUID]) -> frozenset[UUID]:
        """Those of these whose units the decision lets nobody pass on, or only with the issuer's consent."""
        rows = await conn.execute(_CLOSED, {"assets": sorted(set(assets))})
        return frozenset(UUID(str(asset)) for asset in rows.scalars())

    async def note_paid(self, conn: AsyncConnection, paid: Mapping[UUID, UUID], now: datetime) -> None:
        """Keep the owner of the wallet that is paid for first deliveries of each asset; who is kept already stays."""
        values = {"assets": list(paid), "wallets": list(paid.values()), "now": now}
        await conn.execute(_NOTE_PAID, values)

    async def unnoted(self, conn: AsyncConnection) -> Mapping[UUID, int]:
        """Assets that were delivered and have no issuer here, each with the entry of a first delivery."""
        return {UUID(str(row.issue_id)): row.entry_seq for row in await conn.execute(_UNNOTED)}

    async def of_own(self, conn: AsyncConnection, purchases: Collection[Purchase]) -> frozenset[Purchase]:
        """Those of these in which the wallet is one of the asset's issuer."""
        if not (asked := sorted(set(purchases))):
            return frozenset()
        values = {"assets": [asset for asset, _ in asked], "wallets": [wallet for _, wallet in asked]}
        rows = await conn.execute(_OF_OWN, values)
        return frozenset((UUID(str(row.asset_id)), UUID(str(row.wallet_id))) for row in rows)
