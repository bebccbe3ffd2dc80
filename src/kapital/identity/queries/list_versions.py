"""Read model: the versions of all lists."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.kernel.actor import Actor
from kapital.platform import access

_VERSIONS: Final = text("SELECT * FROM screening_list_version ORDER BY loaded_at DESC, version_id DESC LIMIT :limit")


async def list_screening_lists(conn: AsyncConnection, *, actor: Actor, limit: int = 100) -> contract.ListVersionPage:
    """The newest versions. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_screening_lists")
    return contract.ListVersionPage(
        versions=[_version(row) for row in await conn.execute(_VERSIONS, {"limit": limit})]
    )


def _version(row: Any) -> contract.ListVersion:
    return contract.ListVersion(
        version_id=UUID(str(row.version_id)),
        source=contract.ListSource(row.source),
        number=row.number,
        format=row.format,
        file_sha256=row.file_sha256,
        file_bytes=row.file_bytes,
        list_date=row.list_date,
        entry_count=row.entry_count,
        entries_before=row.entries_before,
        changed_count=row.changed_count,
        deviation_count=row.deviation_count,
        state=contract.ListVersionState(row.state),
        loaded_by=row.loaded_by,
        loaded_at=row.loaded_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        rescreened_at=row.rescreened_at,
    )
