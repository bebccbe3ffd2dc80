"""Read model: the signature log of one key."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PAGE: Final = text(
    """
    SELECT number, message_sha256, message_bytes, purpose, actor, signed_at FROM signature_log
    WHERE key_id = :key_id AND number < :before ORDER BY number DESC LIMIT :limit
    """
)


class LoggedSignature(NamedTuple):
    """One signature that was released, or was about to be when the process died."""

    number: int
    message_sha256: str
    message_bytes: int
    purpose: str
    actor: str
    signed_at: datetime


async def list_signatures(
    conn: AsyncConnection, key_id: UUID, *, before: int | None = None, limit: int = 100
) -> list[LoggedSignature]:
    """Signatures of a key with numbers below `before`, newest first."""
    values = {"key_id": key_id, "before": before or 2**63 - 1, "limit": limit}
    rows = await conn.execute(_PAGE, values)
    return [LoggedSignature(row[0], bytes(row[1]).hex(), *row[2:]) for row in rows]
