"""Records of tax residency, newest first."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.contract_forms import shown
from kapital.settlement.ports import Parts

_LIST: Final = text(
    """
    SELECT residency_id FROM tax_residency
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:before AS uuid) IS NULL OR residency_id < :before)
    ORDER BY residency_id DESC LIMIT :limit
    """
)


async def list_tax_residencies(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    *,
    state: contract.TaxResidencyState | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.TaxResidencyPage:
    """A page of records; staff only. Raises: NotPermitted."""
    access.require(actor, "list_tax_residencies")
    values = {"state": state and state.value, "before": before, "limit": limit}
    ids = [UUID(str(row.residency_id)) for row in await conn.execute(_LIST, values)]
    found = await parts.tax.records.read(conn, ids)
    return contract.TaxResidencyPage(tax_residencies=[shown(found[one]) for one in ids])
