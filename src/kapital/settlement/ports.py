"""What settlement needs from outside: the bank, the ledger, its own tables, and one hand on the bank at a time."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.domain.bank_directory import DirectoryBank, DirectoryVersion
from kapital.settlement.domain.bank_message import Deviation, Deviations, Statement, StatementLine
from kapital.settlement.domain.incoming import BankCredit, IncomingPayment
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    LineResult,
    MessageReason,
    MessageState,
    NumberedLine,
    PreviousStatement,
    SignatureVerdict,
)
from kapital.settlement.domain.instructions import AllocationDecided, AllocationLine, PayoutsInstructed
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.domain.states import DvpState, IncomingState, WithdrawalState
from kapital.settlement.domain.tax import PlannedPayout, Taxpayer, TaxRule, TaxRules
from kapital.settlement.domain.tax_cost import Lot, Used
from kapital.settlement.domain.tax_residency import (
    CorrectionState,
    PaidIncome,
    ResidencyState,
    TaxCorrection,
    TaxResidency,
)
from kapital.settlement.domain.withdrawal import Move, Withdrawal


class PayoutState(StrEnum):
    """What the bank says about a payout. EXECUTED and REJECTED are final and never change."""

    NOT_FOUND = "not_found"  # the bank never saw the reference: sending it again is safe
    PENDING = "pending"
    EXECUTED = "executed"
    REJECTED = "rejected"


class PayoutStatus(msgspec.Struct, frozen=True):
    """The bank's answer about one payout; `reason` is its code of a rejection, without personal data."""

    state: PayoutState
    reason: str | None = None


class Bank(Protocol):
    """The bank with the nominal account (номинальный счёт).

    Each method may raise BankSilent: then nothing is known about what happened.
    """

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Credits after a place in the bank's list, in order; the same credit may be told more than once."""
        ...

    async def pay_out(
        self, reference: str, amount_kopecks: int, account: PayoutAccount, purpose: str
    ) -> PayoutStatus:
        """Pay from the nominal account. MUST be idempotent by reference: called twice, it pays once."""
        ...

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout."""
        ...

    async def balance_kopecks(self) -> int:
        """The present balance of the nominal account."""
        ...


class BankEdge(Protocol):
    """One process at a time talks to the bank and books what it says.

    Exactness of the comparison needs it; that nothing is booked twice does not rest on it.
    """

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Wait for the turn and keep it for the block. Raises: DatabaseBusy when another keeps it too long."""
        ...


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


class DirectoryEdition(msgspec.Struct, frozen=True, kw_only=True):
    """An edition of the БИК directory as it was read."""

    sha256: str
    business_on: date
    is_full: bool
    banks: tuple[DirectoryBank, ...]
    deviations: tuple[Deviation, ...]
    deviation_count: int
    grave_count: int


class DirectorySource(Protocol):
    """Where an edition comes from."""

    async def read(self) -> DirectoryEdition:
        """Read it whole. Raises: BankMessageUnreadable and its kin."""
        ...


class BankDirectory(Protocol):
    """Editions of the БИК directory."""

    async def lock(self, conn: AsyncConnection) -> None:
        """Let no other load happen until the commit."""
        ...

    async def in_force(self, conn: AsyncConnection) -> DirectoryVersion | None:
        """The version in force."""
        ...

    async def find_by_file(self, conn: AsyncConnection, sha256: str) -> DirectoryVersion | None:
        """The version that this file was loaded as."""
        ...

    async def put_in_force(
        self, conn: AsyncConnection, version: DirectoryVersion, banks: Sequence[DirectoryBank], now: datetime
    ) -> None:
        """Keep a version with its participants; the one before it is superseded."""
        ...

    async def banks(self, conn: AsyncConnection, bics: Iterable[str]) -> dict[str, DirectoryBank]:
        """The participants of these БИК in the version in force."""
        ...


