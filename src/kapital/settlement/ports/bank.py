"""The bank with the nominal account, one hand on it at a time, and the directory of banks."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_directory import DirectoryBank, DirectoryVersion
from kapital.settlement.domain.bank_message import Deviation
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payout_account import Payee


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


class RegisteredQr(msgspec.Struct, frozen=True):
    """A QR code of the SBP as the bank made it: its id and the link that it says."""

    qr_id: str
    link: str


class Bank(Protocol):
    """The bank with the nominal account (номинальный счёт).

    Each method may raise BankSilent: then nothing is known about what happened.
    """

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Credits after a place in the bank's list, in order; the same credit may be told more than once."""
        ...

    async def pay_out(
        self,
        reference: str,
        amount_kopecks: int,
        account: Payee,
        purpose: str,
        beneficiary_id: str | None = None,
    ) -> PayoutStatus:
        """Pay from the nominal account. MUST be idempotent by reference: called twice, it pays once.

        `beneficiary_id`: whose money it is, at a bank that keeps shares (`ports.bank_shares`).
        """
        ...

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout."""
        ...

    async def register_sbp_qr(
        self, reference: str, amount_kopecks: int, purpose: str, expires_at: datetime
    ) -> RegisteredQr:
        """A dynamic QR code of the SBP for one payment. MUST give the same code for the same reference."""
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
