"""The bank that keeps each beneficiary's share, and what settlement keeps of what it was told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_shares import BankShare, Came, DealStatus, Scored, ShareLine, ShareOrder, Stretch


class BankShares(Protocol):
    """A bank that keeps the shares of a nominal account (Civil Code art. 860.1–860.6).

    Each method may raise BankSilent: then nothing is known about what happened. Each is idempotent by the id that it
    names: sent twice it has one effect.
    """

    async def name(self, beneficiary_id: str) -> Scored:
        """Name a beneficiary by reference."""
        ...

    async def scoring(self, beneficiary_id: str) -> Scored:
        """What the bank thinks of it now; UNNAMED when it never heard of it."""
        ...

    async def list(self, after: str | None, limit: int) -> tuple[Sequence[BankShare], str | None]:
        """A page of beneficiaries with their money, and where the next page goes on."""
        ...

    async def distribute(self, order: ShareOrder) -> str | None:
        """Identify a payment; None when it is done, else the code by which the bank refuses."""
        ...

    async def deal(self, order: ShareOrder) -> DealStatus:
        """Where a deal stands, and what stands against a draft."""
        ...

    async def open(self, order: ShareOrder) -> DealStatus:
        """Draft a deal; nothing moves."""
        ...

    async def accept(self, order: ShareOrder) -> DealStatus:
        """Hold what is given; the deal stays a draft when the bank does not."""
        ...

    async def complete(self, order: ShareOrder) -> DealStatus:
        """Give what is held to those who receive."""
        ...

    async def cancel(self, order: ShareOrder) -> DealStatus:
        """Let go what is held."""
        ...


class ShareRecords(Protocol):
    """How far the bank was told. Money in kopecks; a fixed number of statements whatever the number of wallets."""

    async def begin(self, conn: AsyncConnection, wallets: Collection[UUID], now: datetime) -> bool:
        """Tell from the first entry on; False when payouts without a beneficiary went before.

        `wallets`: those that no event names. Known beneficiaries are kept as not named yet.
        """
        ...

    async def has_begun(self, conn: AsyncConnection) -> bool:
        """Whether the bank keeps shares that were told."""
        ...

    async def add_holders(self, conn: AsyncConnection, wallets: Collection[UUID], now: datetime) -> None:
        """Keep wallets that have to be named; those kept stay as they are."""
        ...

    async def walked(self, conn: AsyncConnection) -> int:
        """Number of the first entry that is not in the queue; locked until the commit."""
        ...

    async def walk_on(
        self, conn: AsyncConnection, came: Sequence[Came], owed: Mapping[UUID, int], next_seq: int, now: datetime
    ) -> None:
        """Queue what entries before `next_seq` bring: payments to be distributed, and what is owed by deals."""
        ...

    async def to_name(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Wallets that are not named yet, those longest not tried first."""
        ...

    async def in_scoring(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Wallets that the bank looks at, those longest not asked about first."""
        ...

    async def note_scored(self, conn: AsyncConnection, scored: Mapping[UUID, Scored], now: datetime) -> None:
        """Keep the bank's word."""
        ...

    async def note_tried(
        self, conn: AsyncConnection, orders: Mapping[UUID, str | None], wallets: Collection[UUID], now: datetime
    ) -> None:
        """Put these behind those not tried yet; of orders with the code by which the bank refused."""
        ...

    async def distributions(self, conn: AsyncConnection, limit: int) -> list[ShareOrder]:
        """Payments to be distributed whose beneficiaries are named."""
        ...

    async def deals(self, conn: AsyncConnection, limit: int) -> list[ShareOrder]:
        """Deals that are under way."""
        ...

    async def owed(self, conn: AsyncConnection, now: datetime) -> dict[UUID, int]:
        """What is owed to (+) and by (−) wallets that the bank serves and that no order under way names.

        Without those that rest at `now`, since the bank refused them.
        """
        ...

    async def add_deals(self, conn: AsyncConnection, deals: Sequence[tuple[ShareLine, ...]], now: datetime) -> None:
        """Queue deals."""
        ...

    async def end(self, conn: AsyncConnection, ids: Collection[UUID], now: datetime) -> None:
        """The bank has done these orders: what they moved is owed no more. Once each."""
        ...

    async def cancel(self, conn: AsyncConnection, order_id: UUID, against: Mapping[UUID, str], now: datetime) -> None:
        """A deal is cancelled and will be planned anew; who stood against it waits, also for its scoring."""
        ...

    async def cancel_lost(
        self, conn: AsyncConnection, ids: Collection[UUID], before: datetime, now: datetime
    ) -> None:
        """Tell no more of those of these orders that are older than `before`; the comparison shows them."""
        ...

    async def payable(self, conn: AsyncConnection, wallets: Mapping[UUID, int]) -> frozenset[UUID]:
        """Those of these wallets from which the bank can pay what the entry of this number locked.

        The bank serves the beneficiary and was told all that it received up to that entry.
        """
        ...

    async def untold(self, conn: AsyncConnection) -> tuple[dict[UUID, int], frozenset[UUID]]:
        """What is owed by deals not planned yet, and the wallets whose money is on its way: orders, payouts."""
        ...

    async def compared_to(self, conn: AsyncConnection) -> str | None:
        """The beneficiary up to which shares were compared; None at the end, and before the first."""
        ...

    async def note_differences(
        self,
        conn: AsyncConnection,
        compared: Stretch,
        found: Mapping[str, int],
        passed_by: Collection[str],
        by: str,
        now: datetime,
    ) -> None:
        """Open or change the break of each beneficiary whose share differs; explain those of the stretch that agree.

        The next comparison goes on after it. Those `passed_by` were not compared. `by`: what explains them.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShareParts:
    """What telling the bank the shares stands on. Without `bank` none is told."""

    bank: BankShares | None
    records: ShareRecords
