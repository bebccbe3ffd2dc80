"""SQL over the tables `key` and `signature_log`."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.domain.key import Key
from kapital.custody.queries.keys import KEY_COLUMNS, key_of
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction

_INSERT: Final = text(
    """
    INSERT INTO key (key_id, name, profile, public_key, sealed, state, version, created_at, changed_at)
    VALUES (:key_id, :name, :profile, :public_key, :sealed, :state, :version, :created_at, :created_at)
    ON CONFLICT (name) DO NOTHING
    """
)
_LOCK: Final = text(f"SELECT {KEY_COLUMNS} FROM key WHERE key_id = :key_id FOR UPDATE")  # noqa: S608 - constants of this service; values are bound
_BY_NAME: Final = text(f"SELECT {KEY_COLUMNS} FROM key WHERE name = :name")  # noqa: S608 - constants of this service; values are bound
_SEALED: Final = text("SELECT sealed FROM key WHERE key_id = :key_id")
_SAVE: Final = text(
    """
    UPDATE key SET state = :state, version = :version, resume_requested_by = :resume_requested_by,
        changed_at = :now, sealed = CASE WHEN :state = 'revoked' THEN NULL ELSE sealed END
    WHERE key_id = :key_id AND version = :version - 1
    """
)
# The share lock makes a suspension wait for signatures under way, and a signature see the suspension.
_LOG: Final = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:key_ids AS uuid[]), CAST(:hashes AS bytea[]), CAST(:lengths AS integer[]),
                             CAST(:purposes AS text[]), CAST(:actors AS text[])) WITH ORDINALITY
            AS w (key_id, message_sha256, message_bytes, purpose, actor, n)
    ), held AS (
        SELECT key_id FROM key
        WHERE key_id IN (SELECT key_id FROM wanted) AND state = 'active' ORDER BY key_id FOR SHARE
    ), logged AS (
        INSERT INTO signature_log (key_id, message_sha256, message_bytes, purpose, actor, signed_at)
        SELECT key_id, message_sha256, message_bytes, purpose, actor, :now
        FROM wanted JOIN held USING (key_id) ORDER BY n
    )
    SELECT key_id FROM held
    """
)


class LogLine(NamedTuple):
    """One signature about to be made."""

    key_id: UUID
    message_sha256: bytes
    message_bytes: int
    purpose: str
    actor: str


class SqlKeys:
    """Keys and their log in custody's database."""

    async def insert(self, tx: Transaction, key: Key, sealed: bytes) -> bool:
        """Write a new key; False when the name is taken."""
        values = {
            "key_id": key.key_id,
            "name": key.name,
            "profile": key.profile.value,
            "public_key": key.public_key,
            "sealed": sealed,
            "state": key.state.value,
            "version": key.version,
            "created_at": key.created_at,
        }
        return (await tx.conn.execute(_INSERT, values)).rowcount == 1

    async def lock(self, tx: Transaction, key_id: UUID) -> Key | None:
        """Read and lock a key until the transaction ends, if there is one."""
        row = (await tx.conn.execute(_LOCK, {"key_id": key_id})).one_or_none()
        return None if row is None else key_of(row)

    async def save(self, tx: Transaction, key: Key) -> None:
        """Write the next version of a locked key; a revoked key loses its private part."""
        values = {
            "key_id": key.key_id,
            "state": key.state.value,
            "version": key.version,
            "resume_requested_by": key.resume_requested_by,
            "now": tx.now,
        }
        saved = await tx.conn.execute(_SAVE, values)
        ensure(saved.rowcount == 1, "a locked key is saved as its next version")

    async def find(self, conn: AsyncConnection, name: str) -> Key | None:
        """The key of this name, or None."""
        row = (await conn.execute(_BY_NAME, {"name": name})).one_or_none()
        return None if row is None else key_of(row)

    async def read_sealed(self, conn: AsyncConnection, key_id: UUID) -> bytes | None:
        """The locked private key; None when it was erased."""
        sealed = (await conn.execute(_SEALED, {"key_id": key_id})).scalar_one_or_none()
        return None if sealed is None else bytes(sealed)

    async def log(self, tx: Transaction, lines: Sequence[LogLine]) -> set[UUID]:
        """Log the lines of those keys that are active, in order; return these keys."""
        columns: list[list[Any]] = [list(column) for column in zip(*lines, strict=True)]
        names = ("key_ids", "hashes", "lengths", "purposes", "actors")
        values = dict(zip(names, columns, strict=True)) | {"now": tx.now}
        return {UUID(str(row.key_id)) for row in await tx.conn.execute(_LOG, values)}
