"""The tables of list versions and entries: one statement per batch, never per row."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.screening import ListEntry, ListPurpose, ListSource
from kapital.identity.domain.screening_hit import Listed
from kapital.identity.domain.screening_list import ListVersion, StoredEntry
from kapital.identity.domain.states import ListVersionState
from kapital.kernel.problems import ensure
from kapital.platform.row_versions import row_version

_LOCK_KEY: Final = 0x5C12EE4
"""Advisory lock of this database: shared by those who compare with the lists, alone by who changes them."""
_COLUMNS: Final = """
    version_id, source, number, format, file_sha256, file_bytes, list_date, entry_count, entries_before,
    changed_count, deviation_count, state, loaded_by, loaded_at, decided_by, decided_at, decision_reason,
    rescreened_at
"""
_IN_FORCE: Final = text(f"SELECT {_COLUMNS} FROM screening_list_version WHERE state = 'in_force'")  # noqa: S608
_FIND: Final = text(f"SELECT {_COLUMNS} FROM screening_list_version WHERE version_id = :id FOR UPDATE")  # noqa: S608
_WAITING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM screening_list_version
    WHERE state = 'in_force' AND rescreened_at IS NULL ORDER BY loaded_at, source
    LIMIT 1 FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - a constant of this module
)
_NEXT: Final = text("SELECT COALESCE(max(number), 0) + 1 FROM screening_list_version WHERE source = :source")
_ADD: Final = text(
    f"""
    INSERT INTO screening_list_version ({_COLUMNS}, deviations)
    VALUES (:version_id, :source, :number, :format, :file_sha256, :file_bytes, :list_date, :entry_count,
        :entries_before, :changed_count, :deviation_count, :state, :loaded_by, :loaded_at, :decided_by, :decided_at,
        :decision_reason, :rescreened_at, CAST(:deviations AS jsonb))
    """  # noqa: S608 - a constant of this module
)
_SAVE: Final = text(
    """
    UPDATE screening_list_version SET state = :state, decided_by = :decided_by, decided_at = :decided_at,
        decision_reason = :decision_reason, changed_count = :changed_count, rescreened_at = :rescreened_at
    WHERE version_id = :version_id
    """
)
_STAGE: Final = text(
    """
    INSERT INTO screening_staged (version_id, uid, entry_sha256, content)
    SELECT :version_id, uid, sha256, content
    FROM unnest(CAST(:uids AS text[]), CAST(:sha256s AS text[]), CAST(:contents AS jsonb[]))
        AS e (uid, sha256, content)
    """
)
_END_GONE: Final = text(
    """
    UPDATE screening_entry e SET to_number = :number
    WHERE e.source = :source AND e.to_number IS NULL AND NOT EXISTS (
        SELECT FROM screening_staged s
        WHERE s.version_id = :version_id AND s.uid = e.uid AND s.entry_sha256 = e.entry_sha256
    )
    """
)
_BEGIN_NEW: Final = text(
    """
    INSERT INTO screening_entry (source, uid, entry_sha256, content, from_number)
    SELECT :source, s.uid, s.entry_sha256, s.content, :number FROM screening_staged s
    WHERE s.version_id = :version_id AND NOT EXISTS (
        SELECT FROM screening_entry e WHERE e.source = :source AND e.uid = s.uid AND e.to_number IS NULL
    )
    ORDER BY s.uid
    """
)
_DROP_STAGED: Final = text("DELETE FROM screening_staged WHERE version_id = :version_id")
_ENTRIES: Final = text(
    """
    SELECT e.source, e.uid, e.entry_sha256, e.content, v.number
    FROM screening_entry e JOIN screening_list_version v ON v.source = e.source AND v.state = 'in_force'
    WHERE e.to_number IS NULL
        AND (CAST(:source AS text) IS NULL OR e.source = :source)
        AND (CAST(:from_number AS integer) IS NULL OR e.from_number = :from_number)
    ORDER BY e.entry_id
    """
)


class ListTables:
    """ListStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, version_id: UUID) -> int:
        """The version of the row of the list version; 0 without one."""
        return await row_version(conn, "screening_list_version", "version_id", version_id)

    async def lock_lists(self, conn: AsyncConnection, *, changing: bool) -> None:
        """Hold the lists still until the transaction ends; with `changing`, against everybody else."""
        if changing:  # A comparison of all clients holds the lists for as long as it takes.
            await conn.execute(text("SET LOCAL lock_timeout = 0"))
            await conn.execute(text("SET LOCAL statement_timeout = 0"))
        kind = "pg_advisory_xact_lock" if changing else "pg_advisory_xact_lock_shared"
        await conn.execute(text(f"SELECT {kind}(:key)"), {"key": _LOCK_KEY})

    async def in_force(self, conn: AsyncConnection) -> dict[ListSource, ListVersion]:
        """The version in force of each list."""
        versions = [_version(row) for row in await conn.execute(_IN_FORCE)]
        return {version.source: version for version in versions}

    async def find(self, conn: AsyncConnection, version_id: UUID) -> ListVersion | None:
        """One version, locked."""
        row = (await conn.execute(_FIND, {"id": version_id})).one_or_none()
        return None if row is None else _version(row)

    async def next_number(self, conn: AsyncConnection, source: ListSource) -> int:
        """The number of the next version of a list."""
        return int((await conn.execute(_NEXT, {"source": source.value})).scalar_one())

    async def stage(self, conn: AsyncConnection, version_id: UUID, entries: Sequence[ListEntry]) -> None:
        """Keep entries of a version that is not in force yet."""
        await conn.execute(
            _STAGE,
            {
                "version_id": version_id,
                "uids": [entry.uid for entry in entries],
                "sha256s": [entry.sha256 for entry in entries],
                "contents": [msgspec.json.encode(entry).decode() for entry in entries],
            },
        )

    async def add(self, conn: AsyncConnection, version: ListVersion, deviations: Sequence[tuple[str, str]]) -> None:
        """Enter a version."""
        told = msgspec.json.encode([{"where": where, "code": code} for where, code in deviations]).decode()
        await conn.execute(_ADD, _row(version) | {"deviations": told})

    async def save(self, conn: AsyncConnection, version: ListVersion) -> None:
        """Write state, decision and progress of a version."""
        saved = await conn.execute(_SAVE, _row(version))
        ensure(saved.rowcount == 1, "a list version has gone")

    async def put_in_force(self, conn: AsyncConnection, version: ListVersion) -> int:
        """Make the staged entries the list, ending what is gone or changed; return how many are new or changed."""
        names = {"source": version.source.value, "number": version.number, "version_id": version.version_id}
        await conn.execute(_END_GONE, names)
        begun = await conn.execute(_BEGIN_NEW, names)
        await self.drop_staged(conn, version.version_id)
        return int(begun.rowcount)

    async def drop_staged(self, conn: AsyncConnection, version_id: UUID) -> None:
        """Forget the staged entries of a version."""
        await conn.execute(_DROP_STAGED, {"version_id": version_id})

    async def entries(
        self, conn: AsyncConnection, *, source: ListSource | None = None, from_number: int | None = None
    ) -> list[StoredEntry]:
        """Entries in force: all, or those of a list that one version brought or changed."""
        wanted = {"source": None if source is None else source.value, "from_number": from_number}
        return [_entry(row) for row in await conn.execute(_ENTRIES, wanted)]

    async def lock_waiting(self, conn: AsyncConnection) -> ListVersion | None:
        """The oldest version in force that clients were not compared with yet and that nobody else is at, locked."""
        row = (await conn.execute(_WAITING)).one_or_none()
        return None if row is None else _version(row)


