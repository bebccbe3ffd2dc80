"""What disclosure refuses."""

from kapital.kernel.problems import Family, Problem, Retry


class IssuePageNotFound(Problem):
    """No decision of this issue is published."""

    code = "issue_page_not_found"
    title = "No such issue is published"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class DocumentNotPublished(Problem):
    """No published decision names this document; whether it exists is not told."""

    code = "document_not_published"
    title = "No such document is published"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class DocumentDiffers(Problem):
    """A document kept is not of the size that the publication states."""

    code = "published_document_differs"
    title = "The document kept differs from the one published"
    retry = Retry.NEVER
    family = Family.CONFLICT


class DecisionUnreadable(Problem):
    """The decision is not the JSON that a page can be made of."""

    code = "published_decision_unreadable"
    title = "The published decision cannot be read"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE
