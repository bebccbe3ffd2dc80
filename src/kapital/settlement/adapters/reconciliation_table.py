"""Table reconciliation: append-only."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.reconciliation import Reconciliation

_ADD: Final = text(
    """
    INSERT INTO reconciliation
        (reconciliation_id, at, bank_kopecks, beneficiaries_kopecks, unidentified_kopecks, in_transit_kopecks,
            tax_payable_kopecks)
    VALUES (:id, :at, :bank, :beneficiaries, :unidentified, :in_transit, :tax_payable)
    """
)
_LATEST: Final = text("SELECT difference_kopecks FROM reconciliation ORDER BY seq DESC LIMIT 1")


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
            },
        )

    async def open_break_kopecks(self, conn: AsyncConnection) -> int:
        """The difference of the latest comparison; 0 when it found none or none was made."""
        found = (await conn.execute(_LATEST)).scalar_one_or_none()
        return int(found or 0)
