"""Read model: issues, one page."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.tokenization import IssuePage, IssueRow
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.ports import Parts


async def list_issues(
    conn: AsyncConnection, parts: Parts, actor: Actor, *, state: str | None, after: UUID | None, limit: int
) -> IssuePage:
    """Issues by id above `after`: all for staff; own ones and published ones for everybody else."""
    access.require(actor, "list_issues", access.Resource("Issue", published=True))
    drafts = access.allows(actor, "list_issues", access.Resource("Issue"))
    issues = await parts.issues.page(
        conn,
        state=state,
        after=after,
        limit=limit + 1,
        reader_participant_id=actor.participant_id,
        all_issues=drafts,
    )
    more = len(issues) > limit
    items = [issue_row(issue) for issue in issues[:limit]]
    return IssuePage(items=items, next_after=items[-1].issue_id if more else msgspec.UNSET)


def issue_row(issue: Issue) -> IssueRow:
    """An issue as a row of the contract."""
    names = {name for name in IssueRow.__struct_fields__ if name != "state"}
    values: dict[str, Any] = {name: getattr(issue, name) for name in names}
    return IssueRow(**values, state=issue.state.value)