def _row(version: ListVersion) -> dict[str, Any]:
    return {
        "version_id": version.version_id,
        "source": version.source.value,
        "number": version.number,
        "format": version.format,
        "file_sha256": version.file_sha256,
        "file_bytes": version.file_bytes,
        "list_date": version.list_date,
        "entry_count": version.entry_count,
        "entries_before": version.entries_before,
        "changed_count": version.changed_count,
        "deviation_count": version.deviation_count,
        "state": version.state.value,
        "loaded_by": version.loaded_by,
        "loaded_at": version.loaded_at,
        "decided_by": version.decided_by,
        "decided_at": version.decided_at,
        "decision_reason": version.decision_reason,
        "rescreened_at": version.rescreened_at,
    }


def _version(row: Any) -> ListVersion:
    values = dict(row._mapping)
    values |= {
        "version_id": UUID(str(row.version_id)),
        "source": ListSource(row.source),
        "state": ListVersionState(row.state),
    }
    return ListVersion(**values)


def _entry(row: Any) -> StoredEntry:
    content = row.content if isinstance(row.content, dict) else msgspec.json.decode(row.content)
    entry = msgspec.convert(content, ListEntry)
    listed = Listed(
        source=ListSource(row.source),
        list_number=row.number,
        uid=row.uid,
        sha256=row.entry_sha256,
        purpose=ListPurpose(entry.purpose),
    )
    return StoredEntry(listed=listed, entry=entry)
