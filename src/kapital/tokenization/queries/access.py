"""Who may read what of an issue."""

from typing import Final

from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import IssueNotFound

PAGE_MAX: Final = 500

STAFF: Final = frozenset(
    {Role.ISSUE_MANAGER, Role.LEGAL, Role.COMPLIANCE, Role.SETTLEMENT, Role.RISK, Role.AUDITOR, Role.REGULATOR}
)


def is_staff(actor: Actor) -> bool:
    """Whether the actor reads every issue."""
    return not actor.roles.isdisjoint(STAFF)


def is_issuer_of(issue: Issue, actor: Actor) -> bool:
    """Whether the actor acts for the issuer."""
    return actor.participant_id is not None and actor.participant_id == issue.issuer_participant_id


def require_readable(issue: Issue | None, actor: Actor, *, published_is_enough: bool) -> Issue:
    """The issue, if the actor may read it. Raises: IssueNotFound: others' drafts do not exist for a reader."""
    if issue is None:
        raise IssueNotFound
    public = published_is_enough and issue.published_at is not None
    if not (public or is_staff(actor) or is_issuer_of(issue, actor)):
        raise IssueNotFound
    return issue
