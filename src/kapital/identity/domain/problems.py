"""What identity refuses, and why."""

from kapital.kernel.problems import Family, MakerAndCheckerMustDiffer, Problem, Retry

__all__ = ["MakerAndCheckerMustDiffer"]


class KycCaseNotFound(Problem):
    """No case of this participant, or none that the actor may see: the two look alike on purpose."""

    code = "kyc_case_not_found"
    title = "No identification case of this participant"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class CaseNotAwaitingIdentification(Problem):
    """Facts: `state` of the latest case. An identified one waits for its decision; a first rejection is final."""

    code = "kyc_case_must_await_identification"
    title = "The participant's case does not await an identification"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class QualifiedStatusNeedsEvidence(Problem):
    """Bank of Russia Ordinance 5635-U: qualified status has evidence."""

    code = "qualified_status_needs_evidence"
    title = "A qualified investor needs a reference to the evidence of that status"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DecisionNamesAnotherIdentification(Problem):
    """Facts: `named`, `recorded` (SHA-256). The officer saw something else than what is recorded."""

    code = "decision_must_name_the_recorded_identification"
    title = "The decision names another identification than the recorded one"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class ScreeningHitCannotBeApproved(Problem):
    """Facts: `screening_list_version`. A hit is for the freeze procedure of 115-FZ, not for approval."""

    code = "screening_hit_cannot_be_approved"
    title = "An identification with a hit in the lists cannot be approved"
    retry = Retry.NEVER
    family = Family.CONFLICT
