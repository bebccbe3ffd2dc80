"""Comparisons of the bank with the register, newest first."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access

_LIST: Final = text(
    """
    SELECT reconciliation_id, at, bank_kopecks, beneficiaries_kopecks, unidentified_kopecks, in_transit_kopecks,
        tax_payable_kopecks, difference_kopecks
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
    return contract.ReconciliationPage(reconciliations=[_reconciliation(row) for row in rows])


def _reconciliation(row: Any) -> contract.Reconciliation:
    return contract.Reconciliation(
        reconciliation_id=UUID(str(row.reconciliation_id)),
        at=row.at,
        bank_kopecks=row.bank_kopecks,
        beneficiaries_kopecks=row.beneficiaries_kopecks,
        unidentified_kopecks=row.unidentified_kopecks,
        in_transit_kopecks=row.in_transit_kopecks,
        tax_payable_kopecks=row.tax_payable_kopecks,
        difference_kopecks=row.difference_kopecks,
    )
