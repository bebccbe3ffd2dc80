"""What the registry refuses, and why."""

from kapital.kernel.problems import Family, Problem, Retry


class ParticipantNotFound(Problem):
    """No such participant, or none that the actor may see: the two look alike on purpose."""

    code = "participant_not_found"
    title = "No such participant"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class RuleBookVersionNotInForce(Problem):
    """Facts: `accepted`, `in_force`."""

    code = "rule_book_version_must_be_in_force"
    title = "The applicant must accept the rule book version in force"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class InnInvalid(Problem):
    """Facts: `digits_expected`; the number itself is personal data and is not repeated."""

    code = "inn_must_be_valid"
    title = "The taxpayer number has a wrong length or wrong control digits"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class NameBlank(Problem):
    """A name of blanks names nobody."""

    code = "participant_name_must_not_be_blank"
    title = "The name has no visible sign"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssuerMustBeEntity(Problem):
    """259-FZ art. 2: digital financial assets are issued by legal entities and individual entrepreneurs."""

    code = "issuer_must_be_entity_or_entrepreneur"
    title = "A natural person cannot be an issuer"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ParticipantAlreadyRegistered(Problem):
    """A living participant of this kind has this taxpayer number."""

    code = "participant_already_registered"
    title = "This person is registered already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class RestrictionAlreadySet(Problem):
    """An officer restricted this participant before."""

    code = "restriction_already_set"
    title = "An officer's restriction is in force already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class RestrictionNotSet(Problem):
    """There is no officer's restriction to lift."""

    code = "restriction_must_be_set"
    title = "There is no officer's restriction to lift"
    retry = Retry.NEVER
    family = Family.CONFLICT


class LiftNeedsAnotherOfficer(Problem):
    """Four eyes: who restricted does not lift."""

    code = "restriction_set_and_lifted_by_one_person"
    title = "Another officer than the one who set the restriction must lift it"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class StaffRolesIncompatible(Problem):
    """Facts: `alone`, the role that admits no other."""

    code = "staff_roles_must_be_compatible"
    title = "This role is not held together with another"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class StaffAlreadyRegistered(Problem):
    """The pseudonym is in use."""

    code = "staff_already_registered"
    title = "This staff id is registered already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class TokenSubjectNotFound(Problem):
    """No participant or staff member with this id."""

    code = "token_subject_not_found"
    title = "The subject of the token is not registered"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class TokenSubjectEnded(Problem):
    """Facts: `state`."""

    code = "token_subject_must_be_live"
    title = "A rejected or closed participant gets no token"
    retry = Retry.NEVER
    family = Family.CONFLICT


class TokenRolesExceedSubject(Problem):
    """Facts: `excess`, the roles that the subject does not hold."""

    code = "token_roles_exceed_subject"
    title = "The token asks for roles that its subject does not hold"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TokenLifetimeOutOfRange(Problem):
    """Facts: `minimum_s`, `maximum_s`."""

    code = "token_lifetime_out_of_range"
    title = "A token lives from a minute to 366 days"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class AccessTokenNotFound(Problem):
    """No such token, or not one that the actor may revoke."""

    code = "access_token_not_found"
    title = "No such access token"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class AccessTokenAlreadyRevoked(Problem):
    """The token opens nothing already."""

    code = "access_token_already_revoked"
    title = "The access token is revoked already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class ExtractInstantInFuture(Problem):
    """The register of tomorrow is not known."""

    code = "extract_instant_must_not_be_in_future"
    title = "An extract is given for an instant that has passed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class WalletNotOpened(Problem):
    """The ledger refused to open a wallet. Facts: `wallet_id`, `ledger_code`.

    Not `Unavailable`: the ledger's refusals are rules, and asking again would only hold up the participants
    behind.
    """

    code = "wallet_not_opened"
    title = "The ledger did not open the wallet"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
