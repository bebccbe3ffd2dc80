"""The tables `staff`, `staff_term` and `staff_change`."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.roles import Role
from kapital.platform.row_versions import row_version
from kapital.registry.domain.staff_change import StaffChange, change_of
from kapital.registry.ports import StaffMember

_ADD: Final = text(
    """
    WITH entered AS (
        INSERT INTO staff (staff_id, registered_at, registered_by) VALUES (:id, :now, :by)
        ON CONFLICT DO NOTHING RETURNING staff_id
    )
    INSERT INTO staff_term (staff_id, number, roles, valid_from, valid_until)
    SELECT staff_id, 1, CAST(:roles AS text[]), :now, :until FROM entered
    """
)
# A token under way and an end or a change wait for each other: the later of the two sees the earlier. The term is
# read by a statement of its own, after the lock: its snapshot has what the other committed.
_SHARE: Final = text("SELECT ended_at FROM staff WHERE staff_id = :id FOR SHARE")
_LOCK: Final = text("SELECT ended_at FROM staff WHERE staff_id = :id FOR UPDATE")
_TERM: Final = text("SELECT roles, valid_until FROM staff_term WHERE staff_id = :id ORDER BY number DESC LIMIT 1")
_END: Final = text(
    "UPDATE staff SET ended_at = :now, ended_by = :by, end_reference = :reference WHERE staff_id = :id"
)
_END_TERM: Final = text(
    # A term that another process began while we waited for its lock began after our `now`.
    """
    UPDATE staff_term SET ended_at = greatest(valid_from, CAST(:now AS timestamptz))
    WHERE staff_id = :id AND ended_at IS NULL
    """
)
_LOCK_DUE: Final = text(
    """
    SELECT s.staff_id FROM staff s JOIN staff_term t ON t.staff_id = s.staff_id
    WHERE t.ended_at IS NULL AND t.valid_until <= :now
    ORDER BY t.valid_until, s.staff_id LIMIT :limit FOR UPDATE OF s, t SKIP LOCKED
    """
)
_END_DUE: Final = text(
    """
    UPDATE staff_term SET ended_at = valid_until
    WHERE staff_id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL RETURNING staff_id, roles, ended_at
    """
)
_NEXT_TERM: Final = text(
    """
    INSERT INTO staff_term (staff_id, number, roles, valid_from, valid_until, change_id)
    SELECT :id, max(number) + 1, CAST(:roles AS text[]), :now, :until, :change FROM staff_term WHERE staff_id = :id
    """
)
_COLUMNS: Final = """
    change_id, staff_id, roles, valid_until, basis_reference, state, proposed_by, proposed_at, decided_by, decided_at
"""
_PROPOSE: Final = text(
    """
    INSERT INTO staff_change (change_id, staff_id, roles, valid_until, basis_reference, state, proposed_by,
        proposed_at)
    VALUES (:id, :staff, CAST(:roles AS text[]), :until, :reference, 'proposed', :by, :at)
    ON CONFLICT (staff_id) WHERE state = 'proposed' DO NOTHING
    """
)
_FIND_CHANGE: Final = text(f"SELECT {_COLUMNS} FROM staff_change WHERE change_id = :id")  # noqa: S608 - constants
_SAVE_CHANGE: Final = text(
    "UPDATE staff_change SET state = :state, decided_by = :by, decided_at = :at WHERE change_id = :id"
)


class StaffTables:
    """StaffStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, member: StaffMember, *, registered_by: str, now: datetime) -> bool:
        """Enter a member of staff with the first term; False when the id is taken."""
        row = {
            "id": member.staff_id,
            "roles": sorted(member.roles),
            "until": member.valid_until,
            "now": now,
            "by": registered_by,
        }
        return (await conn.execute(_ADD, row)).rowcount == 1

    async def find(self, conn: AsyncConnection, staff_id: UUID) -> StaffMember | None:
        """The member with the last term, if registered; neither changes while this transaction lasts."""
        return await self._read(conn, staff_id, lock=False)

    async def lock(self, conn: AsyncConnection, staff_id: UUID) -> StaffMember | None:
        """Read and lock the member, if registered."""
        return await self._read(conn, staff_id, lock=True)

    async def end(
        self, conn: AsyncConnection, staff_id: UUID, *, reference: str, ended_by: str, now: datetime
    ) -> None:
        """Note the end of a locked member and of its term."""
        await conn.execute(_END, {"id": staff_id, "now": now, "by": ended_by, "reference": reference})
        await conn.execute(_END_TERM, {"id": staff_id, "now": now})

    async def next_term(self, conn: AsyncConnection, change: StaffChange, *, now: datetime) -> None:
        """Let a locked member hold from now on what the change says."""
        await conn.execute(_END_TERM, {"id": change.staff_id, "now": now})
        row = {
            "id": change.staff_id,
            "roles": sorted(change.roles),
            "now": now,
            "until": change.valid_until,
            "change": change.change_id,
        }
        await conn.execute(_NEXT_TERM, row)

    async def end_due(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[StaffMember]:
        """End terms whose end has come, leaving out members that another process is at; what was held."""
        due = (await conn.execute(_LOCK_DUE, {"now": now, "limit": limit})).scalars()
        ended = await conn.execute(_END_DUE, {"ids": list(due)})
        return [
            StaffMember(
                staff_id=UUID(str(row.staff_id)),
                roles=frozenset(map(Role, row.roles)),
                valid_until=row.ended_at,
            )
            for row in ended
        ]

    async def propose(self, conn: AsyncConnection, change: StaffChange) -> bool:
        """Enter a proposal; False when one of the same member waits."""
        row = {
            "id": change.change_id,
            "staff": change.staff_id,
            "roles": sorted(change.roles),
            "until": change.valid_until,
            "reference": change.basis_reference,
            "by": change.proposed_by,
            "at": change.proposed_at,
        }
        return (await conn.execute(_PROPOSE, row)).rowcount == 1

    async def find_change(self, conn: AsyncConnection, change_id: UUID) -> StaffChange | None:
        """A proposal and what came of it; decided on only while its member is locked."""
        row = (await conn.execute(_FIND_CHANGE, {"id": change_id})).one_or_none()
        return None if row is None else change_of(row)

    async def change_version(self, conn: AsyncConnection, change_id: UUID) -> int:
        """The version of the proposal's row; 0 without one."""
        return await row_version(conn, "staff_change", "change_id", change_id)

    async def save_change(self, conn: AsyncConnection, change: StaffChange) -> None:
        """Write the decision."""
        row = {"id": change.change_id, "state": change.state, "by": change.decided_by, "at": change.decided_at}
        await conn.execute(_SAVE_CHANGE, row)

    @staticmethod
    async def _read(conn: AsyncConnection, staff_id: UUID, *, lock: bool) -> StaffMember | None:
        member = (await conn.execute(_LOCK if lock else _SHARE, {"id": staff_id})).one_or_none()
        if member is None:
            return None
        term = (await conn.execute(_TERM, {"id": staff_id})).one()
        return StaffMember(
            staff_id=staff_id,
            roles=frozenset(map(Role, term.roles)),
            ended_at=member.ended_at,
            valid_until=term.valid_until,
        )
