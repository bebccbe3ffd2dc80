"""What the registry refuses about the disclosure of holders by a nominee, and why."""

from kapital.kernel.problems import Family, Problem, Retry


class HolderDisclosureNotFound(Problem):
    """No such request, or none that the actor may see: the two look alike on purpose."""

    code = "holder_disclosure_not_found"
    title = "No such request to disclose holders"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class OnlyNomineeDiscloses(Problem):
    """Whoever holds for itself has nobody to name."""

    code = "only_a_nominee_discloses_holders"
    title = "Only a nominee holder is asked for whom it holds"
    retry = Retry.NEVER
    family = Family.CONFLICT


class DisclosedIssueNotFound(Problem):
    """The ledger has no such asset."""

    code = "disclosed_issue_not_found"
    title = "There are no units of this issue in the register"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class DisclosureTermOutOfRange(Problem):
    """Facts: `days_max`. The instant has passed; the term is in the future."""

    code = "disclosure_term_out_of_range"
    title = "Holders are asked for as of an instant that has passed, with a term in the future that is not too far"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DisclosuresTooMany(Problem):
    """Facts: `limit`."""

    code = "holder_disclosures_too_many"
    title = "Too many requests of this nominee wait for an answer"
    retry = Retry.AFTER_CHANGE
    family = Family.LIMITED


class DisclosedHolderNeedsNumber(Problem):
    """A name alone names nobody."""

    code = "disclosed_holder_needs_a_number"
    title = "A holder is named with at least one number"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DisclosedHolderMustBeSound(Problem):
    """Facts: `line` (from 1), `code` of what is wrong with it. The line itself is not repeated."""

    code = "disclosed_holder_must_be_sound"
    title = "A line of the disclosure cannot be taken"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DisclosurePartMissing(Problem):
    """Facts: `part`, the first that did not come."""

    code = "disclosure_part_missing"
    title = "A part before the last one did not come"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DisclosureMustAddUp(Problem):
    """Facts: `disclosed`, `held`: units. The register says how much the nominee held at the instant."""

    code = "disclosure_must_add_up"
    title = "The holders' units together are not what the nominee held at the instant"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
