"""What the bank by files says: kept in the transaction that makes it true, laid down after it, as a script has it."""

import asyncio
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.sandbox.bank import faults, journal
from kapital.sandbox.certification_authority import SandboxSigner

SIGNATURE: Final = ".p7s"
_SUM: Final = re.compile(rb"(<Amt[^>]*>|\xd1\xf3\xec\xec\xe0=|\xd0\xa1\xd1\x83\xd0\xbc\xd0\xbc\xd0\xb0=)(\d+)")
"""A sum of a camt message, or of a document of the 1C exchange in either encoding."""

_ADD: Final = text(
    "INSERT INTO file_message (kind, content, signature, due_at) VALUES (:kind, :content, :signature, :due_at)"
)
# A new number: it goes after what was said meanwhile.
_LET_GO: Final = text("UPDATE file_message SET due_at = :due_at, id = DEFAULT WHERE due_at IS NULL")
_DUE: Final = text(
    """
    SELECT id, kind, name, content, signature FROM file_message WHERE written_at IS NULL AND due_at <= :now
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
)
_NEXT_NAME: Final = text("UPDATE file_desk SET written = written + 1 RETURNING written")
_NAME: Final = text("UPDATE file_message SET name = :name WHERE id = :id")
_WRITTEN: Final = text("UPDATE file_message SET written_at = :now WHERE id = :id")


async def say(
    conn: AsyncConnection, kind: str, content: bytes, *, signer: SandboxSigner, foreign: SandboxSigner, now: datetime
) -> None:
    """Keep a message to be laid down, signed; what the fault script says of it is used up."""
    fault = await faults.take(conn, FaultPoint.file_message, now)
    does = fault.kind if fault else None
    signature = (foreign if does is FaultKind.bad_signature else signer).sign_now(content)
    if fault is not None and does is FaultKind.altered_sum:
        content = _SUM.sub(lambda found: found[1] + str(int(found[2]) + fault.kopecks).encode(), content, count=1)
    due_at: datetime | None = now
    if fault is not None and does is FaultKind.delay:
        due_at = now + timedelta(seconds=fault.seconds)
    if does is FaultKind.reorder:
        due_at = None
    row: dict[str, Any] = {"kind": kind, "content": content, "signature": signature, "due_at": due_at}
    for _ in range({FaultKind.lost: 0, FaultKind.duplicate: 2}.get(does, 1) if does else 1):
        await conn.execute(_ADD, row)
    if does is not FaultKind.reorder:
        await conn.execute(_LET_GO, {"due_at": due_at or now})
    told = content[: journal.TEXT_MAX]
    await journal.keep(
        conn, at=now, operation="file_message", target=kind, answer=told, fault=does.value if does else None
    )


async def write_next(conn: AsyncConnection, now: datetime) -> tuple[int, str, bytes, bytes] | None:
    """The next message that is due, with the name that it has from now on; None when none is."""
    row = (await conn.execute(_DUE, {"now": now})).one_or_none()
    if row is None:
        return None
    name = row.name
    if name is None:
        number = (await conn.execute(_NEXT_NAME)).scalar_one()
        name = f"{number:08d}-{row.kind}"
        await conn.execute(_NAME, {"name": name, "id": row.id})
    return row.id, name, bytes(row.content), bytes(row.signature)


async def note_written(conn: AsyncConnection, message: int, now: datetime) -> None:
    """Note that a message was laid down."""
    await conn.execute(_WRITTEN, {"id": message, "now": now})


async def lay_down(folder: Path, name: str, content: bytes) -> None:
    """Write a file durably under another name, then rename it: who looks sees all of it or nothing."""
    await asyncio.to_thread(_lay_down, folder, name, content)


def _lay_down(folder: Path, name: str, content: bytes) -> None:
    fresh = folder / f".{name}.part"
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / name)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
