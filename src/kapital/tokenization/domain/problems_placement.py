"""Refusals of a publication without its stamp, and of the issuer's right to end a placement before its time."""

from kapital.kernel.problems import Family, Problem, Retry


class PublicationNeedsTimeStamp(Problem):
    """A rule of the installation asks for a time-stamp, and its settings name no authority. Facts: `on`."""

    code = "publication_needs_time_stamp"
    title = "A decision is published here only with a time-stamp, and no authority is named"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class PlacementEndMustBeInDecision(Problem):
    """The decision gives the issuer no right to end the placement early. domain.md 1.3."""

    code = "placement_end_must_be_in_decision"
    title = "The decision gives the issuer no right to end the placement before its time"
    retry = Retry.NEVER
    family = Family.CONFLICT


class PlacementMinimumMustBeReached(Problem):
    """Before the minimum an early end would be the issuer's choice of failure. Facts: `units`, `quantity_min`."""

    code = "placement_minimum_must_be_reached"
    title = "Live orders do not reach the least quantity of the decision"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
