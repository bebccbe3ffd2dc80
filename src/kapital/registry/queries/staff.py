"""Read model: the staff as it stood at an instant, with what each held and what was proposed."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.contract_forms import staff_change
from kapital.registry.domain.problems import ExtractInstantInFuture
from kapital.registry.domain.staff_change import change_of

_PAGE: Final = text(
    """
    SELECT s.staff_id, s.registered_at, s.registered_by, s.ended_at, t.roles, t.valid_from, t.valid_until
    FROM staff s
    LEFT JOIN staff_term t ON t.staff_id = s.staff_id AND t.valid_from <= :at
        AND (t.ended_at IS NULL OR t.ended_at > :at) AND (t.valid_until IS NULL OR t.valid_until > :at)
    WHERE s.registered_at <= :at AND (CAST(:after AS uuid) IS NULL OR s.staff_id > :after)
    ORDER BY s.staff_id LIMIT :limit
    """
)
_CHANGES: Final = text(
    """
    SELECT DISTINCT ON (staff_id) * FROM staff_change
    WHERE staff_id = ANY(CAST(:ids AS uuid[])) AND proposed_at <= :at
    ORDER BY staff_id, proposed_at DESC, change_id DESC
    """
)


async def list_staff(
    conn: AsyncConnection,
    *,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.StaffPage:
    """A page of everybody registered by `at` (None: now), in the order of ids; who holds nothing then has no roles.

    Shape: `limit` 1 to 1,000. Raises: NotPermitted, ExtractInstantInFuture.
    Not: part of the signed extract – that is of the users of the system (259-FZ art. 8), and the staff are none.
    """
    access.require(actor, "list_staff")
    instant = now if at is None else at
    if instant > now:
        raise ExtractInstantInFuture
    rows = (await conn.execute(_PAGE, {"at": instant, "after": after, "limit": limit + 1})).all()
    shown = rows[:limit]
    changes = await conn.execute(_CHANGES, {"ids": [row.staff_id for row in shown], "at": instant})
    last = {UUID(str(row.staff_id)): change_of(row) for row in changes}
    return contract.StaffPage(
        at=instant,
        staff=[_member(row, instant, last) for row in shown],
        next_after=UUID(str(shown[-1].staff_id)) if len(rows) > limit else None,
    )


def _member(row: Any, at: datetime, last: dict[UUID, Any]) -> contract.StaffMember:
    staff_id = UUID(str(row.staff_id))
    change = last.get(staff_id)
    # What was decided later was not decided yet at the instant.
    waits = change is not None and (change.decided_at is None or change.decided_at > at)
    return contract.StaffMember(
        staff_id=staff_id,
        roles=[contract.StaffRole(role) for role in row.roles or ()],
        held_from=row.valid_from,
        valid_until=row.valid_until,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        ended_at=None if row.ended_at is None or row.ended_at > at else row.ended_at,
        proposed=staff_change(change.as_proposed) if change is not None and waits else None,
    )
