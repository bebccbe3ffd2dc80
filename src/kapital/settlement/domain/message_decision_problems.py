"""What settlement refuses of decisions about parked messages of the bank."""

from kapital.kernel.problems import Family, Problem, Retry


class BankMessageNotFound(Problem):
    """No such message."""

    code = "bank_message_not_found"
    title = "There is no such message of the bank"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class BankMessageMustBeParked(Problem):
    """Only a message that waits for a person is decided about. Facts: `state`."""

    code = "bank_message_must_be_parked"
    title = "The bank's message does not wait for a decision"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankMessageMustBeBookable(Problem):
    """What contradicts itself, is not ours, not final or booked already is booked by nobody. Facts: `reason`."""

    code = "bank_message_must_be_bookable"
    title = "The bank's message cannot be booked as it stands"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankMessageDecisionMustBeOne(Problem):
    """Another proposal about the message waits for its decision, or one was approved."""

    code = "bank_message_decision_must_be_one"
    title = "A decision about this message is proposed or made already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankMessageDecisionMustBeProposed(Problem):
    """There is no proposal to decide on. Facts: `state` of the message."""

    code = "bank_message_decision_must_be_proposed"
    title = "Nothing is proposed about this message"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankMessageDecisionMustMatch(Problem):
    """The second person decides on another content than is proposed. Facts: `content_sha256`."""

    code = "bank_message_decision_must_match"
    title = "The content decided on is not the content proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
