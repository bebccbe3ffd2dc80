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
_GIVEN_OR_TAKEN: Final = " UNION ALL ".join(
    f"""
    (SELECT * FROM mandate WHERE {side} = :id AND mandate_id > :after ORDER BY mandate_id LIMIT :limit)
    """  # noqa: S608 - a column's name
    for side in ("principal_id", "broker_id")
)
"""Each side by its own index: a broker may have many. Nobody is both."""
_PAGE: Final = text(f"SELECT * FROM ({_GIVEN_OR_TAKEN}) AS m ORDER BY mandate_id LIMIT :limit")  # noqa: S608
_FIRST: Final = UUID(int=0)


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
    rows = (await conn.execute(_PAGE, {"id": participant_id, "after": after or _FIRST, "limit": limit + 1})).all()
    shown = rows[:limit]
    return contract.MandatePage(
        mandates=[mandate(mandate_of(row), now) for row in shown],
        next_after=UUID(str(shown[-1].mandate_id)) if len(rows) > limit else None,
    )
