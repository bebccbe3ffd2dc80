"""Read model: mandates that a participant gave or was given."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.contract_forms import mandate
from kapital.registry.domain.mandate import mandate_of
from kapital.registry.domain.problems import ParticipantNotFound

_KNOWN: Final = text("SELECT 1 FROM participant WHERE participant_id = :id")
_PAGE: Final = text(
    """
    SELECT * FROM mandate
    WHERE (principal_id = :id OR broker_id = :id)
        AND mandate_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
    ORDER BY mandate_id LIMIT :limit
    """
)


async def list_mandates(
    conn: AsyncConnection,
    participant_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.MandatePage:
    """A page in the order of giving, each as it stands now.

    Shape: `limit` 1 to 1,000. Raises: ParticipantNotFound – also for a participant that is not the actor's to see;
    NotPermitted for staff who see no names.
    """
    whose = access.scope(actor, "list_mandates", "ParticipantRecord")
    if not whose.covers(participant_id) or (await conn.execute(_KNOWN, {"id": participant_id})).first() is None:
        raise ParticipantNotFound
    rows = (await conn.execute(_PAGE, {"id": participant_id, "after": after, "limit": limit + 1})).all()
    shown = rows[:limit]
    return contract.MandatePage(
        mandates=[mandate(mandate_of(row), now) for row in shown],
        next_after=UUID(str(shown[-1].mandate_id)) if len(rows) > limit else None,
    )
