"""Refusals of orders that are to await their money."""

from kapital.kernel.problems import Family, Problem, Retry


class OrdersMustBeAllowedToAwait(Problem):
    """No rule of the operator (`orders_await_funds`) is in force by which an order may await its money."""

    code = "orders_must_be_allowed_to_await_funds"
    title = "Orders are taken here with their money only: pay in first, and order without a cut-off"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class FundsCutOffMustBeBeforeClose(Problem):
    """The cut-off is over already, or later than the close of the placement. Facts: `funds_until_at`, `close_at`.

    A whole command is refused if a cut-off lies before the year 2000 or after 2199.
    """

    code = "funds_cut_off_must_be_before_close"
    title = "An order awaits its money until an instant that is to come and not later than the close"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TooManyOrdersAwaitFunds(Problem):
    """The investor has as many orders that await money as one may have. Facts: `limit`."""

    code = "orders_awaiting_funds_too_many"
    title = "Too many of your orders await their money already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
