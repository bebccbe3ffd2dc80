"""What a bank that keeps shares thinks of each beneficiary, and what it was not told yet (staff)."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access

_LIST: Final = text(
    """
    SELECT h.wallet_id, b.participant_id, h.scoring, h.scoring_reasons, h.changed_at,
        h.owed_kopecks + coalesce(w.came_kopecks, 0) AS untold_kopecks, w.reason
    FROM bank_share_holder AS h LEFT JOIN beneficiary AS b USING (wallet_id)
        LEFT JOIN LATERAL (
            SELECT sum(l.amount_kopecks) FILTER (WHERE o.kind = 'distribution')::bigint AS came_kopecks,
                max(o.reason) AS reason, count(*) AS orders
            FROM bank_share_line AS l JOIN bank_share_order AS o USING (order_id)
            WHERE l.wallet_id = h.wallet_id AND o.state = 'waiting'
        ) AS w ON true
    WHERE (CAST(:scoring AS text) IS NULL OR h.scoring = :scoring)
        AND (NOT CAST(:untold AS boolean) OR h.owed_kopecks <> 0 OR w.orders > 0)
        AND (CAST(:after AS uuid) IS NULL OR h.wallet_id > :after)
    ORDER BY h.wallet_id LIMIT :limit
    """
)


async def list_bank_beneficiaries(
    conn: AsyncConnection,
    actor: Actor,
    *,
    scoring: contract.BankScoring | None = None,
    untold: bool = False,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.BankBeneficiaryPage:
    """A page in order of wallets. Raises: NotPermitted."""
    access.require(actor, "list_bank_beneficiaries")
    values = {"scoring": scoring.value if scoring else None, "untold": untold, "after": after, "limit": limit}
    rows = await conn.execute(_LIST, values)
    return contract.BankBeneficiaryPage(beneficiaries=[_shown(row) for row in rows])


def _shown(row: Any) -> contract.BankBeneficiary:
    return contract.BankBeneficiary(
        wallet_id=UUID(str(row.wallet_id)),
        participant_id=unset_if_none(row.participant_id and UUID(str(row.participant_id))),
        scoring=contract.BankScoring(row.scoring),
        scoring_reasons=list(row.scoring_reasons),
        untold_kopecks=row.untold_kopecks,
        waits_because=unset_if_none(row.reason),
        changed_at=row.changed_at,
    )
