"""Bank against register: the sum of shares must be the balance of the nominal account (domain.md 3.5, ГК 860.1)."""

from datetime import datetime
from uuid import UUID

import msgspec


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison at a moment when nothing moved. Any difference, even of a kopeck, is a break."""

    reconciliation_id: UUID
    at: datetime
    bank_kopecks: int
    beneficiaries_kopecks: int
    unidentified_kopecks: int
    in_transit_kopecks: int
    tax_payable_kopecks: int
    books_kopecks: int | None = None
    """By our own tables: what they say came, less what they say was paid. None before they were summed."""

    @property
    def ledger_kopecks(self) -> int:
        """What lies at the bank by the register."""
        return self.bank_kopecks - self.difference_kopecks

    @property
    def difference_kopecks(self) -> int:
        """What the bank holds above the register (negative: below)."""
        beneficiaries = self.beneficiaries_kopecks + self.unidentified_kopecks + self.in_transit_kopecks
        return self.bank_kopecks - beneficiaries - self.tax_payable_kopecks