class MessageReading(Protocol):
    """The parts of a kept message: statements, each followed by its lines."""

    deviations: Deviations

    async def next(self, count: int) -> list[Statement | StatementLine]:
        """The next parts, none at the end. Raises: BankMessageUnreadable and its kin."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class MessageStore(Protocol):
    """Raw messages of the bank by the hash of their bytes."""

    async def keep(self, source: Path) -> tuple[str, int]:
        """Keep the bytes of a file; their SHA-256 and how many."""
        ...

    async def keep_signature(self, signature: bytes) -> str:
        """Keep a signature; its SHA-256."""
        ...

    def reading(self, raw_sha256: str, format_name: str) -> MessageReading:
        """Read a kept message."""
        ...


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

    async def note_paid(self, conn: AsyncConnection, action_id: UUID, part: int, entries: Mapping[UUID, int]) -> None:
        """Note the entry with which each wallet of a part was paid."""
        ...

    async def drop(self, conn: AsyncConnection, action_id: UUID, part: int) -> None:
        """Forget what was decided of a part that the ledger has refused."""
        ...

    async def tax_payable(self, conn: AsyncConnection) -> tuple[int, int]:
        """The least and the most that the tax wallet may hold: withheld, and what may be entered just now besides."""
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


class BankSignatures(Protocol):
    """The check of the bank's signature under a kept message."""

    async def check(self, raw_sha256: str, signature: bytes | None, now: datetime) -> SignatureVerdict:
        """The verdict; ABSENT without a signature."""
        ...


class IncomingMessages(Protocol):
    """Messages of the bank, each kept once by its bytes, with their statements and lines."""

    async def lock(self, conn: AsyncConnection) -> None:
        """Let no other message be taken in until the commit."""
        ...

    async def find(self, conn: AsyncConnection, raw_sha256: str) -> IncomingMessage | None:
        """The message with these bytes."""
        ...

    async def known(self, conn: AsyncConnection, message: IncomingMessage) -> MessageReason | None:
        """ALTERED when its id came with other content before, SAME_CONTENT when its content did under another id."""
        ...

    async def add(self, conn: AsyncConnection, message: IncomingMessage, now: datetime) -> None:
        """Keep a message; its bytes twice are an error."""
        ...

    async def complete(self, conn: AsyncConnection, message: IncomingMessage) -> None:
        """Save what was found out about a message that is kept."""
        ...

    async def decide(
        self, conn: AsyncConnection, message_id: UUID, state: MessageState, reason: MessageReason | None
    ) -> None:
        """Change where a message stands."""
        ...

    async def add_statement(self, conn: AsyncConnection, message_id: UUID, number: int, head: Statement) -> None:
        """Keep a statement of the message."""
        ...

    async def add_lines(self, conn: AsyncConnection, message_id: UUID, lines: Sequence[NumberedLine]) -> None:
        """Keep lines of the message."""
        ...

    async def statements(self, conn: AsyncConnection, message_id: UUID) -> list[Statement]:
        """The statements of a message."""
        ...

    async def previous(self, conn: AsyncConnection, account: str) -> PreviousStatement | None:
        """The latest statement of the account that was taken in."""
        ...

    async def match(self, conn: AsyncConnection, message_id: UUID) -> None:
        """Match open lines with known credits and withdrawals, in a fixed number of statements."""
        ...

    async def list_open_credits(self, conn: AsyncConnection, message_id: UUID, limit: int) -> list[NumberedLine]:
        """Credits that are not known yet, in order."""
        ...

    async def settle(
        self, conn: AsyncConnection, message_id: UUID, lines: Sequence[tuple[NumberedLine, LineResult]]
    ) -> None:
        """Note what became of lines, with the payment that now has their id."""
        ...

    async def results(self, conn: AsyncConnection, message_id: UUID) -> dict[LineResult, int]:
        """How many lines have which result."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageParts:
    """What taking in a message stands on beside `Parts`. `account`: our nominal account at the bank."""

    account: str
    messages: IncomingMessages
    store: MessageStore
    signatures: BankSignatures


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxParts:
    """What is withheld at payout, and by which law it is counted. Without a rule nothing is."""

    law: TaxRules
    records: TaxRecords
    rules: tuple[TaxRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use cases of settlement stand on."""

    uow: UnitOfWork
    ledger: Ledger
    bank: Bank
    edge: BankEdge
    beneficiaries: Beneficiaries
    incoming: IncomingPayments
    withdrawals: Withdrawals
    jobs: SettlementJobs
    measures: Measures
    reconciliations: Reconciliations
    acts: Acts
    directory: BankDirectory
    payouts: Payouts
    tax: TaxParts
