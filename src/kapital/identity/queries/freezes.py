"""Read model: freezes, for staff."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import freeze_answer
from kapital.identity.domain.problems import FreezeNotFound
from kapital.identity.domain.states import FreezeState
from kapital.identity.ports import FreezeRows, FreezeStore
from kapital.kernel.actor import Actor
from kapital.platform import access

_PAGE: Final = text(
    """
    SELECT * FROM property_freeze
    WHERE freeze_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))
    ORDER BY freeze_id LIMIT :limit
    """
)
_ONE: Final = text("SELECT * FROM property_freeze WHERE freeze_id = :id")


async def list_freezes(
    conn: AsyncConnection,
    *,
    actor: Actor,
    freezes: FreezeStore,
    freeze_of: FreezeRows,
    state: FreezeState | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.FreezePage:
    """A page in the order of ids. Shape: `limit` 1 to 1,000. Raises: NotPermitted."""
    access.require(actor, "list_freezes")
    rows = (await conn.execute(_PAGE, {"after": after, "state": state, "limit": limit + 1})).all()
    shown = [freeze_of(row) for row in rows[:limit]]
    entries = await freezes.entries(conn, [freeze.freeze_id for freeze in shown])
    return contract.FreezePage(
        freezes=[freeze_answer(freeze, entries) for freeze in shown],
        next_after=shown[-1].freeze_id if len(rows) > limit else None,
    )


async def get_freeze(
    conn: AsyncConnection,
    freeze_id: UUID,
    *,
    actor: Actor,
    freezes: FreezeStore,
    freeze_of: FreezeRows,
) -> contract.Freeze:
    """One freeze with its entries. Raises: NotPermitted, FreezeNotFound."""
    access.require(actor, "get_freeze")
    row = (await conn.execute(_ONE, {"id": freeze_id})).one_or_none()
    if row is None:
        raise FreezeNotFound
    return freeze_answer(freeze_of(row), await freezes.entries(conn, [freeze_id]))
