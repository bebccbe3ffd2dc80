"""What holders are paid, with its tax."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.instructions import AllocationDecided, AllocationLine, PayoutsInstructed
from kapital.settlement.domain.tax import PlannedPayout, Taxpayer, TaxRule, TaxRules
from kapital.settlement.domain.tax_cost import Lot, Used
from kapital.settlement.domain.tax_residency import (
    CorrectionState,
    PaidIncome,
    ResidencyState,
    TaxCorrection,
    TaxResidency,
)


class PaidLine(NamedTuple):
    """What one entry paid one wallet. `tax_kopecks`: what it brought to the operator's wallet of tax."""

    entry_seq: int
    wallet_id: UUID
    net_kopecks: int
    tax_kopecks: int
    extinguished_units: int


class Payouts(Protocol):
    """What each holder is paid, with its tax, and what that is counted from."""

    async def note_kinds(self, conn: AsyncConnection, kinds: Mapping[UUID, str]) -> None:
        """Keep what kind of person each participant is."""
        ...

    async def add_lots(
        self, conn: AsyncConnection, decided: AllocationDecided, delivered: Sequence[tuple[AllocationLine, int]]
    ) -> None:
        """Keep what delivered units had cost, with the entry of the delivery; a repeat changes nothing."""
        ...

    async def taxpayers(self, conn: AsyncConnection, wallets: Iterable[UUID], on: date) -> dict[UUID, Taxpayer]:
        """Whose each wallet is, with the residency of that day and the base of its year so far."""
        ...

    async def costs(
        self, conn: AsyncConnection, issue_id: UUID, wallets: Iterable[UUID]
    ) -> tuple[dict[UUID, list[Lot]], dict[UUID, Used]]:
        """The lots of each wallet in order of acquisition, and what earlier payments have taken of them."""
        ...

    async def planned(self, conn: AsyncConnection, action_id: UUID, part: int) -> list[PlannedPayout]:
        """What is decided of a part, in any order."""
        ...

    async def plan(
        self, conn: AsyncConnection, instructed: PayoutsInstructed, planned: Sequence[PlannedPayout], on: date
    ) -> None:
        """Keep what is decided of a part."""
        ...

    async def note_paid(self, conn: AsyncConnection, action_id: UUID, part: int, lines: Sequence[PaidLine]) -> None:
        """Note the entries with which each wallet of a part was paid, in their order."""
        ...

    async def drop(self, conn: AsyncConnection, action_id: UUID, part: int) -> None:
        """Forget what was decided of a part that the ledger has refused."""
        ...

    async def tax_payable(self, conn: AsyncConnection) -> tuple[int, int]:
        """The least and the most that the tax wallet may hold free: withheld and not paid, give or take what may be
        entered just now."""
        ...


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """A tax that is to be collected after the payment. `collecting_kopecks`: what the ledger was perhaps asked."""

    correction_id: UUID
    wallet_id: UUID
    due_kopecks: int
    collecting_kopecks: int | None


class TaxRecords(Protocol):
    """Who is a tax resident, and what was corrected for it."""

    async def add(self, conn: AsyncConnection, residency: TaxResidency) -> None:
        """Keep a new record."""
        ...

    async def lock(self, conn: AsyncConnection, residency_id: UUID) -> TaxResidency | None:
        """A record, locked."""
        ...

    async def read(self, conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, TaxResidency]:
        """Those records that exist, by id."""
        ...

    async def decide(
        self, conn: AsyncConnection, residency_id: UUID, state: ResidencyState, by: str, at: datetime
    ) -> None:
        """Note the decision of the second person."""
        ...

    async def kind_of(self, conn: AsyncConnection, participant_id: UUID) -> str | None:
        """What kind of person a participant is, as far as the registry told."""
        ...

    async def share(self, conn: AsyncConnection) -> None:
        """Let no residency change until the commit."""
        ...

    async def turn(self, conn: AsyncConnection) -> None:
        """Let nobody else collect until the commit."""
        ...

    async def alone(self, conn: AsyncConnection) -> None:
        """Let nobody count a tax or change a residency until the commit."""
        ...

    async def is_being_paid(self, conn: AsyncConnection, participant_id: UUID, year: int) -> bool:
        """Whether a payment or a collection of this person is under way just now."""
        ...

    async def year_of(self, conn: AsyncConnection, participant_id: UUID, year: int) -> list[PaidIncome]:
        """The taxed payments of a person in a year, in order, with the tax that stands now."""
        ...

    async def correct(
        self, conn: AsyncConnection, participant_id: UUID, year: int, found: Sequence[TaxCorrection], on: date
    ) -> None:
        """Keep corrections; earlier ones that nobody has begun to collect are collected no more."""
        ...

    async def open_collections(self, conn: AsyncConnection, limit: int) -> list[Collection]:
        """Corrections that wait for money, or whose collection is not known to have ended."""
        ...

    async def move(
        self,
        conn: AsyncConnection,
        correction_id: UUID,
        was: CorrectionState,
        state: CorrectionState,
        *,
        kopecks: int = 0,
        seq: int | None = None,
    ) -> None:
        """Change where a collection stands, if it still stands where it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxParts:
    """What is withheld at payout, and by which law it is counted. Without a rule nothing is."""

    law: TaxRules
    records: TaxRecords
    rules: tuple[TaxRule, ...] = ()
