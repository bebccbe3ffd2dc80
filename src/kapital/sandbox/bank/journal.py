"""What was said between the bank and its callers, for the console page; the oldest is forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

KEPT: Final = 10_000
TEXT_MAX: Final = 4_000

_ADD: Final = text(
    """
    INSERT INTO message (at, operation, target, request, status, answer, fault)
    VALUES (:at, :operation, :target, :request, :status, :answer, :fault) RETURNING id
    """
)
_FORGET: Final = text("DELETE FROM message WHERE id <= :id")
_LATEST: Final = text(
    "SELECT at, operation, target, request, status, answer, fault FROM message ORDER BY id DESC LIMIT :limit"
)


async def keep(
    conn: AsyncConnection,
    *,
    at: datetime,
    operation: str,
    target: str,
    request: bytes = b"",
    status: int | None = None,
    answer: bytes = b"",
    fault: str | None = None,
) -> None:
    """Keep a message. `status` None: no answer was given."""
    values = {
        "at": at,
        "operation": operation,
        "target": target[:TEXT_MAX],
        "request": _text(request),
        "status": status,
        "answer": _text(answer),
        "fault": fault,
    }
    number = (await conn.execute(_ADD, values)).scalar_one()
    if number % 100 == 0:
        await conn.execute(_FORGET, {"id": number - KEPT})


async def latest(conn: AsyncConnection, limit: int) -> Sequence[Any]:
    """The latest messages, the newest first."""
    return (await conn.execute(_LATEST, {"limit": limit})).all()


def _text(data: bytes) -> str:
    # PostgreSQL keeps no zero characters.
    return data[:TEXT_MAX].decode("utf-8", "replace").replace("\x00", "�")
