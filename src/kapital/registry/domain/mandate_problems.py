"""What the registry refuses about mandates of brokers, and why."""

from kapital.kernel.problems import Family, Problem, Retry


class MandateNotFound(Problem):
    """No such mandate, or one between others: the two look alike on purpose."""

    code = "mandate_not_found"
    title = "No such mandate"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class MandateMustBeOfTwo(Problem):
    """Who orders for itself needs no mandate."""

    code = "mandate_must_be_of_two"
    title = "A mandate is given by one participant to another"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class MandateNeedsBroker(Problem):
    """The one that is named is no participant, has left, or has no role of a broker: the three look alike."""

    code = "mandate_needs_broker"
    title = "Only a participant in the role of a broker takes mandates"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MandateLimitsMustFit(Problem):
    """Facts: `order_limit_kopecks`, `day_limit_kopecks`."""

    code = "mandate_limits_must_fit"
    title = "One order cannot be dearer than all orders of a day"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class MandateTermOutOfRange(Problem):
    """Facts: `days_max`."""

    code = "mandate_term_out_of_range"
    title = "A mandate ends after now, and not too far in the future"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class MandatesTooMany(Problem):
    """Facts: `limit`."""

    code = "mandates_too_many"
    title = "The participant has given as many mandates as one can have"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MandateAlreadyGiven(Problem):
    """An order names no mandate, only the principal: of the two between them one holds."""

    code = "mandate_already_given"
    title = "This broker has a mandate of the participant already: end it to give another"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MandateMustBeGiven(Problem):
    """Facts: `state`. It was accepted before, or has ended."""

    code = "mandate_must_be_given"
    title = "Only a mandate that waits for its broker is accepted"
    retry = Retry.NEVER
    family = Family.CONFLICT


class MandateTextMustMatch(Problem):
    """What is accepted is what was given, word for word."""

    code = "mandate_text_must_match"
    title = "The text that is accepted is not that of the mandate"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MandateAlreadyEnded(Problem):
    """It was ended before, or its term is over."""

    code = "mandate_already_ended"
    title = "The mandate has ended"
    retry = Retry.NEVER
    family = Family.CONFLICT
