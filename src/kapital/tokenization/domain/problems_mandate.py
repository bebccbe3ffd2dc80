"""Refusals of orders that a broker places for who gave it a mandate."""

from kapital.kernel.problems import Family, Problem, Retry


class MandateMustBeInForce(Problem):
    """The broker has no mandate of this participant now, or one that does not let it do this.

    The same for a participant that does not exist.
    """

    code = "mandate_must_be_in_force"
    title = "You have no mandate of this participant for this now"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class BrokerMustBeActive(Problem):
    """The broker itself may not order now. One neutral refusal for every reason of standing."""

    code = "broker_must_be_active"
    title = "Ordering for others is not available to you now"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class OrderExceedsMandate(Problem):
    """Facts: `amount_kopecks`, `limit_kopecks`."""

    code = "order_exceeds_mandate"
    title = "The order is dearer than one order may be by the mandate"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OrderExceedsMandateDay(Problem):
    """Facts: `amount_kopecks`, `limit_kopecks`, `used_kopecks`, `left_kopecks`. A Moscow day."""

    code = "order_exceeds_mandate_day"
    title = "The order is dearer than what is left of the mandate's limit of the day"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
