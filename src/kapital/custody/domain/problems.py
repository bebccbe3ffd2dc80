"""What custody refuses, each by the rule that must hold."""

from kapital.kernel.problems import Family, Problem, Retry


class SigningOverloaded(Problem):
    """More signatures are asked for than can be logged in time."""

    code = "signing_overloaded"
    title = "Too many signatures are asked for at once"
    retry = Retry.SAME_REQUEST
    family = Family.LIMITED


class KeyNotFound(Problem):
    """No key has this name."""

    code = "key_not_found"
    title = "There is no such key"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class KeyMustBeActive(Problem):
    """A key signs only while it is ACTIVE; a suspended key refuses from the commit of its suspension on."""

    code = "key_must_be_active"
    title = "The key is not active and signs nothing"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class KeyNameTaken(Problem):
    """Key names are never reused, not even after revocation."""

    code = "key_name_taken"
    title = "A key of this name exists"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class KeyProfileDiffers(Problem):
    """The key of this name was made for another profile."""

    code = "key_profile_differs"
    title = "The key has another profile"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class KeyNameMalformed(Problem):
    """A key name stands in signature lines, so it has neither spaces nor plus signs and is bounded."""

    code = "key_name_malformed"
    title = "The text is not a key name"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class PurposeMalformed(Problem):
    """The purpose of a signature is a short lower case word for the log."""

    code = "signature_purpose_malformed"
    title = "The text is not the purpose of a signature"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ReasonMalformed(Problem):
    """The reason of a change of a key's state is a short text that is not empty."""

    code = "key_change_reason_malformed"
    title = "The change of a key needs a reason"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class MessageTooLarge(Problem):
    """The message is longer than a key of this profile may be asked to read."""

    code = "signed_message_too_large"
    title = "The message is too long to be signed"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class MessageNotAllowedForProfile(Problem):
    """The bytes are not of the one form that keys of this profile sign."""

    code = "message_not_allowed_for_profile"
    title = "A key of this profile does not sign such a message"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ResumeNeedsAnotherPerson(Problem):
    """Return of a suspended key is asked for by one person and granted by another (domain.md 3.2)."""

    code = "resume_needs_another_person"
    title = "The return of a key must be granted by another person"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class PersonMustAct(Problem):
    """A machine neither asks for nor grants the return of a key."""

    code = "key_resume_needs_persons"
    title = "Only persons may return a key"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class PassphraseWrong(Problem):
    """The passphrase or key file does not open the keys kept here."""

    code = "custody_passphrase_wrong"
    title = "The passphrase does not open the keys"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class KeyFileMissing(Problem):
    """Keys exist, but the key file that opens them is gone; a new one would not open them."""

    code = "custody_key_file_missing"
    title = "The file that opens the keys is missing"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class KeyFileExposed(Problem):
    """The key file may be read or written by others than its owner."""

    code = "custody_key_file_exposed"
    title = "The file that opens the keys is open to others"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class KeyFileDamaged(Problem):
    """The key file is not 32 bytes long."""

    code = "custody_key_file_damaged"
    title = "The file that opens the keys is damaged"
    retry = Retry.NEVER
    family = Family.UNAVAILABLE


class KeyMaterialDamaged(Problem):
    """A stored private key is torn or altered, or belongs to another row."""

    code = "key_material_damaged"
    title = "The stored key is damaged"
    retry = Retry.NEVER
    family = Family.UNAVAILABLE


class UnlockSourceDiffers(Problem):
    """The keys were locked with a passphrase and a key file is configured, or the other way round."""

    code = "custody_unlock_source_differs"
    title = "The keys are opened in another way than configured"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE
