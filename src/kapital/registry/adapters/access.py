"""The table `access_token`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.roles import Role
from kapital.platform.row_versions import row_version
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.ports import AccessToken

_ADD_TOKEN: Final = text(
    """
    INSERT INTO access_token (token_id, token_sha256, subject_kind, subject_id, roles, issued_at, issued_by,
                              expires_at)
    VALUES (:id, :sha256, :kind, :subject, :roles, :now, :by, :expires)
    """
)
_LOCK_TOKEN: Final = text(
    """
    SELECT token_sha256, subject_kind, subject_id, roles, expires_at, revoked_at FROM access_token
    WHERE token_id = :id FOR UPDATE
    """
)
_REVOKE: Final = text("UPDATE access_token SET revoked_at = :now, revoked_by = :by WHERE token_id = :id")


_REVOKE_OF: Final = text(
    """
    UPDATE access_token SET revoked_at = :now, revoked_by = :by
    WHERE subject_id = ANY(CAST(:ids AS uuid[])) AND revoked_at IS NULL RETURNING token_sha256
    """
)
_REVOKE_ROLES: Final = text(
    """
    UPDATE access_token t SET revoked_at = :now, revoked_by = :by
    FROM (
        SELECT l.id AS subject_id, l.role FROM unnest(CAST(:ids AS uuid[]), CAST(:roles AS text[])) AS l (id, role)
        UNION ALL
        SELECT r.representative_id, l.role
        FROM unnest(CAST(:ids AS uuid[]), CAST(:roles AS text[])) AS l (id, role)
        JOIN representative r ON r.participant_id = l.id
    ) AS lost
    WHERE t.subject_id = lost.subject_id AND lost.role = ANY(t.roles) AND t.revoked_at IS NULL
    RETURNING t.token_sha256
    """
)


class AccessTable:
    """AccessStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, token_id: UUID) -> int:
        """The version of the token; 0 without one."""
        return await row_version(conn, "access_token", "token_id", token_id)

    async def add_token(self, conn: AsyncConnection, token: AccessToken, *, issued_by: str, now: datetime) -> None:
        """Enter a token."""
        await conn.execute(
            _ADD_TOKEN,
            {
                "id": token.token_id,
                "sha256": token.token_sha256,
                "kind": token.subject_kind.value,
                "subject": token.subject_id,
                "roles": sorted(token.roles),
                "now": now,
                "by": issued_by,
                "expires": token.expires_at,
            },
        )

    async def lock_token(self, conn: AsyncConnection, token_id: UUID) -> AccessToken | None:
        """Read and lock a token by its public id."""
        row = (await conn.execute(_LOCK_TOKEN, {"id": token_id})).one_or_none()
        if row is None:
            return None
        return AccessToken(
            token_id=token_id,
            token_sha256=bytes(row.token_sha256),
            subject_kind=TokenSubjectKind(row.subject_kind),
            subject_id=UUID(str(row.subject_id)),
            roles=frozenset(Role(role) for role in row.roles),
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )

    async def revoke_token(self, conn: AsyncConnection, token_id: UUID, *, revoked_by: str, now: datetime) -> None:
        """Note that the token opens nothing from `now` on."""
        await conn.execute(_REVOKE, {"id": token_id, "now": now, "by": revoked_by})

    async def revoke_tokens_of(
        self, conn: AsyncConnection, subject_ids: Sequence[UUID], *, revoked_by: str, now: datetime
    ) -> list[bytes]:
        """Revoke every live token of these subjects; return their SHA-256."""
        rows = await conn.execute(_REVOKE_OF, {"ids": list(subject_ids), "now": now, "by": revoked_by})
        return [bytes(row.token_sha256) for row in rows]

    async def revoke_roles(
        self, conn: AsyncConnection, lost: Sequence[tuple[UUID, Role]], *, revoked_by: str, now: datetime
    ) -> list[bytes]:
        """Revoke live tokens with a role that a participant lost, its own and its representatives'."""
        ids, roles = [who for who, _ in lost], [role.value for _, role in lost]
        rows = await conn.execute(_REVOKE_ROLES, {"ids": ids, "roles": roles, "now": now, "by": revoked_by})
        return [bytes(row.token_sha256) for row in rows]
