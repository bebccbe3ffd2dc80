"""Refusals about the life of an issue after its placement: disputes, measures of the operator, restructuring."""

from kapital.kernel.problems import Family, Problem, Retry


class OutcomeNeedsDocument(Problem):
    """The outcome of an event is recorded with the SHA-256 of the source's document. domain.md 4, scenario 69."""

    code = "outcome_needs_document"
    title = "The outcome needs the hash of the source's document"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ContestTermMustRun(Problem):
    """An outcome is contested in the term of the decision only. Facts: `until`."""

    code = "contest_term_must_run"
    title = "The outcome can no longer be contested"
    retry = Retry.NEVER
    family = Family.CONFLICT


class ContesterMustBeConcerned(Problem):
    """Only who holds units of the issue, or its issuer, contests the outcome."""

    code = "contester_must_be_concerned"
    title = "Only a holder of the units or the issuer can contest the outcome"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class ProposalNotFound(Problem):
    """No such proposal."""

    code = "issue_proposal_not_found"
    title = "No such proposal"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ProposalMustMatch(Problem):
    """The proposal is not the one whose hash is named."""

    code = "issue_proposal_must_match"
    title = "The proposal is not the one that you saw"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ProposalMustFitKind(Problem):
    """A proposal names what its kind needs and nothing else. Facts: `kind`, `needs`."""

    code = "issue_proposal_must_fit_kind"
    title = "The proposal does not name what its kind needs"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssuerMustConsent(Problem):
    """An action is cancelled only when its issuer has signed the cancellation too. domain.md 3.6."""

    code = "issuer_must_consent"
    title = "The issuer has not consented"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ActionMustBeIssuersOwn(Problem):
    """What the decision promises is nobody's to cancel: only a call, or an offer that nobody has accepted yet.

    Facts: `kind`. Law: 466-FZ of 15.12.2025 (obligations are not changed).
    """

    code = "action_must_be_issuers_own"
    title = "This action cannot be cancelled"
    retry = Retry.NEVER
    family = Family.CONFLICT


class NewIssueMustFit(Problem):
    """The new issue is published, of the same issuer, and large enough. Facts: `state`, `units`, `quantity_max`."""

    code = "new_issue_must_fit"
    title = "The new issue cannot take the place of the old one"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class HolderMustHaveUnits(Problem):
    """There is nothing to exchange: the holder has no free units of the old issue."""

    code = "holder_must_have_units"
    title = "You have no units to be exchanged"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SubstituteMustBeNeeded(Problem):
    """No payment of the issue that is still to be calculated depends on this value, or on an event.

    Facts: `series`, `observed_on`.
    """

    code = "substitute_must_be_needed"
    title = "No payment of this issue waits for this value"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SubstituteMustBeDue(Problem):
    """The source may still give the value: its time by the decision is not over. Facts: `available_at`.

    Law: domain.md 4, scenario 32.
    """

    code = "substitute_must_be_due"
    title = "The time by which the source gives the value is not over"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SubstituteMustStand(Problem):
    """The decision's fallback leads to another value now than when the substitute was recorded.

    Facts: `kept`, `found`, `taken_from_on`.
    """

    code = "substitute_must_stand"
    title = "The decision's fallback leads to another value by now"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ActionMustBeCalculable(Problem):
    """An action that was calculated cannot be calculated again from what is kept, or comes out otherwise."""

    code = "action_must_be_calculable"
    title = "What a unit is paid cannot be calculated"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class RecordListNotTaken(Problem):
    """Who held at the record moment of the action is not listed yet. Facts: `record_at`."""

    code = "record_list_not_taken"
    title = "The list of holders of this action is not taken yet"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class CalculationMustMatch(Problem):
    """What was calculated of the payment is not what the hash names. Facts: `calculation_sha256`, the one it has."""

    code = "calculation_must_match"
    title = "The payment was not calculated as you saw it"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
