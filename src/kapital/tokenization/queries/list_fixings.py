"""Read model: recorded values and outcomes, one page."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.tokenization import ObservationPage
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.observation import observation_view


async def list_fixings(
    conn: AsyncConnection, parts: Parts, actor: Actor, *, state: str | None, after: UUID | None, limit: int
) -> ObservationPage:
    """Values by id above `after`, for staff. Raises: NotPermitted."""
    access.require(actor, "list_fixings")
    fixings = await parts.fixings.page(conn, state=state, after=after, limit=limit + 1)
    items = [observation_view(fixing) for fixing in fixings[:limit]]
    return ObservationPage(items=items, next_after=items[-1].fixing_id if len(fixings) > limit else msgspec.UNSET)
