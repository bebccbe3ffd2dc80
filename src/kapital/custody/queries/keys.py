"""Read model: public keys with their states."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.domain.key import Key
from kapital.custody.domain.problems import KeyNotFound
from kapital.custody.domain.profiles import KeyProfile
from kapital.custody.domain.states import KeyState

KEY_COLUMNS: Final = "key_id, name, profile, public_key, state, version, created_at, resume_requested_by"

_PAGE: Final = text(f"SELECT {KEY_COLUMNS} FROM key WHERE name > :after ORDER BY name LIMIT :limit")  # noqa: S608 - constants of this service; values are bound
_ONE: Final = text(f"SELECT {KEY_COLUMNS} FROM key WHERE key_id = :key_id")  # noqa: S608 - constants of this service; values are bound


async def list_keys(conn: AsyncConnection, *, after: str = "", limit: int = 100) -> list[Key]:
    """Keys whose names come after `after`, by name (byte order)."""
    return [key_of(row) for row in await conn.execute(_PAGE, {"after": after, "limit": limit})]


async def get_key(conn: AsyncConnection, key_id: UUID) -> Key:
    """One key. Raises: KeyNotFound."""
    row = (await conn.execute(_ONE, {"key_id": key_id})).one_or_none()
    if row is None:
        raise KeyNotFound(facts={"key_id": str(key_id)})
    return key_of(row)


def key_of(row: Row[Any]) -> Key:
    """The key in a row of KEY_COLUMNS."""
    return Key(
        key_id=UUID(str(row.key_id)),
        name=row.name,
        profile=KeyProfile(row.profile),
        public_key=bytes(row.public_key),
        state=KeyState(row.state),
        version=row.version,
        created_at=row.created_at,
        resume_requested_by=row.resume_requested_by,
    )
