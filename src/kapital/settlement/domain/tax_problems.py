"""What settlement refuses of tax residencies."""

from kapital.kernel.problems import Family, Problem, Retry


class TaxResidencyNotFound(Problem):
    """There is no such record of residency."""

    code = "tax_residency_not_found"
    title = "There is no such record of tax residency"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class TaxResidencyMustBeOpen(Problem):
    """A record of residency is decided once. Facts: `state`."""

    code = "tax_residency_must_be_open"
    title = "The record of tax residency is decided already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class TaxResidencyMustMatch(Problem):
    """The second person confirms another content than was recorded. Facts: `content_sha256`."""

    code = "tax_residency_must_match"
    title = "The content confirmed is not the content recorded"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class TaxResidencyDayOutOfRange(Problem):
    """Residency holds from a day of this calendar year or the one before, not after today. Facts: `valid_from`."""

    code = "tax_residency_day_out_of_range"
    title = "The day from which the residency holds is out of range"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TaxIsBeingCounted(Problem):
    """A payment to this person, or a collection of its tax, is under way: decide when it has ended."""

    code = "tax_is_being_counted"
    title = "A payment to this person is under way"
    retry = Retry.SAME_REQUEST
    family = Family.CONFLICT


class TaxPersonMustBeNatural(Problem):
    """A legal entity pays its tax itself: no residency of it is recorded here."""

    code = "tax_person_must_be_natural"
    title = "Tax is withheld from natural persons only"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE
