"""Top-ups by QR code, and the bank's raw messages over HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.sbp_rules import SbpRules
from kapital.settlement.domain.payout_account import SbpPayee
from kapital.settlement.domain.sbp import QrCode, SbpTopUp
from kapital.settlement.domain.sbp_payout import SbpWithdrawal


class Channel(StrEnum):
    """How a message of the bank came."""

    ANSWER = "answer"  # to a question of ours
    CALL_BACK = "call_back"


class RawMessages(Protocol):
    """Bytes of the bank as they came, kept before anything of them is booked."""

    async def keep(self, channel: Channel, content: bytes, outcome: str) -> None:
        """Keep what came, with what was found of its signature, in a commit of its own; the same bytes once.

        What is not the bank's is kept up to a bound: who is not the bank shall not fill our disk.
        Raises: StorageFull, ObjectTooLarge, DatabaseUnavailable.
        """
        ...


class SbpTopUps(Protocol):
    """Top-ups by QR code."""

    async def add(self, conn: AsyncConnection, top_up: SbpTopUp, *, command_id: str) -> None:
        """Keep a new one."""
        ...

    async def of_command(self, conn: AsyncConnection, *, actor_id: str, command_id: str) -> SbpTopUp | None:
        """What a command asked for, locked until the commit."""
        ...

    async def renew(self, conn: AsyncConnection, top_up_id: UUID, expires_at: datetime) -> None:
        """Another term, for one whose code the bank never told."""
        ...

    async def activate(self, conn: AsyncConnection, top_up_id: UUID, qr_id: str, link: str) -> None:
        """Keep the code that the bank made."""
        ...

    async def find(self, conn: AsyncConnection, top_up_id: UUID) -> tuple[SbpTopUp, UUID] | None:
        """One, with the participant whose wallet it is for."""
        ...

    async def codes(self, conn: AsyncConnection, qr_ids: Iterable[str]) -> dict[str, QrCode]:
        """What these codes are for; those nobody asked for are missing."""
        ...


class SbpWithdrawals(Protocol):
    """Withdrawals by the SBP; their parts are withdrawals."""

    async def promised_since(self, conn: AsyncConnection, payee: SbpPayee, since: datetime) -> int:
        """What this phone was paid or is to be paid since then, in kopecks; others that ask wait for the commit."""
        ...

    async def add(self, conn: AsyncConnection, asked: SbpWithdrawal, *, command_id: str, now: datetime) -> None:
        """Keep a new one, without its parts."""
        ...

    async def of_command(self, conn: AsyncConnection, *, actor_id: str, command_id: str) -> SbpWithdrawal | None:
        """What a command asked for, without its parts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How the bank calls back: the shared key, and where what comes is kept."""

    key: bytes
    raw: RawMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class SbpParts:
    """What the SBP stands on. Without `webhook` the bank does not call back, and its list tells of everything.

    `offered`: whether the bank takes orders of the SBP at all.
    """

    top_ups: SbpTopUps
    withdrawals: SbpWithdrawals
    rules: SbpRules
    qr_lives_s: int
    webhook: Webhook | None = None
    offered: bool = True
