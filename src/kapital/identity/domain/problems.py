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


class IdentificationAlreadyDoubted(Problem):
    """Facts: `recorded_at`. The term runs from the first doubt; a second one would not lengthen it."""

    code = "identification_already_doubted"
    title = "A doubt about this identification is recorded already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class ScreeningHitCannotBeApproved(Problem):
    """Facts: `screening_list_version` when a person attested the hit, none when screening found it. A hit is for the
    freeze procedure of 115-FZ, not for approval."""

    code = "screening_hit_cannot_be_approved"
    title = "An identification with a hit in the lists cannot be approved"
    retry = Retry.NEVER
    family = Family.CONFLICT


class NameMustBeReadable(Problem):
    """Facts: `participant_id`. Letters of a third script in a word, or unseen signs, hide it from lists."""

    code = "name_must_be_readable"
    title = "A name has signs that hide it: write it as it stands in the document"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ScreenedParticularsOfAnother(Problem):
    """Facts: `participant_id`, `differs` – `kind` or the number that is not the register's."""

    code = "screened_particulars_must_be_of_participant"
    title = "What is to be screened is not what the register says of the participant"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ScreeningEngineMissing(Problem):
    """The packages of the extra `screening` are not installed; nobody can be screened, so nobody is let through."""

    code = "screening_engine_missing"
    title = "The matching engine is not installed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class ListFileUnreadable(Problem):
    """The file is not a list of the format named, or is broken: nothing of it is used. Facts: `line` where known."""

    code = "list_file_must_be_readable"
    title = "The list file cannot be read; nothing of it was loaded"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class ListFileTooLarge(Problem):
    """Facts: the measure exceeded and its limit."""

    code = "list_file_exceeds_limit"
    title = "The list file is larger than is read"
    retry = Retry.NEVER
    family = Family.TOO_LARGE


class ListFileEmpty(Problem):
    """A readable file of the right format without a single entry: a fault of the source, never a list of nobody."""

    code = "list_file_must_have_entries"
    title = "The list file holds no entry"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ListVersionNotFound(Problem):
    """No list version of this id."""

    code = "list_version_not_found"
    title = "No such list version"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ListVersionSuperseded(Problem):
    """The list has changed since this version was held; load the file anew."""

    code = "held_list_version_must_be_newest"
    title = "Another version of the list came into force since this one was held"
    retry = Retry.NEVER
    family = Family.STALE


class ScreeningHitNotFound(Problem):
    """No hit of this id."""

    code = "screening_hit_not_found"
    title = "No such hit"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class ReleaseMustBeProposed(Problem):
    """Four eyes: a release is proposed by one officer and approved by another."""

    code = "release_must_be_proposed_first"
    title = "Nobody has proposed to release this hit"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DecisionNamesAnotherHit(Problem):
    """Facts: `named`, `recorded` (SHA-256). The officer saw another comparison than the one recorded."""

    code = "decision_must_name_the_recorded_hit"
    title = "The decision names another comparison than the recorded one"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class CertificateNotFound(Problem):
    """No certificate has this id, or it is another participant's."""

    code = "certificate_not_found"
    title = "There is no such certificate"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class CertificateAlreadyBound(Problem):
    """The same certificate is bound to this participant already, whatever its state."""

    code = "certificate_already_bound"
    title = "The certificate is bound already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class OwnerNumbersMustStay(Problem):
    """Facts: `number`. Another number of the participant was seen when its first certificate was bound."""

    code = "owner_numbers_must_stay"
    title = "The participant's number differs from the one kept"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class OwnerNumberUndocumented(Problem):
    """Facts: `number`. Neither the register nor the questionnaire recorded says this of the participant."""

    code = "owner_number_must_be_documented"
    title = "The number is not the one that the register or the questionnaire has of the participant"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class AmlMessageNotFound(Problem):
    """No message of this id."""

    code = "aml_message_not_found"
    title = "No such message"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class DecisionNamesAnotherMessage(Problem):
    """Facts: `named`, `recorded` (SHA-256). The officer saw another text than the one recorded."""

    code = "decision_must_name_the_recorded_message"
    title = "The step names another message than the recorded one"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class AmlMessageMustBePrepared(Problem):
    """Four eyes: one officer prepares the draft, another approves it."""

    code = "aml_message_must_be_prepared"
    title = "Nobody has prepared this message yet"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class AmlMessageStepNeedsReference(Problem):
    """Facts: `step`. Preparing needs a comment; sending and the answer need the number of the receipt."""

    code = "aml_message_step_needs_reference"
    title = "The step needs a comment or a reference"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ScreeningMustBeRecorded(Problem):
    """Nobody is approved on a person's word alone: the particulars are recorded and compared with the lists first."""

    code = "approval_needs_recorded_screening"
    title = "The participant's particulars were not compared with the lists"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ScreeningMustBeCurrent(Problem):
    """Facts: `waiting` (a list that came into force since) or `missing` (a list that must be loaded and is not)."""

    code = "approval_needs_current_screening"
    title = "The participant was not compared with every list in force"
    retry = Retry.SAME_REQUEST
    family = Family.CONFLICT


class FreezeNotFound(Problem):
    """No freeze of this id."""

    code = "freeze_not_found"
    title = "No such freeze"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class FreezeScopeMustFit(Problem):
    """A wallet is named for the scope wallet, an asset for units, neither for participant."""

    code = "freeze_scope_must_fit"
    title = "The scope of the freeze and what it names do not fit"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FreezeWalletMustBeTheParticipants(Problem):
    """The wallet is not one of the participant's."""

    code = "freeze_wallet_must_be_the_participants"
    title = "The wallet is not one of this participant"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FreezeAssetMustExist(Problem):
    """No asset of this id is in the register."""

    code = "freeze_asset_must_exist"
    title = "The asset to freeze is not in the register"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DecisionNamesAnotherFreeze(Problem):
    """Facts: `named`, `recorded` (SHA-256). The officer saw something else than what is recorded."""

    code = "decision_must_name_the_recorded_freeze"
    title = "The decision names another freeze than the recorded one"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class FreezeReleaseMustBeProposed(Problem):
    """Four eyes: a release is proposed by one officer and approved by another."""

    code = "freeze_release_must_be_proposed_first"
    title = "Nobody has proposed to release this freeze"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class FreezeOfHitEndsWithItsHit(Problem):
    """Who stands in a list is frozen until two officers release the hit."""

    code = "freeze_of_hit_ends_with_its_hit"
    title = "This freeze ends when its hit is released"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ReleaseMustNarrowTheFreeze(Problem):
    """What is released must be less than what is frozen, and what stays no more. Facts: `kind`."""

    code = "release_must_narrow_the_freeze"
    title = "The release does not narrow the freeze"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ReleaseExceedsMonthLimit(Problem):
    """Facts: `most_kopecks`, `released_kopecks` this month, `asked_kopecks`."""

    code = "release_exceeds_month_limit"
    title = "More money would be let go this month than the law allows"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FreezeRefusedByRegister(Problem):
    """The register would not enter a freeze or its release. Facts: `ledger_code`, `refused`."""

    code = "freeze_must_be_entered"
    title = "The register refused a freeze"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
