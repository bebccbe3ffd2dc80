"""What settlement refuses about DvP instructions, each by the rule that must hold."""

from kapital.kernel.problems import Family, Problem, Retry


class DvpBatchMalformed(Problem):
    """A batch of DvP instructions breaks a rule of its own. Facts: `reason`, and `item` (its place, from 0)."""

    code = "dvp_batch_must_be_well_formed"
    title = "The batch of instructions cannot be taken"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DvpReferenceMustBeNew(Problem):
    """Another instruction has this reference. Facts: `reference`, `taken` (how many of the batch)."""

    code = "dvp_reference_must_be_new"
    title = "An instruction with this reference is kept already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpLinkRefused(Problem):
    """A link to what is not there, has ended, or is of the other rail (WITH). Facts: `reason`, `reference`."""

    code = "dvp_link_must_be_possible"
    title = "The instructions cannot be linked so"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class TransferMustBeAllowed(Problem):
    """The decision lets nobody pass these units on, or only with its issuer's consent, which is not taken here.

    Facts: `item` (its place in the batch, from 0). Law: 259-FZ art. 3 (limits on holders, item 10 [M]).
    """

    code = "transfer_must_be_allowed"
    title = "The decision on these units does not let their holders pass them on so"
    retry = Retry.NEVER
    family = Family.CONFLICT


class IssuerMustBuyBackByOffer(Problem):
    """An issuer takes back its own units by an offer to all holders, in which they are extinguished, and not by DvP.

    Facts: `item` (its place in the batch, from 0).
    Law: 466-FZ of 15.12.2025 (records of debt ЦФА are extinguished when their issuer holds them).
    """

    code = "issuer_must_buy_back_by_offer"
    title = "The buyer is the issuer of these units: it buys them back by an offer to their holders"
    retry = Retry.NEVER
    family = Family.CONFLICT


class DvpBatchNotFound(Problem):
    """No such batch."""

    code = "dvp_batch_not_found"
    title = "There is no such batch of instructions"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class DvpBatchMustBeOpen(Problem):
    """A batch is decided once. Facts: `state`."""

    code = "dvp_batch_must_be_open"
    title = "The batch is decided already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class DvpBatchMustMatch(Problem):
    """The second person approves another content than was instructed. Facts: `content_sha256`."""

    code = "dvp_batch_must_match"
    title = "The content approved is not the content instructed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DvpInstructionNotFound(Problem):
    """No such instruction. Facts: `instruction_id`."""

    code = "dvp_instruction_not_found"
    title = "There is no such instruction"
    retry = Retry.NEVER
    family = Family.NOT_FOUND
