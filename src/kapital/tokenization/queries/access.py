"""Who may read what of an issue."""

from typing import Final

from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import IssueNotFound

PAGE_MAX: Final = 500


def of_issue(issue: Issue) -> access.Resource:
    """What the access policies look at when an issue is read."""
    return access.Resource("Issue", owner=issue.issuer_participant_id, published=issue.published_at is not None)


def require_readable(issue: Issue | None, actor: Actor, action: str) -> Issue:
    """The issue, if the actor may read this of it.

    Raises: IssueNotFound: others' drafts do not exist for a client; NotPermitted for staff who read no issue.
    """
    resource = access.Resource("Issue") if issue is None else of_issue(issue)
    access.require(actor, action, resource, hidden=IssueNotFound)
    if issue is None:
        raise IssueNotFound
    return issue
