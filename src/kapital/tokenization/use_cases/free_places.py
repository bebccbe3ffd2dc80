"""What an issue counts no more when one of its accepted orders ends before the close."""

from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.states import IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issues


def without_order(issue: Issue, order: Order) -> Issue:
    """The issue without an accepted order that it counted."""
    ensure(issue.accepted_units >= order.units, "an accepted order is counted in its issue")
    return msgspec.structs.replace(
        issue,
        accepted_orders=issue.accepted_orders - 1,
        accepted_units=issue.accepted_units - order.units,
        accepted_kopecks=issue.accepted_kopecks - order.reserved_kopecks,
    )


async def save_freed(tx: Transaction, parts: Parts, issues: Mapping[UUID, Issue], changed: Collection[UUID]) -> None:
    """Save issues that count less; a placement suspended because it was full opens again. Rows are locked."""
    touched = [issues[issue_id] for issue_id in sorted(changed)]
    suspended = [i for i in touched if i.state is IssueState.PLACEMENT_SUSPENDED and not i.stopped_by_operator]
    freed = [issue for issue in suspended if not issue.is_full]
    await parts.issues.save(tx.conn, [issue.changed() for issue in touched if issue not in freed])
    await move_issues(tx, parts, [(issue, "place_freed", {}) for issue in freed], actor=SMART_CONTRACT)
