"""Comparisons of the bank with the register, newest first."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.contract_forms import shown_reconciliation
from kapital.settlement.domain.reconciliation import Reconciliation

_LIST: Final = text(
    """
    SELECT reconciliation_id, at, bank_kopecks, beneficiaries_kopecks, unidentified_kopecks, in_transit_kopecks,
        tax_payable_kopecks, books_kopecks
    FROM reconciliation
    WHERE CAST(:before AS uuid) IS NULL
        OR seq < (SELECT seq FROM reconciliation WHERE reconciliation_id = :before)
    ORDER BY seq DESC LIMIT :limit
    """
)


async def list_reconciliations(
    conn: AsyncConnection, actor: Actor, *, before: UUID | None = None, limit: int = 100
) -> contract.ReconciliationPage:
    """A page of comparisons; staff only. Raises: NotPermitted."""
    access.require(actor, "list_reconciliations")
    rows = await conn.execute(_LIST, {"before": before, "limit": limit})
    return contract.ReconciliationPage(reconciliations=[shown_reconciliation(reconciliation_of(row)) for row in rows])


def reconciliation_of(row: Any) -> Reconciliation:
    """A row of the table."""
    values = {name: getattr(row, name) for name in Reconciliation.__struct_fields__}
    return Reconciliation(**{**values, "reconciliation_id": UUID(str(row.reconciliation_id))})
