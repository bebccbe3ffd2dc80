"""Table sbp_top_up. Whether one is paid is read from the credits that came by its code."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.sbp import QrCode, SbpTopUp

# A credit by a code that was not the code's sum, or not its first, waits for a person and pays nothing.
_PAID: Final = """
    EXISTS (
        SELECT FROM incoming_payment AS p
        WHERE p.qr_id = t.qr_id AND (p.reason IS NULL OR p.reason = 'credit_refused')
    ) AS is_paid
"""
_COLUMNS: Final = (
    "t.top_up_id, t.wallet_id, t.amount_kopecks, t.requested_by, t.requested_at, t.expires_at, t.qr_id, t.link, "
    + _PAID
)
_ADD: Final = text(
    """
    INSERT INTO sbp_top_up (top_up_id, wallet_id, amount_kopecks, requested_by, command_id, requested_at, expires_at)
    VALUES (:top_up_id, :wallet_id, :amount, :actor, :command, :now, :expires_at)
    """
)
_OF_COMMAND: Final = text(
    f"SELECT {_COLUMNS} FROM sbp_top_up AS t WHERE requested_by = :actor AND command_id = :command FOR UPDATE OF t"  # noqa: S608 - constants of this module; values are bound
)
_FIND: Final = text(
    f"SELECT {_COLUMNS}, b.participant_id FROM sbp_top_up AS t JOIN beneficiary AS b USING (wallet_id) "  # noqa: S608 - constants of this module; values are bound
    "WHERE top_up_id = :id"
)
_RENEW: Final = text("UPDATE sbp_top_up SET expires_at = :expires_at WHERE top_up_id = :id AND qr_id IS NULL")
_ACTIVATE: Final = text("UPDATE sbp_top_up SET qr_id = :qr_id, link = :link WHERE top_up_id = :id AND qr_id IS NULL")
_CODES: Final = text(
    f"SELECT t.qr_id, t.wallet_id, t.amount_kopecks, {_PAID} FROM sbp_top_up AS t "  # noqa: S608 - constants of this module; values are bound
    "WHERE t.qr_id = ANY(CAST(:ids AS text[]))"
)


class SbpTopUpTable:
    """Implements `ports.SbpTopUps`."""

    async def add(self, conn: AsyncConnection, top_up: SbpTopUp, *, command_id: str) -> None:
        """Keep a new one."""
        values = {
            "top_up_id": top_up.top_up_id,
            "wallet_id": top_up.wallet_id,
            "amount": top_up.amount_kopecks,
            "actor": top_up.requested_by,
            "command": command_id,
            "now": top_up.requested_at,
            "expires_at": top_up.expires_at,
        }
        await conn.execute(_ADD, values)

    async def of_command(self, conn: AsyncConnection, *, actor_id: str, command_id: str) -> SbpTopUp | None:
        """What a command asked for, locked until the commit."""
        row = (await conn.execute(_OF_COMMAND, {"actor": actor_id, "command": command_id})).one_or_none()
        return None if row is None else _top_up(row)

    async def renew(self, conn: AsyncConnection, top_up_id: UUID, expires_at: datetime) -> None:
        """Another term, for one whose code the bank never told."""
        await conn.execute(_RENEW, {"id": top_up_id, "expires_at": expires_at})

    async def activate(self, conn: AsyncConnection, top_up_id: UUID, qr_id: str, link: str) -> None:
        """Keep the code that the bank made."""
        await conn.execute(_ACTIVATE, {"id": top_up_id, "qr_id": qr_id, "link": link})

    async def find(self, conn: AsyncConnection, top_up_id: UUID) -> tuple[SbpTopUp, UUID] | None:
        """One, with the participant whose wallet it is for."""
        row = (await conn.execute(_FIND, {"id": top_up_id})).one_or_none()
        return None if row is None else (_top_up(row), UUID(str(row.participant_id)))

    async def codes(self, conn: AsyncConnection, qr_ids: Iterable[str]) -> dict[str, QrCode]:
        """What these codes are for; those nobody asked for are missing."""
        wanted = list(qr_ids)
        if not wanted:
            return {}
        return {
            row.qr_id: QrCode(
                wallet_id=UUID(str(row.wallet_id)), amount_kopecks=row.amount_kopecks, is_paid=row.is_paid
            )
            for row in await conn.execute(_CODES, {"ids": wanted})
        }


def _top_up(row: Any) -> SbpTopUp:
    return SbpTopUp(
        top_up_id=UUID(str(row.top_up_id)),
        wallet_id=UUID(str(row.wallet_id)),
        amount_kopecks=row.amount_kopecks,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        qr_id=row.qr_id,
        link=row.link,
        is_paid=row.is_paid,
    )
