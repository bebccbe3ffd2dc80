"""Table reconciliation: append-only."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.reconciliation import Reconciliation

_ADD: Final = text(
    """
    INSERT INTO reconciliation
        (reconciliation_id, at, bank_kopecks, beneficiaries_kopecks, unidentified_kopecks, in_transit_kopecks,
            tax_payable_kopecks, books_kopecks)
    VALUES (:id, :at, :bank, :beneficiaries, :unidentified, :in_transit, :tax_payable, :books)
    """
)


class ReconciliationTable:
    """Implements `ports.Reconciliations`."""

    async def add(self, conn: AsyncConnection, reconciliation: Reconciliation) -> None:
        """Keep a comparison."""
        await conn.execute(
            _ADD,
            {
                "id": reconciliation.reconciliation_id,
                "at": reconciliation.at,
                "bank": reconciliation.bank_kopecks,
                "beneficiaries": reconciliation.beneficiaries_kopecks,
                "unidentified": reconciliation.unidentified_kopecks,
                "in_transit": reconciliation.in_transit_kopecks,
                "tax_payable": reconciliation.tax_payable_kopecks,
                "books": reconciliation.books_kopecks,
            },
        )
