"""The rows behind the objects that two persons decide about, and how often each has changed."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.row_versions import row_version

_ROWS: Final = {
    "BankMessage": ("incoming_message", "message_id"),
    "Break": ("reconciliation_break", "break_id"),
    "DvpBatch": ("dvp_batch", "batch_id"),
    "DvpReview": ("dvp_review", "review_id"),
    "MoneyDecision": ("money_decision", "decision_id"),
    "TaxResidency": ("tax_residency", "residency_id"),
}
"""Table and key of each kind of object, as `policies/settlement.cedarschema` names it."""


class DecidedRows:
    """Implements `ports.RowVersions`."""

    async def of(self, conn: AsyncConnection, kind: str, name: UUID) -> int:
        """The version of the row behind an object of this kind; 0 without one."""
        table, key = _ROWS[kind]
        return await row_version(conn, table, key, name)
