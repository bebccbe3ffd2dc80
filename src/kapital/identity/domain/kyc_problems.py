"""What the questionnaire, documents, owners and delegation are refused for."""

from typing import Final

from kapital.kernel.problems import Family, Problem, Retry


class QuestionnaireFormNotInForce(Problem):
    """Facts: `form_version`, and `in_force`, the one of the day."""

    code = "questionnaire_form_must_be_in_force"
    title = "The questionnaire follows a form that is not in force"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuestionnaireKindMismatch(Problem):
    """Facts: `kind` of the questionnaire, `participant_kind` as registered."""

    code = "questionnaire_kind_must_fit_participant"
    title = "The questionnaire is for another kind of participant"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuestionnaireIncomplete(Problem):
    """Errors: each field that is missing or cannot be, by pointer; never its value."""

    code = "questionnaire_must_be_complete"
    title = "Fields of the questionnaire are missing or cannot be right"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuestionnaireOfAnother(Problem):
    """Facts: `number`, the one that differs from the register's, or that the questionnaire does not have."""

    code = "questionnaire_must_be_of_participant"
    title = "The questionnaire does not carry the numbers by which the register knows the participant"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RepresentativeNotAppointed(Problem):
    """The registry has told of none with this id, or that it has ended."""

    code = "appointed_representative_not_found"
    title = "Nobody of this id acts for a participant"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class RepresentativeOfAnother(Problem):
    """Facts: `number`, the one that differs from the register's, or that is not said."""

    code = "identification_must_be_of_representative"
    title = "The particulars do not carry the numbers by which the register knows the representative"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class QuestionnaireRequired(Problem):
    """A case is completed on a questionnaire; one of a legal entity always, whoever identified it."""

    code = "questionnaire_required"
    title = "A questionnaire has to be filled in first"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class CertificateMustBeBound(Problem):
    """Asked of a first identification while a rule of the settings (`certificate_required`) is in force."""

    code = "certificate_must_be_bound"
    title = "A valid certificate of the participant's signature has to be bound first"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OwnershipGraphUnsound(Problem):
    """Facts: `reason`, and where one node is meant `node`."""

    code = "ownership_graph_must_be_sound"
    title = "The graph of owners does not hold together"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OwnershipCycle(Problem):
    """Facts: `cycle`, the pseudonyms in the order of ownership, the first again at the end."""

    code = "ownership_graph_must_have_no_cycle"
    title = "Owners own each other in a circle"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class OwnershipExceedsWhole(Problem):
    """Facts: `node`, whose shares sum to more than the whole, and `sum`."""

    code = "ownership_shares_exceed_whole"
    title = "The shares in one entity come to more than the whole"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BeneficialOwnersUnidentified(Problem):
    """115-FZ art. 7(1)(2). Facts: `owners`, pseudonyms of the first ten with the reason, and `count`: 0 where an
    entity's questionnaire names no owners at all.
    """

    code = "beneficial_owners_must_be_identified"
    title = "Beneficial owners above the threshold are not identified"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SimplifiedNotAllowed(Problem):
    """Facts: `reason`. It is for natural persons of no high risk, where the operator allows it."""

    code = "simplified_identification_not_allowed"
    title = "This participant cannot be identified in the simplified way"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ParticipantUnscreened(Problem):
    """115-FZ art. 7(1)(6): nobody is taken in who was not compared with the lists."""

    code = "participant_must_be_screened"
    title = "The participant has not been compared with the lists"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DocumentTooLarge(Problem):
    """Facts: `bytes`, `bytes_max`."""

    code = "document_exceeds_limit"
    title = "The document is larger than is taken"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class DocumentIsArchive(Problem):
    """Archives and office files, which are archives, are not opened."""

    code = "document_must_not_be_an_archive"
    title = "Archives and office files are not taken; send PDF, JPEG or PNG"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentTypeRefused(Problem):
    """The bytes are none of the accepted types, whatever the name says."""

    code = "document_type_must_be_accepted"
    title = "The document is no PDF, JPEG or PNG"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentUnreadable(Problem):
    """Facts: `reason`. The bytes begin as a document and do not go on as one."""

    code = "document_must_be_readable"
    title = "The document is damaged"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentEncrypted(Problem):
    """Nobody could look at it later."""

    code = "document_must_not_be_encrypted"
    title = "The document is protected by a password"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentActive(Problem):
    """Facts: `part`. The document would do something where it is opened."""

    code = "document_must_not_be_active"
    title = "The document holds programs or other files"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentBomb(Problem):
    """Facts: `measure`, `limit`. Opened, the document would take more room than a document needs."""

    code = "document_expansion_exceeds_limit"
    title = "The document unpacks to more than is looked at"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TooManyDocuments(Problem):
    """Facts: `limit`."""

    code = "documents_exceed_limit"
    title = "The case holds as many documents as it can"
    retry = Retry.NEVER
    family = Family.LIMITED


class DocumentNotFound(Problem):
    """No such document in the participant's latest case."""

    code = "kyc_document_not_found"
    title = "No such document in the case"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class IdentificationDocumentRequired(Problem):
    """Facts: `document_kind` where the document is there and of a kind by which nobody is identified."""

    code = "identification_document_required"
    title = "The case does not hold the document that the participant is identified by"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DocumentUnchecked(Problem):
    """Facts: `verdict`. Documents of an identification are looked at by a scanner for malware first."""

    code = "document_must_be_checked"
    title = "A document has not been checked for malware"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DocumentInfected(Problem):
    """Facts: `document_id`. It is kept as it was sent and given to nobody."""

    code = "document_infected"
    title = "A document holds malware"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DelegationNotFound(Problem):
    """No agreement of this id."""

    code = "delegation_not_found"
    title = "No such agreement on identification"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class DelegationTermUnsound(Problem):
    """Facts: `reason`."""

    code = "delegation_term_must_be_sound"
    title = "The days of the agreement contradict each other"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DelegationNotInForce(Problem):
    """Facts: `on`, `valid_from`, `valid_until`. The bank may not identify on this day, or names no reference."""

    code = "delegation_must_be_in_force"
    title = "The agreement on identification is not in force"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DelegationNotNotified(Problem):
    """Bank of Russia Ordinance 6798-U: the Bank of Russia is told who identifies."""

    code = "delegation_must_be_notified"
    title = "The Bank of Russia was not told of the agreement"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BicMalformed(Problem):
    """Nine digits that start with 00, 01, 02 or 04."""

    code = "bic_must_have_form"
    title = "The БИК of the bank has a wrong form"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


UNEXPECTED_ANSWER: Final = "unexpected_answer"
"""A scanner that is there and will not judge: of one document, not of all."""


class MalwareScannerUnavailable(Problem):
    """The scanner that the settings name does not answer as its protocol says. Facts: `reason`."""

    code = "malware_scanner_unavailable"
    title = "The scanner for malware does not answer"
    retry = Retry.SAME_REQUEST
    family = Family.UNAVAILABLE


class ObjectStoreMissing(Problem):
    """This installation of identity keeps no documents."""

    code = "object_store_missing"
    title = "There is no store for documents"
    retry = Retry.NEVER
    family = Family.UNAVAILABLE
