"""Breaks, newest first, and one of them."""

from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import MOSCOW, moscow_day, russian_calendar
from kapital.platform import access
from kapital.settlement.contract_forms import shown_break
from kapital.settlement.domain.break_problems import BreakNotFound
from kapital.settlement.domain.breaks import break_of

_LIST: Final = text(
    """
    SELECT * FROM reconciliation_break
    WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:kind AS text) IS NULL OR kind = :kind)
        AND (CAST(:opened_before AS timestamptz) IS NULL OR opened_at < :opened_before)
        AND (CAST(:before AS uuid) IS NULL
            OR seq < (SELECT seq FROM reconciliation_break WHERE break_id = :before))
    ORDER BY seq DESC LIMIT :limit
    """
)
_GET: Final = text("SELECT * FROM reconciliation_break WHERE break_id = :id")


async def list_breaks(
    conn: AsyncConnection,
    actor: Actor,
    now: datetime,
    *,
    state: contract.BreakState | None = None,
    kind: contract.BreakKind | None = None,
    min_age_business_days: int | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> contract.BreakPage:
    """A page of breaks; staff only. Raises: NotPermitted, CalendarYearNotCovered."""
    access.require(actor, "list_breaks")
    values = {
        "state": state and state.value,
        "kind": kind and kind.value,
        "opened_before": None if min_age_business_days is None else _opened_before(now, min_age_business_days),
        "before": before,
        "limit": limit,
    }
    rows = await conn.execute(_LIST, values)
    return contract.BreakPage(breaks=[shown_break(break_of(row), now) for row in rows])


def _opened_before(now: datetime, business_days: int) -> datetime:
    """The instant before which a break must have been opened to be so old."""
    latest_on = russian_calendar().add_business_days(moscow_day(now), -business_days)
    return datetime.combine(latest_on + timedelta(days=1), time(), MOSCOW)


async def get_break(conn: AsyncConnection, actor: Actor, now: datetime, break_id: UUID) -> contract.Break:
    """One break; staff only. Raises: NotPermitted, BreakNotFound."""
    access.require(actor, "get_break")
    row = (await conn.execute(_GET, {"id": break_id})).one_or_none()
    if row is None:
        raise BreakNotFound(facts={"break_id": str(break_id)})
    return shown_break(break_of(row), now)
