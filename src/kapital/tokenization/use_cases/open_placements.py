"""Open the placements whose time has come."""

from datetime import datetime

from kapital.tokenization.domain.states import IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SCHEDULER, move_issues

_BATCH = 500


async def open_placements(now: datetime, *, parts: Parts) -> int:
    """Move PUBLISHED issues to PLACEMENT_OPEN once `placement_start_at` has come; returns how many.

    Law: 259-FZ art. 3 (day of the start of placement is in the decision).
    """
    opened = 0
    while True:
        async with parts.uow.begin() as tx:
            due = await parts.issues.due_to_open(tx.conn, now, _BATCH)
            locked = await parts.issues.lock(tx.conn, [issue.issue_id for issue in due])
            ready = [issue for issue in locked.values() if issue.state is IssueState.PUBLISHED]
            await move_issues(tx, parts, [(issue, "opened", {}) for issue in ready], actor=SCHEDULER)
        opened += len(ready)
        if len(due) < _BATCH:
            return opened
