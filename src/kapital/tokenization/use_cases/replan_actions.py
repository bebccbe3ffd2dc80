"""When a year's calendar becomes known, payments of that year that are not due yet get their days by it."""

from typing import Any, Final
from uuid import UUID

from kapital.kernel.problems import Problem
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction, planned
from kapital.tokenization.domain.early_actions import planned_options
from kapital.tokenization.domain.issue import Issue, schedule_of, window_start
from kapital.tokenization.domain.replanning import days_differ, replanned
from kapital.tokenization.domain.states import NOT_CALCULATED, IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SCHEDULER
from kapital.tokenization.use_cases.unit_payouts import terms_of

_BATCH: Final = 200
_FIRST: Final = UUID(int=0)

_log = get_logger(__name__)


async def replan_actions(*, parts: Parts) -> int:
    """Plan anew what another calendar planned; returns how many actions got other days. Once at a start.

    Law: Labour Code of the Russian Federation art. 112 (the decision's own business-day rule moves the payment).
    Promise: each issue is one transaction under its row lock, so that a crash, or another process at the same time,
    plans nothing twice. What has begun by its old days, or would have by its new ones, keeps them and is told in the
    log; which values it reads follows the calendar.
    """
    moved, after = 0, _FIRST
    while True:
        async with parts.database.connect() as conn:
            due = await parts.actions.planned_otherwise(conn, parts.calendar.sha256, after=after, limit=_BATCH)
        for issue_id in due:
            try:
                moved += await _replan(issue_id, parts)
            except Problem as problem:
                # One issue that cannot be planned must not keep the others, or the start, waiting.
                _log.error("tokenization.issue_not_replanned", code=problem.code, issue_id=str(issue_id))
        if len(due) < _BATCH:
            return moved
        after = due[-1]


async def _replan(issue_id: UUID, parts: Parts) -> int:
    async with parts.uow.begin() as tx:
        issue = (await parts.issues.lock(tx.conn, [issue_id]))[issue_id]
        terms = (await terms_of(tx, parts, {issue_id}))[issue_id]
        scheduled = schedule_of(terms, parts.calendar)
        anew = planned(issue, terms, scheduled, parts.calendar)
        anew += planned_options(issue, terms, parts.calendar, first_number=len(anew) + 1, now=tx.now)
        by_id = {action.action_id: action for action in anew}
        of_issue = [a for a in await parts.actions.of_issue(tx.conn, issue_id) if a.state in NOT_CALCULATED]
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in of_issue])
        waiting = [action for action in locked.values() if action.state in NOT_CALCULATED]
        # A call and an offer of the issuer's own have the days of their notice; they are noted as looked at.
        plans = {action.action_id: by_id.get(action.action_id, action) for action in waiting}
        changes = {action.action_id: replanned(action, plans[action.action_id], now=tx.now) for action in waiting}
        after = [
            action.changed(**changes[action.action_id], calendar_sha256=parts.calendar.sha256) for action in waiting
        ]
        await parts.actions.save(tx.conn, after)
        changed = [(old, new) for old, new in zip(waiting, after, strict=True) if changes[old.action_id]]
        for old, new in changed:
            await _audit(tx, parts, old, new)
        for action in after:
            if days_differ(action, plans[action.action_id]):
                _log.error("tokenization.action_not_replanned", action_id=str(action.action_id))
        moved = [new for old, new in changed if days_differ(old, new)]
        await _move_window(tx, parts, issue, moved)
        return len(moved)


async def _move_window(tx: Transaction, parts: Parts, issue: Issue, moved: list[CorporateAction]) -> None:
    """The window of redemption begins with the day of payment of the redemption."""
    begins = window_start([action.scheduled for action in moved])
    if begins is not None and issue.state is IssueState.CIRCULATING and issue.window_at != begins:
        await parts.issues.save(tx.conn, [issue.changed(window_at=begins)])


async def _audit(tx: Transaction, parts: Parts, old: CorporateAction, new: CorporateAction) -> None:
    await tx.audit.append(
        "tokenization.action_replanned",
        old.action_id,
        SCHEDULER,
        basis={"calendar_sha256": parts.calendar.sha256, "rule_book_version": parts.rule_book_version},
        before=_days(old),
        after=_days(new),
    )


def _days(action: CorporateAction) -> dict[str, Any]:
    return {
        "state": action.state.value,
        "version": action.version,
        "pay_on": action.pay_on.isoformat(),
        "record_at": action.record_at.isoformat(),
        "calendar_sha256": action.calendar_sha256,
    }
