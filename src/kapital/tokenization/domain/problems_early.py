"""Refusals about early redemption: calls, puts, offers to buy back."""

from kapital.kernel.problems import Family, Problem, Retry


class EarlyOptionNotFound(Problem):
    """The decision has no call of this number. Facts: `option`, `known`."""

    code = "early_option_not_found"
    title = "The decision has no such call"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class CallNoticeMustBeInTime(Problem):
    """The notice comes later than the decision allows. Facts: `on`, `last`, `today`. domain.md 4, scenario 39."""

    code = "call_notice_must_be_in_time"
    title = "The notice of the call is late"
    retry = Retry.NEVER
    family = Family.CONFLICT


class CallMustAllowPart(Problem):
    """The decision lets only all units be called, or the part is none. Facts: `units`, `issued`."""

    code = "call_must_allow_part"
    title = "This part of the issue cannot be called"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class CallMustBeOnlyOne(Problem):
    """A call of the issue is under way already. Facts: `action_id`, `state`."""

    code = "call_must_be_only_one"
    title = "A call of this issue is under way already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class IssueMustCirculate(Problem):
    """Early redemption is of units in circulation. Facts: `state`."""

    code = "issue_must_circulate"
    title = "The issue is not in circulation"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OfferWindowMustFit(Problem):
    """The days or the units of an offer do not fit the issue.

    Accepted from today, settled on a later business day, over with the days of grace before the redemption; at most
    what was issued. Facts: `accept_to_on`, `on`, `over_on`, `redemption_on`, `issued`.
    """

    code = "offer_window_must_fit"
    title = "The days or the units of the offer do not fit the issue"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ActionNotFound(Problem):
    """No such corporate action, or not one that takes instructions."""

    code = "action_not_found"
    title = "No such corporate action that takes instructions"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class InstructionWindowMustBeOpen(Problem):
    """Instructions are taken and withdrawn in the days of the decision only. Facts: `open_at`, `close_at`."""

    code = "instruction_window_must_be_open"
    title = "Instructions are not taken or withdrawn at this time"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class UnitsMustBeAvailable(Problem):
    """The holder has fewer free units than it names. Facts: `units`, `available`."""

    code = "units_must_be_available"
    title = "You have not so many free units"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class UnitsMustNotBeLocked(Problem):
    """The units are under the lock of a call or of the redemption, and end by it."""

    code = "units_must_not_be_locked"
    title = "The units are locked for their redemption"
    retry = Retry.NEVER
    family = Family.CONFLICT


class InstructionNotFound(Problem):
    """No such instruction of this participant."""

    code = "instruction_not_found"
    title = "No such instruction"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class InstructionMustBeRevocable(Problem):
    """The decision does not let this instruction be withdrawn."""

    code = "instruction_must_be_revocable"
    title = "The decision does not allow this instruction to be withdrawn"
    retry = Retry.NEVER
    family = Family.CONFLICT
