"""Whose the money is, what came and goes, and instructions that were handled."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.incoming import BankCredit, IncomingPayment
from kapital.settlement.domain.instructions import AllocationDecided
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.states import DvpState, IncomingState, WithdrawalState
from kapital.settlement.domain.withdrawal import Move, Withdrawal


class Beneficiary(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet whose money lies on the nominal account (бенефициар номинального счёта)."""

    wallet_id: UUID
    participant_id: UUID
    top_up_code: str


class Beneficiaries(Protocol):
    """Wallets, their owners and their top-up codes."""

    async def add(self, conn: AsyncConnection, beneficiaries: Sequence[Beneficiary], now: datetime) -> None:
        """Keep new ones; those already kept stay as they are."""
        ...

    async def wallets_by_code(self, conn: AsyncConnection, codes: Iterable[str]) -> dict[str, UUID]:
        """The wallet of each known code."""
        ...

    async def owners(self, conn: AsyncConnection, wallet_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """The participant of each known wallet."""
        ...


class KnownNotices(msgspec.Struct, frozen=True):
    """What of a page of credits is already kept: content hash by bank id, and content hashes of any bank id."""

    by_bank_id: Mapping[str, str]
    contents: frozenset[str]


class IncomingPayments(Protocol):
    """Credits of the bank, kept once each by the bank's id."""

    async def lock_cursor(self, conn: AsyncConnection) -> int:
        """The place up to which the bank's list is read; keeps others from reading on until the commit."""
        ...

    async def move_cursor(self, conn: AsyncConnection, cursor: int) -> None:
        """Note that the list is read up to `cursor`."""
        ...

    async def known(self, conn: AsyncConnection, page: Sequence[BankCredit]) -> KnownNotices:
        """Which of these ids and contents are kept."""
        ...

    async def add(self, conn: AsyncConnection, payments: Sequence[IncomingPayment], now: datetime) -> None:
        """Keep new payments; a bank id twice is an error."""
        ...

    async def refuse(self, conn: AsyncConnection, notices: Sequence[tuple[BankCredit, str]], now: datetime) -> None:
        """Keep notices that are not booked, with the reason: `altered` or `malformed`."""
        ...

    async def list_unbooked(self, conn: AsyncConnection, limit: int) -> list[IncomingPayment]:
        """Payments that are kept and not yet marked as booked, oldest first."""
        ...

    async def mark_booked(
        self, conn: AsyncConnection, booked: Sequence[tuple[IncomingPayment, IncomingState, int]], now: datetime
    ) -> frozenset[UUID]:
        """Save wallet, reason, state and entry of payments still unbooked; returns which were."""
        ...


class Withdrawals(Protocol):
    """Withdrawals and their states."""

    async def add(
        self,
        conn: AsyncConnection,
        withdrawals: Sequence[Withdrawal],
        *,
        command_id: str,
        now: datetime,
    ) -> None:
        """Keep new ones."""
        ...

    async def list_of_command(
        self, conn: AsyncConnection, *, actor_id: str, command_id: str, lock: bool = False
    ) -> list[Withdrawal]:
        """What a command asked for, in its order."""
        ...

    async def list_in(
        self,
        conn: AsyncConnection,
        states: Sequence[WithdrawalState],
        limit: int,
        *,
        lock: bool = False,
        free_only: bool = False,
    ) -> list[Withdrawal]:
        """Withdrawals in these states, those longest not looked at first; `lock` skips what others hold.

        With `free_only` without those whose owners are under a measure.
        """
        ...

    async def list_sendable(
        self, conn: AsyncConnection, ids: Sequence[UUID], state: WithdrawalState
    ) -> list[Withdrawal]:
        """Those of these ids that are in the state, without those whose owners are under a measure."""
        ...

    async def move(self, conn: AsyncConnection, moves: Sequence[Move], now: datetime) -> frozenset[UUID]:
        """Make the steps that are still possible; returns the ids of those made here and now."""
        ...

    async def note_asked(self, conn: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
        """Put these at the end of the queue of enquiries."""
        ...


class SettlementJob(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an instruction and how it ended. `subject_id`: issue of an allocation, action of payouts.

    `waiting`: an allocation as it was told, while its issuer's wallet is frozen.
    """

    kind: str
    subject_id: UUID
    part: int
    content_sha256: str
    state: DvpState
    lines: int
    attempts: int
    waiting: AllocationDecided | None = None


class SettlementJobs(Protocol):
    """Instructions already handled, so that a repeat has no second effect."""

    async def find(self, conn: AsyncConnection, kind: str, subject_id: UUID, part: int) -> SettlementJob | None:
        """The job of this part, locked until the commit."""
        ...

    async def save(self, conn: AsyncConnection, job: SettlementJob, now: datetime) -> bool:
        """Keep a job, new or changed; False when it was settled by another in the meantime."""
        ...

    async def issuers_waited_for(self, conn: AsyncConnection) -> dict[UUID, int]:
        """The wallets for which allocations wait, and how many do."""
        ...

    async def waiting(self, conn: AsyncConnection, issuer_wallet_id: UUID, limit: int) -> list[AllocationDecided]:
        """Allocations that wait for this wallet, in order."""
        ...


class Measures(Protocol):
    """Who is under a measure of 115-FZ, as identity told. Not to be shown to the participant."""

    async def note(self, conn: AsyncConnection, measures: Mapping[UUID, str | None], now: datetime) -> None:
        """Keep what was told; None ends a measure."""
        ...

    async def wallets_held(self, conn: AsyncConnection, wallets: set[UUID]) -> frozenset[UUID]:
        """Those of these wallets whose owners are under a measure."""
        ...


class Reconciliations(Protocol):
    """Comparisons of bank and register."""

    async def add(self, conn: AsyncConnection, reconciliation: Reconciliation) -> None:
        """Keep a comparison."""
        ...

    async def open_break_kopecks(self, conn: AsyncConnection) -> int:
        """The difference of the latest comparison; 0 when it found none or none was made."""
        ...
