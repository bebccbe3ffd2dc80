"""The tables `holder_disclosure`, `disclosed_part` and `disclosed_holder`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.row_versions import row_version
from kapital.registry.domain.holder_disclosure import PARTS_MAX, DisclosedHolder, HolderDisclosure, disclosure_of
from kapital.registry.ports import DisclosedTotals

_ADD: Final = text(
    """
    INSERT INTO holder_disclosure (disclosure_id, participant_id, issue_id, as_of, due_at, units_held,
        basis_reference, asked_by, asked_at, state)
    VALUES (:disclosure_id, :participant_id, :issue_id, :as_of, :due_at, :units_held, :basis_reference, :asked_by,
        :asked_at, :state)
    """
)
_COUNT: Final = text(
    "SELECT count(*) FROM holder_disclosure WHERE participant_id = :id AND state IN ('asked', 'overdue')"
)
_LOCK: Final = text("SELECT * FROM holder_disclosure WHERE disclosure_id = :id FOR UPDATE")
_LOCK_DUE: Final = text(
    """
    SELECT * FROM holder_disclosure WHERE state = 'asked' AND due_at <= :now
    ORDER BY due_at, disclosure_id LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
_SAVE: Final = text(
    """
    UPDATE holder_disclosure d
    SET state = s.state, answered_at = s.answered_at, lines = s.lines, content_sha256 = s.content_sha256
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(disclosure_id uuid, state text, answered_at timestamptz,
        lines bigint, content_sha256 text)
    WHERE d.disclosure_id = s.disclosure_id
    """
)
_DROP_PARTS: Final = text("DELETE FROM disclosed_part WHERE disclosure_id = :id AND part BETWEEN :first AND :last")
_ADD_PART: Final = text("INSERT INTO disclosed_part (disclosure_id, part, part_sha256) VALUES (:id, :part, :sha256)")
_ADD_LINES: Final = text(
    """
    INSERT INTO disclosed_holder (disclosure_id, part, line, kind, name, inn, ogrn, snils, other_number, is_nominee,
        units)
    SELECT :id, :part, line, kind, name, inn, ogrn, snils, other_number, is_nominee, units
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS l(line integer, kind text, name text, inn text, ogrn text,
        snils text, other_number text, is_nominee boolean, units bigint)
    """
)
_PARTS: Final = text("SELECT part, part_sha256 FROM disclosed_part WHERE disclosure_id = :id ORDER BY part")
_TOTALS: Final = text(
    "SELECT count(*) AS lines, coalesce(sum(units), 0) AS units FROM disclosed_holder WHERE disclosure_id = :id"
)


class HolderDisclosureTables:
    """HolderDisclosureStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, disclosure_id: UUID) -> int:
        """The version of the request; 0 without one."""
        return await row_version(conn, "holder_disclosure", "disclosure_id", disclosure_id)

    async def add(self, conn: AsyncConnection, one: HolderDisclosure) -> None:
        """Enter a request."""
        await conn.execute(_ADD, {name: getattr(one, name) for name in _ADD.compile().params})

    async def count_open(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many requests of a nominee wait; exact while the participant is locked."""
        return int((await conn.execute(_COUNT, {"id": participant_id})).scalar_one())

    async def lock(self, conn: AsyncConnection, disclosure_id: UUID) -> HolderDisclosure | None:
        """Read and lock one."""
        row = (await conn.execute(_LOCK, {"id": disclosure_id})).one_or_none()
        return None if row is None else disclosure_of(row)

    async def lock_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[HolderDisclosure]:
        """Lock those whose term has come, leaving out those that another process is at."""
        return [disclosure_of(row) for row in await conn.execute(_LOCK_DUE, {"now": now, "limit": limit})]

    async def save(self, conn: AsyncConnection, changed: Sequence[HolderDisclosure]) -> None:
        """Write what became of locked requests."""
        if changed:
            await conn.execute(_SAVE, {"rows": msgspec.json.encode(changed).decode()})

    async def put_part(
        self,
        conn: AsyncConnection,
        disclosure_id: UUID,
        part: int,
        lines: Sequence[DisclosedHolder],
        *,
        sha256: str,
        is_last: bool,
    ) -> None:
        """Keep a part in the place of what came under its number; after the last one there is none."""
        last = PARTS_MAX if is_last else part
        await conn.execute(_DROP_PARTS, {"id": disclosure_id, "first": part, "last": last})
        await conn.execute(_ADD_PART, {"id": disclosure_id, "part": part, "sha256": sha256})
        if lines:
            rows = [msgspec.to_builtins(line) | {"line": number} for number, line in enumerate(lines, 1)]
            said = {"id": disclosure_id, "part": part, "rows": msgspec.json.encode(rows).decode()}
            await conn.execute(_ADD_LINES, said)

    async def totals(self, conn: AsyncConnection, disclosure_id: UUID) -> DisclosedTotals:
        """What has come of the answer."""
        parts = (await conn.execute(_PARTS, {"id": disclosure_id})).all()
        sums = (await conn.execute(_TOTALS, {"id": disclosure_id})).one()
        return DisclosedTotals(
            parts={row.part: row.part_sha256 for row in parts}, lines=int(sums.lines), units=int(sums.units)
        )
