"""Read model: roles and statuses of a participant, present and past."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.contract_forms import participant_status
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.status import status_of

_KNOWN: Final = text("SELECT 1 FROM participant WHERE participant_id = :id")
_PAGE: Final = text(
    """
    SELECT s.* FROM participant_status s
    WHERE s.participant_id = :id AND (:everything OR s.held_at IS NOT NULL)
        AND (CAST(:after AS uuid) IS NULL OR (s.proposed_at, s.status_id) > (
            SELECT a.proposed_at, a.status_id FROM participant_status a
            WHERE a.status_id = :after AND a.participant_id = :id
        ))
    ORDER BY s.proposed_at, s.status_id LIMIT :limit
    """
)


async def list_statuses(
    conn: AsyncConnection, participant_id: UUID, *, actor: Actor, after: UUID | None = None, limit: int = 100
) -> contract.ParticipantStatusPage:
    """A page, oldest first; to the participant itself only what it holds and held.

    Shape: `limit` 1 to 1,000. Raises: ParticipantNotFound – also for a participant that is not the actor's to see;
    NotPermitted for staff who see no names.
    """
    whose = access.scope(actor, "list_statuses", "ParticipantRecord")
    if not whose.covers(participant_id) or (await conn.execute(_KNOWN, {"id": participant_id})).first() is None:
        raise ParticipantNotFound
    asked = {"id": participant_id, "everything": whose.everything, "after": after, "limit": limit + 1}
    found = [status_of(row) for row in await conn.execute(_PAGE, asked)]
    shown = found[:limit]
    return contract.ParticipantStatusPage(
        statuses=[participant_status(one) for one in shown],
        next_after=shown[-1].status_id if len(found) > limit else None,
    )
