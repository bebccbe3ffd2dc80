"""What the commands on one issue share: the issue as the actor may act on it, and the answer."""

import msgspec

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import ActorRef, Resource, of_row
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import IssueNotFound


def of_issue(issue: Issue | None) -> Resource:
    """What the access policies know of an issue; of one that does not exist, only its kind."""
    if issue is None:
        return Resource("Issue")
    return of_row(
        "Issue",
        issue.issue_id,
        issue,
        owner=issue.issuer_participant_id,
        published=issue.published_at is not None,
        drafted_by=ActorRef(issue.drafted_by),
    )


def require_permitted(tx: Transaction, actor: Actor, action: str, issue: Issue | None) -> Issue:
    """The issue, if the actor may do it.

    Raises: NotPermitted; IssueNotFound – also for another issuer's, so that nobody learns of others' drafts.
    """
    tx.access.require(actor, action, of_issue(issue), hidden=IssueNotFound)
    if issue is None:
        raise IssueNotFound
    return issue


async def earlier_answer(tx: Transaction, command_id: CommandId, actor: Actor, mark: str) -> IssueMoved | None:
    """The kept answer to the same command. Raises: IdempotencyKeyReused."""
    body = await tx.replies.find(command_id, actor, mark)
    return None if body is None else msgspec.json.decode(body, type=IssueMoved)


async def keep_answer(tx: Transaction, command_id: CommandId, actor: Actor, mark: str, issue: Issue) -> IssueMoved:
    """Keep and return the answer: the issue after the step."""
    moved = IssueMoved(
        issue_id=issue.issue_id,
        state=issue.state.value,
        version=issue.version,
        decision_version=issue.decision_version,
        decision_sha256=issue.decision_sha256,
    )
    await tx.replies.keep(command_id, actor, mark, msgspec.json.encode(moved))
    return moved
