"""Read model: who acts and has acted for a participant."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.domain.problems import ParticipantNotFound

_COLUMNS: Final = """
    r.representative_id, r.participant_id, r.kind, r.name, r.inn, r.powers, r.valid_from, r.valid_until,
    r.basis_reference, r.power_number, r.identified_at, r.ended_at
"""
_ONE: Final = text(f"SELECT {_COLUMNS} FROM representative r WHERE r.representative_id = :id")  # noqa: S608
_KNOWN: Final = text("SELECT 1 FROM participant WHERE participant_id = :id")
_PAGE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM representative r
    WHERE r.participant_id = :id
        AND r.representative_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
    ORDER BY r.representative_id LIMIT :limit
    """  # noqa: S608 - a constant of this module
)


async def list_representatives(
    conn: AsyncConnection, participant_id: UUID, *, actor: Actor, after: UUID | None = None, limit: int = 100
) -> contract.RepresentativePage:
    """A page in the order of appointment.

    Shape: `limit` 1 to 1,000. Raises: ParticipantNotFound – also for a participant that is not the actor's to see;
    NotPermitted for staff who see no names.
    """
    whose = access.scope(actor, "list_representatives", "ParticipantRecord")
    if not whose.covers(participant_id) or (await conn.execute(_KNOWN, {"id": participant_id})).first() is None:
        raise ParticipantNotFound
    rows = (await conn.execute(_PAGE, {"id": participant_id, "after": after, "limit": limit + 1})).all()
    shown = rows[:limit]
    return contract.RepresentativePage(
        representatives=[_representative(row) for row in shown],
        next_after=UUID(str(shown[-1].representative_id)) if len(rows) > limit else None,
    )


async def one_representative(conn: AsyncConnection, representative_id: UUID) -> contract.Representative:
    """One that is known to be there, for the answer to an act upon it."""
    return _representative((await conn.execute(_ONE, {"id": representative_id})).one())


def _representative(row: Any) -> contract.Representative:
    return contract.Representative(
        representative_id=UUID(str(row.representative_id)),
        participant_id=UUID(str(row.participant_id)),
        kind=contract.RepresentativeKind(row.kind),
        name=row.name,
        inn=row.inn,
        powers=sorted(row.powers),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        basis_reference=row.basis_reference,
        power_number=row.power_number,
        identified_at=row.identified_at,
        ended_at=row.ended_at,
    )
