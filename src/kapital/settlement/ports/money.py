"""Whose the money is, what came and goes, and instructions that were handled."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.incoming import BankCredit, CreditCore, IncomingPayment
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


class KeptCredit(msgspec.Struct, frozen=True):
    """A kept credit: the hash of its content; its core where it did not come from the bank's list."""

    content_sha256: str
    core: CreditCore
    of_list: bool

    def is_told_again_by(self, credit: BankCredit) -> bool:
        """Whether this is the same word. Where one of the two is not from the list, their cores are compared.

        A statement writes the payer's name in its own way and knows no time of day.
        """
        if self.of_list and credit.cursor:
            return self.content_sha256 == credit.content_sha256
        return self.core == credit.core


class KnownNotices(msgspec.Struct, frozen=True):
    """What of a page of credits is already kept: credit by bank id, and content hashes of any bank id.

    `nameless`: the cores of kept credits that a statement told without the bank's ids.
    """

    by_bank_id: Mapping[str, KeptCredit]
    contents: frozenset[str]
    nameless: frozenset[CreditCore] = frozenset()


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

    async def list_by_id(self, conn: AsyncConnection, ids: Sequence[UUID]) -> list[Withdrawal]:
        """Those of these ids, whatever their state."""
        ...

    async def sums_of_days(self, conn: AsyncConnection, ids: Sequence[UUID]) -> list[tuple[UUID, date, int]]:
        """Of each: the Moscow day on which it was asked for, and what its owner withdraws on it in all, in kopecks.

        Without those by which two persons decided that money leaves, and those of no beneficiary: these never wait.
        """
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
