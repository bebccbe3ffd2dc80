"""The table of signed acts of a service: which file proves an act, and which acts wait for their check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SIGNED_ACT: Final = (
    """
    CREATE TABLE signed_act (
        actor_id text NOT NULL,
        command_id text NOT NULL,
        kind text NOT NULL,
        participant_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('valid', 'invalid', 'indeterminate')),
        act_sha256 text NOT NULL CHECK (act_sha256 ~ '^[0-9a-f]{64}$'),
        file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
        certificate_sha256 text,
        reasons text NOT NULL,
        received_at timestamptz NOT NULL,
        signed_at timestamptz NOT NULL,
        checked_at timestamptz NOT NULL,
        PRIMARY KEY (actor_id, command_id)
    )
    """,
    "CREATE INDEX signed_act_waiting ON signed_act (received_at) WHERE state = 'indeterminate'",
)
"""The table, for a service's migration."""

_COLUMNS: Final = """
    actor_id, command_id, kind, participant_id, state, act_sha256, file_sha256, certificate_sha256, reasons,
    received_at, signed_at, checked_at
"""
_KEEP: Final = text(
    f"""
    INSERT INTO signed_act AS a ({_COLUMNS}) SELECT {_COLUMNS}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(actor_id text, command_id text, kind text,
        participant_id uuid, state text, act_sha256 text, file_sha256 text, certificate_sha256 text, reasons text,
        received_at timestamptz, signed_at timestamptz, checked_at timestamptz)
    ON CONFLICT (actor_id, command_id) DO UPDATE SET state = excluded.state, act_sha256 = excluded.act_sha256,
        file_sha256 = excluded.file_sha256, certificate_sha256 = excluded.certificate_sha256,
        reasons = excluded.reasons, signed_at = excluded.signed_at, checked_at = excluded.checked_at
    WHERE a.state <> 'valid'
    """  # noqa: S608 - constants of this module; values are bound
)
_WAITING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM signed_act WHERE state = 'indeterminate' AND kind = :kind AND checked_at <= :before
    ORDER BY received_at, actor_id, command_id LIMIT :limit
    """  # noqa: S608 - constants of this module; values are bound
)
_COUNT_WAITING: Final = text("SELECT count(*) FROM signed_act WHERE state = 'indeterminate' AND kind = :kind")


class ActRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One signed act. `file_sha256` names the file of act, text and bundle in the object store."""

    actor_id: str
    command_id: str
    kind: str
    participant_id: UUID
    state: str
    act_sha256: str
    file_sha256: str
    certificate_sha256: str | None
    reasons: str
    received_at: datetime
    signed_at: datetime
    checked_at: datetime


async def keep_acts(conn: AsyncConnection, records: Sequence[ActRecord]) -> None:
    """Keep acts by their command; a later check of one takes the place of an earlier, but never of a valid one."""
    if records:
        await conn.execute(_KEEP, {"rows": msgspec.json.encode(records).decode()})


async def waiting_acts(
    conn: AsyncConnection, kind: str, *, before: datetime, limit: int
) -> tuple[list[ActRecord], int]:
    """Acts of a kind that wait, last checked before an instant, the oldest first; and how many wait in all."""
    rows = (await conn.execute(_WAITING, {"kind": kind, "before": before, "limit": limit})).mappings()
    found = [ActRecord(**{**row, "participant_id": UUID(str(row["participant_id"]))}) for row in rows]
    return found, int((await conn.execute(_COUNT_WAITING, {"kind": kind})).scalar_one())
