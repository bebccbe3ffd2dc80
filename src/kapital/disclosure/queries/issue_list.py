"""Read model: published issues, newest first."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.disclosure.domain.problems import IssuePageNotFound

_NUMBER: Final = text("SELECT number FROM issue_page WHERE issue_id = :issue_id")
_PAGE: Final = text(
    """
    SELECT p.issue_id, p.code, p.title, COALESCE(s.value, 'published') AS state, p.price_kopecks, p.quantity_max,
        p.placement_start_at, p.placement_end_at, p.published_at, p.issuer_name
    FROM issue_page AS p
    LEFT JOIN LATERAL (
        SELECT value FROM page_event AS e WHERE e.issue_id = p.issue_id AND e.kind = 'state'
        ORDER BY number DESC LIMIT 1
    ) AS s ON true
    WHERE p.number < :before ORDER BY p.number DESC LIMIT :limit
    """
)


class IssueRow(NamedTuple):
    """One published issue."""

    issue_id: UUID
    code: str
    title: str
    state: str
    price_kopecks: int
    quantity_max: int
    placement_start_at: datetime
    placement_end_at: datetime
    published_at: datetime
    issuer_name: str


class IssueRows(NamedTuple):
    """A page of issues and where the next begins."""

    items: list[IssueRow]
    next_before: UUID | None


async def list_issues(conn: AsyncConnection, *, before: UUID | None = None, limit: int = 50) -> IssueRows:
    """Issues published before the issue `before`, newest first. Raises: IssuePageNotFound (for `before`)."""
    number = 2**63 - 1
    if before is not None:
        found = (await conn.execute(_NUMBER, {"issue_id": before})).scalar_one_or_none()
        if found is None:
            raise IssuePageNotFound(facts={"issue_id": str(before)})
        number = found
    rows = [IssueRow(*row) for row in await conn.execute(_PAGE, {"before": number, "limit": limit + 1})]
    more = len(rows) > limit
    return IssueRows(rows[:limit], rows[limit - 1].issue_id if more else None)
