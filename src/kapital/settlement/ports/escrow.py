"""The bank that blocks a buyer's money for a seller, and what settlement keeps of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.dvp_review import DvpReview, ReviewState
from kapital.settlement.domain.escrow import (
    EscrowAccounts,
    EscrowInstruction,
    EscrowMove,
    HoldNotice,
    HoldOrder,
    HoldStatus,
)
from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports.messages import IncomingMessages


class Escrow(Protocol):
    """A bank that holds money in escrow (счёт эскроу, Civil Code art. 860.7–860.10).

    Each method may raise BankSilent: then nothing is known about what happened, and `status` is asked before anything
    else. Each is idempotent by the order's reference: sent twice it has one effect.
    """

    async def hold(self, order: HoldOrder) -> HoldStatus:
        """Block the buyer's money."""
        ...

    async def status(self, order: HoldOrder) -> HoldStatus:
        """What became of the hold; NOT_FOUND when the bank never saw it."""
        ...

    async def release(self, order: HoldOrder) -> HoldStatus:
        """Pay the blocked money to the seller's account; `release_key` makes a try the same one."""
        ...

    async def cancel(self, order: HoldOrder) -> HoldStatus:
        """Give the money back. MUST also cancel a hold that the bank has not seen yet, for the time when it comes."""
        ...

    async def notices(self, after_cursor: int, limit: int) -> Sequence[HoldNotice]:
        """Changes of holds after a place in the bank's list; twice, late and in any order."""
        ...


class EscrowRecords(Protocol):
    """How far each instruction of the escrow rail is."""

    async def add(self, conn: AsyncConnection, accounts: Mapping[UUID, EscrowAccounts], now: datetime) -> None:
        """Keep the accounts of new instructions by their ids."""
        ...

    async def lock_ready(
        self, conn: AsyncConnection, now: datetime, before: datetime, limit: int, *, asked: bool
    ) -> list[EscrowInstruction]:
        """Instructions whose units may be locked now and were not tried since `before`, locked as rows, by priority.

        `asked`: those whose lock has been asked for and may stand in the register already; else those not yet.
        """
        ...

    async def list_in(
        self, conn: AsyncConnection, states: Collection[DvpState], before: datetime, limit: int, *, lock: bool = False
    ) -> list[EscrowInstruction]:
        """Instructions in these states not looked at since `before`; `lock` skips what others hold."""
        ...

    async def open_states(self, conn: AsyncConnection) -> frozenset[DvpState]:
        """The states in which instructions stand that have not ended."""
        ...

    async def lock(self, conn: AsyncConnection, instruction_id: UUID) -> EscrowInstruction | None:
        """One instruction, locked until the commit."""
        ...

    async def note_tried(self, conn: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
        """Put these behind those not looked at yet."""
        ...

    async def note_lock_asked(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Keep that the register will be asked to lock the units of these."""
        ...

    async def note_answers(
        self, conn: AsyncConnection, answers: Sequence[tuple[UUID, HoldStatus]], *, released: bool
    ) -> None:
        """Keep what the bank said; `released`: it was an answer to a release."""
        ...

    async def move(self, conn: AsyncConnection, moves: Sequence[EscrowMove], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        ...

    async def cursor(self, conn: AsyncConnection) -> int:
        """Up to where the bank's notices are kept."""
        ...

    async def keep_notices(
        self, conn: AsyncConnection, notices: Sequence[HoldNotice], cursor: int, now: datetime
    ) -> int:
        """Keep notices once; returns how many came again with other content."""
        ...

    async def apply_notices(self, conn: AsyncConnection, now: datetime) -> int:
        """Apply what came in order, the rest waits; returns for how many instructions the bank has to be asked."""
        ...


class DvpReviews(Protocol):
    """Proposals about instructions that wait for a person, and their decisions."""

    async def add(self, conn: AsyncConnection, review: DvpReview) -> None:
        """Keep a proposal."""
        ...

    async def lock(self, conn: AsyncConnection, review_id: UUID) -> DvpReview | None:
        """The review, locked until the commit."""
        ...

    async def get(self, conn: AsyncConnection, review_id: UUID) -> DvpReview | None:
        """The review."""
        ...

    async def open_for(self, conn: AsyncConnection, instruction_id: UUID) -> UUID | None:
        """The proposal for this instruction that waits for its decision."""
        ...

    async def list(
        self,
        conn: AsyncConnection,
        *,
        state: ReviewState | None,
        instruction_id: UUID | None,
        before: UUID | None,
        limit: int,
    ) -> list[DvpReview]:
        """Reviews before one, the newest first."""
        ...

    async def decide(self, conn: AsyncConnection, review: DvpReview) -> None:
        """Keep the decision, and of an approved one what the escrow process goes on from."""
        ...


class Statements(Protocol):
    """Files that reviews rest on, by the SHA-256 of their bytes."""

    async def put(self, content: bytes) -> str:
        """Keep a file; its SHA-256."""
        ...

    async def get(self, key: str) -> bytes:
        """The bytes of a file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowParts:
    """What the escrow rail stands on. Without `bank` no instruction of the rail is taken."""

    bank: Escrow | None
    records: EscrowRecords
    reviews: DvpReviews
    statements: Statements
    messages: IncomingMessages
