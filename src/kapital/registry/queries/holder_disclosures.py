"""Read models: requests to nominee holders, and those whom they have named."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.platform.access import Resource
from kapital.registry.contract_forms import holder_disclosure
from kapital.registry.domain.holder_disclosure import PART_LINES_MAX, disclosure_of
from kapital.registry.domain.holder_problems import HolderDisclosureNotFound

_ONE: Final = text("SELECT * FROM holder_disclosure WHERE disclosure_id = :id")
_PAGE: Final = text(
    """
    SELECT * FROM holder_disclosure
    WHERE (CAST(:participant AS uuid) IS NULL OR participant_id = :participant)
        AND (CAST(:state AS text) IS NULL OR state = :state)
        AND disclosure_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
    ORDER BY disclosure_id LIMIT :limit
    """
)
_HOLDERS: Final = text(
    """
    SELECT part, line, kind, name, inn, ogrn, snils, other_number, is_nominee, units FROM disclosed_holder
    WHERE disclosure_id = :id AND (part - 1) * :part_lines + line > :after ORDER BY part, line LIMIT :limit
    """
)


async def list_holder_disclosures(
    conn: AsyncConnection,
    *,
    actor: Actor,
    participant_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.HolderDisclosurePage:
    """A page in the order of asking, without names; a nominee sees what it was asked itself.

    Shape: `limit` 1 to 1,000. Raises: NotPermitted.
    """
    whose = access.scope(actor, "list_holder_disclosures", "HolderDisclosure")
    asked = {"participant": participant_id, "state": state, "after": after, "limit": limit + 1}
    if whose.only is not None:
        if participant_id not in (None, whose.only):
            return contract.HolderDisclosurePage(disclosures=[], next_after=None)
        asked["participant"] = whose.only
    rows = (await conn.execute(_PAGE, asked)).all()
    shown = rows[:limit]
    return contract.HolderDisclosurePage(
        disclosures=[holder_disclosure(disclosure_of(row)) for row in shown],
        next_after=UUID(str(shown[-1].disclosure_id)) if len(rows) > limit else None,
    )


async def list_disclosed_holders(
    conn: AsyncConnection, disclosure_id: UUID, *, actor: Actor, after: int = 0, limit: int = 100
) -> contract.DisclosedHolderPage:
    """A page of the names, in the order in which the nominee gave them; also of an answer that is not whole yet.

    Shape: `limit` 1 to 1,000; `after` the number of the last line seen.
    Raises: HolderDisclosureNotFound – also for another nominee's; NotPermitted.
    """
    row = (await conn.execute(_ONE, {"id": disclosure_id})).one_or_none()
    owner = None if row is None else UUID(str(row.participant_id))
    whose = Resource("HolderDisclosure", owner=owner)
    access.require(actor, "list_disclosed_holders", whose, hidden=HolderDisclosureNotFound)
    if row is None:
        raise HolderDisclosureNotFound
    asked = {"id": disclosure_id, "after": after, "limit": limit + 1, "part_lines": PART_LINES_MAX}
    rows = (await conn.execute(_HOLDERS, asked)).all()
    shown = rows[:limit]
    return contract.DisclosedHolderPage(
        holders=[_holder(one) for one in shown],
        next_after=_number(shown[-1]) if len(rows) > limit else None,
    )


def _number(row: Any) -> int:
    """The number of a line through all parts, with gaps: a part may have fewer lines than it has room for."""
    return int((row.part - 1) * PART_LINES_MAX + row.line)


def _holder(row: Any) -> contract.DisclosedHolder:
    return contract.DisclosedHolder(
        line=_number(row),
        kind=contract.ParticipantKind(row.kind),
        name=row.name,
        inn=row.inn,
        ogrn=row.ogrn,
        snils=row.snils,
        other_number=row.other_number,
        is_nominee=row.is_nominee,
        units=row.units,
    )
