"""What the registry refuses about roles and statuses, and why."""

from kapital.kernel.problems import Family, Problem, Retry


class StatusNotFound(Problem):
    """No such role or status, or none that the actor may see."""

    code = "status_not_found"
    title = "No such role or status of a participant"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class StatusTermOutOfRange(Problem):
    """It begins later than now, a role earlier than its decision, or it is over already."""

    code = "status_term_out_of_range"
    title = "A status begins not later than now and ends in the future; a role begins with the decision"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class StatusNeedsEvidence(Problem):
    """Bank of Russia Ordinance 5635-U; 39-FZ art. 51.2: a qualified investor is shown by documents."""

    code = "status_needs_evidence"
    title = "The hash of the document that shows this status must be named"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class StatusNeedsRecogniser(Problem):
    """39-FZ art. 51.2 part 4: somebody recognises an investor as qualified."""

    code = "status_needs_recogniser"
    title = "Who recognised the investor as qualified must be named"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QualifiedByLawMustBeEntity(Problem):
    """39-FZ art. 51.2 part 2 [M]: by law only organisations are qualified; a person is recognised."""

    code = "qualified_by_law_must_be_entity"
    title = "A person is a qualified investor by recognition, not by law"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class InvestorTestIsForPersons(Problem):
    """5635-U protects natural persons: an organisation needs no test."""

    code = "investor_test_is_for_persons"
    title = "Only a person passes the test of investors"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE


class StatusAlreadyHeld(Problem):
    """The role is held without an end."""

    code = "status_already_held"
    title = "The participant holds this role already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class StatusAlreadyProposed(Problem):
    """One proposal for each status of a participant waits at a time."""

    code = "status_already_proposed"
    title = "This status is proposed already and waits for a decision"
    retry = Retry.NEVER
    family = Family.CONFLICT


class StatusHashMustMatch(Problem):
    """The decision is on another proposal than the one that stands."""

    code = "status_hash_must_match"
    title = "The proposal has another hash than the one decided on"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class StatusNeedsAnotherPerson(Problem):
    """Four eyes: who proposed does not decide."""

    code = "status_proposed_and_decided_by_one_person"
    title = "Another person than the one who proposed must decide on the status"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class ParticipantMustKeepRole(Problem):
    """Who takes part does so in some role; who leaves closes the relation."""

    code = "participant_must_keep_a_role"
    title = "A participant keeps at least one role without an end"
    retry = Retry.NEVER
    family = Family.CONFLICT
