"""What the registry refuses about the roles of staff, and why."""

from kapital.kernel.problems import Family, Problem, Retry


class StaffTermOutOfRange(Problem):
    """Roles end in the future, or have no end that is known."""

    code = "staff_term_must_end_in_future"
    title = "The end of a term of staff must lie in the future"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class StaffChangeAlreadyProposed(Problem):
    """One proposal of a member at a time: the second person decides on it first."""

    code = "staff_change_already_proposed"
    title = "A change of this member of staff waits for a decision already"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class StaffChangeNotFound(Problem):
    """No proposal of this id."""

    code = "staff_change_not_found"
    title = "No such change of a member of staff"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class StaffChangeHashMustMatch(Problem):
    """What was proposed is not what the second person has seen."""

    code = "staff_change_hash_must_match"
    title = "The decision names another content than that proposed"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class StaffChangeNeedsAnotherPerson(Problem):
    """Two persons change roles, and neither decides about itself (domain.md 3.0, four eyes)."""

    code = "staff_change_needs_another_person"
    title = "Another person than who proposed it, and than whose roles change, decides on it"
    retry = Retry.NEVER
    family = Family.FORBIDDEN
