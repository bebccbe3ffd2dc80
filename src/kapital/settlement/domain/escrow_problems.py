"""What the escrow rail and its reviews refuse."""

from kapital.kernel.problems import Family, Problem, Retry


class EscrowRailMustBeAgreed(Problem):
    """The settings name no bank that holds money in escrow for us. Facts: `item` (its place in the batch, from 0)."""

    code = "escrow_rail_must_be_agreed"
    title = "No bank holds money in escrow for this operator"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpReviewNotFound(Problem):
    """No such review."""

    code = "dvp_review_not_found"
    title = "There is no such review"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class DvpReviewMustBeOpen(Problem):
    """A review is decided once. Facts: `state`."""

    code = "dvp_review_must_be_open"
    title = "The review is decided already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class DvpReviewMustBeOne(Problem):
    """Another proposal for the instruction waits for its decision. Facts: `review_id`."""

    code = "dvp_review_must_be_one"
    title = "A proposal for this instruction is open already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpReviewMustMatch(Problem):
    """The second person decides on another content than was proposed. Facts: `content_sha256`."""

    code = "dvp_review_must_match"
    title = "The content decided on is not the content proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpReviewMustBeCurrent(Problem):
    """The instruction has changed since the proposal. Facts: `row_version`."""

    code = "dvp_review_must_be_current"
    title = "The instruction has changed since this was proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpStatementRequired(Problem):
    """A proposal names a taken-in message of the bank, or carries a file; not both. Facts: `reason`."""

    code = "dvp_statement_must_be_attached"
    title = "A statement of the bank must be attached"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DvpStatementNotHere(Problem):
    """The statement is a message of the bank, kept with the messages and not with the review. Facts: `sha256`."""

    code = "dvp_statement_must_be_a_file"
    title = "The statement lies with the messages of the bank"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class EscrowAccountMustStay(Problem):
    """Another account of the seller may be named only after the bank has rejected the payment to the first one."""

    code = "escrow_account_must_stay"
    title = "The seller's account stays until the bank rejects it"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
