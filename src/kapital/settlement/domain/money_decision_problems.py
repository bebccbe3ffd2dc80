"""What settlement refuses of decisions about money."""

from kapital.kernel.problems import Family, Problem, Retry


class MoneyDecisionMalformed(Problem):
    """A decision names what its kind needs and nothing else. Facts: `kind`, `field`."""

    code = "money_decision_malformed"
    title = "The decision does not name what its kind needs"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class MoneyDecisionNotFound(Problem):
    """There is no such decision."""

    code = "money_decision_not_found"
    title = "There is no such decision"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class MoneyDecisionMustBeOpen(Problem):
    """A decision is made once. Facts: `state`."""

    code = "money_decision_must_be_open"
    title = "The decision is made already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class MoneyDecisionMustMatch(Problem):
    """The second person approves another content than was proposed. Facts: `content_sha256`."""

    code = "money_decision_must_match"
    title = "The content approved is not the content proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MoneyMustAwaitDecision(Problem):
    """The payment is not unidentified, the withdrawal did not come back or awaits no approval, or another is open.

    Facts: `state`.
    """

    code = "money_must_await_decision"
    title = "Nothing is to be decided about this money"
    retry = Retry.NEVER
    family = Family.CONFLICT
