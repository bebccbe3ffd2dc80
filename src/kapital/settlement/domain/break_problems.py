"""What settlement refuses of breaks and their resolutions."""

from kapital.kernel.problems import Family, Problem, Retry


class BreakNotFound(Problem):
    """No such break."""

    code = "break_not_found"
    title = "There is no such break"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class BreakMustBeOpen(Problem):
    """A resolution is proposed for a break that is open. Facts: `state`."""

    code = "break_must_be_open"
    title = "The break is not open"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BreakResolutionMustBeProposed(Problem):
    """There is no proposed resolution to decide on. Facts: `state`."""

    code = "break_resolution_must_be_proposed"
    title = "No resolution of the break is proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BreakResolutionMustMatch(Problem):
    """The second person decides on another content than is proposed. Facts: `resolution_sha256`."""

    code = "break_resolution_must_match"
    title = "The resolution decided on is not the one proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
