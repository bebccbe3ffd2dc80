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


class OgrnInvalid(Problem):
    """Facts: `digits_expected`; 0 when a participant of this kind has no such number."""

    code = "ogrn_must_be_valid"
    title = "The number of the state registration has a wrong length or a wrong control digit, or is not of this kind"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SnilsInvalid(Problem):
    """The number itself is personal data and is not repeated; entities have none."""

    code = "snils_must_be_valid"
    title = "The insurance number has a wrong length or wrong control digits, or is not of a person"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class NameBlank(Problem):
    """A name of blanks names nobody."""

    code = "participant_name_must_not_be_blank"
    title = "The name has no visible sign"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class NameUnreadable(Problem):
    """A word of two alphabets, letters that imitate others, or signs that are not seen: no list finds such a name."""

    code = "participant_name_must_be_readable"
    title = "A name has signs that hide it: write it as it stands in the document"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssuerMustBeEntity(Problem):
    """259-FZ art. 2: digital financial assets are issued by legal entities and individual entrepreneurs."""

    code = "issuer_must_be_entity_or_entrepreneur"
    title = "A natural person cannot be an issuer"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class IssuerMustBeRussian(Problem):
    """259-FZ art. 2 [M]: an issuer is registered in Russia; a foreign organisation takes part otherwise."""

    code = "issuer_must_be_russian"
    title = "A foreign organisation cannot be an issuer"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class NomineeMustBeEntity(Problem):
    """A nominee holder is a depositary, Russian or foreign."""

    code = "nominee_must_be_entity"
    title = "A nominee holder is a legal entity or a foreign organisation"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class NomineeMustStandAlone(Problem):
    """What a nominee holds is others': it must not be mixed with its own."""

    code = "nominee_must_hold_no_other_role"
    title = "A nominee holder has no other role in the same entry of the register"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BrokerMustBeRussianEntity(Problem):
    """A broker is a Russian legal entity with a licence."""

    code = "broker_must_be_russian_entity"
    title = "A broker is a Russian legal entity"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE


class BrokerMustStandAlone(Problem):
    """Who orders for others neither issues what they buy nor holds for them."""

    code = "broker_must_hold_no_other_role"
    title = "A broker has no other role in the same entry of the register but that of an investor"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ParticipantHoldsSomething(Problem):
    """Facts: `assets`, how many kinds of units or money lie in the wallet."""

    code = "participant_must_hold_nothing"
    title = "The wallet must be empty: no units, no money, nothing reserved"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class IssuerOwesStill(Problem):
    """Facts: `issues`, how many decisions of this issuer are not performed to the end."""

    code = "issuer_must_have_no_live_issue"
    title = "An issuer leaves when its decisions are performed or ended"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class ClosingHashMustMatch(Problem):
    """The decision is on another request than the one that stands."""

    code = "closing_hash_must_match"
    title = "The request to close has another hash than the one decided on"
    retry = Retry.AFTER_CHANGE
    family = Family.STALE


class ClosingNeedsAnotherPerson(Problem):
    """Four eyes: who asked does not decide."""

    code = "closing_asked_and_decided_by_one_person"
    title = "Another person than the one who asked must decide on the closing"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class WalletNotClosed(Problem):
    """The ledger refused to close a wallet. Facts: `wallet_id`, `ledger_code`."""

    code = "wallet_not_closed"
    title = "The ledger did not close the wallet"
    retry = Retry.SAME_REQUEST
    family = Family.CONFLICT


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


class StaffNotFound(Problem):
    """Nobody is registered under the pseudonym."""

    code = "staff_not_found"
    title = "No such member of staff"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class StaffAlreadyEnded(Problem):
    """An end is final: who comes back is registered anew."""

    code = "staff_already_ended"
    title = "What this member of staff may do has ended already"
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


class ExtractInstantNotFinal(Problem):
    """Facts: `final_after_s`. A transaction that began before the instant may still commit."""

    code = "extract_instant_must_be_final"
    title = "A signed extract is given for an instant that nothing can change any more"
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


class NoDisputeNotStated(Problem):
    """Who closes says that no dispute is open, and where that was found."""

    code = "no_dispute_must_be_stated"
    title = "To close, the finding that no dispute is open must be named"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RuleBookNotFound(Problem):
    """No such version of the rule book."""

    code = "rule_book_not_found"
    title = "No such version of the rule book"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class RuleBookAlreadyEntered(Problem):
    """A version's name stands for one document for ever."""

    code = "rule_book_already_entered"
    title = "This version of the rule book is entered already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class RuleBookMustBeginLater(Problem):
    """Facts: `effective_on`, `today`. Clients must be able to read it before it binds them."""

    code = "rule_book_must_begin_later"
    title = "A version of the rule book comes into force on a later day than today"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RuleBookHashMustMatch(Problem):
    """The document meant is another one than that of this version."""

    code = "rule_book_hash_must_match"
    title = "The document has another hash than this version of the rule book"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class RuleBookAgreedByDrafter(Problem):
    """Four eyes: who drafted does not note the agreement."""

    code = "rule_book_drafted_and_agreed_by_one_person"
    title = "Another person than the one who drafted notes that the rule book is agreed"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class RuleBookAlreadyAccepted(Problem):
    """The participant has accepted this version before."""

    code = "rule_book_already_accepted"
    title = "This version of the rule book is accepted already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class PersonalDataConsentRequired(Problem):
    """152-FZ art. 9: without consent nothing is collected."""

    code = "personal_data_consent_required"
    title = "The first acceptance needs the consent to the processing of personal data"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ParticipantMustBeLive(Problem):
    """Facts: `state`. For a relation that has ended nobody acts."""

    code = "participant_must_be_live"
    title = "The participant is rejected or has left"
    retry = Retry.NEVER
    family = Family.CONFLICT


class ExecutiveMustBeOfEntity(Problem):
    """A natural person acts for itself."""

    code = "executive_must_be_of_an_entity"
    title = "Only an organisation has a sole executive"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ExecutiveNeedsNoPower(Problem):
    """Civil Code art. 53: the executive acts by law, and nobody narrows that here."""

    code = "executive_needs_no_power_of_attorney"
    title = "A sole executive acts without a power of attorney and with every power"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RepresentativePowersUnnamed(Problem):
    """A power of attorney gives what it names, and only what is used is entered."""

    code = "representative_powers_must_be_named"
    title = "Name the powers by which the representative is to act"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RepresentativeTermOutOfRange(Problem):
    """The term is over already, or longer than that of the power of attorney."""

    code = "representative_term_out_of_range"
    title = "The term must end after now and not after the power of attorney"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class RepresentativesTooMany(Problem):
    """Facts: `limit`."""

    code = "representatives_too_many"
    title = "The participant has as many representatives as one can have"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class RepresentativeAlreadyAppointed(Problem):
    """One person has one set of powers for a participant: end the one to enter another."""

    code = "representative_already_appointed"
    title = "This person acts for the participant already"
    retry = Retry.NEVER
    family = Family.CONFLICT


class RepresentativeNotFound(Problem):
    """No such representative, or another participant's: the two look alike on purpose."""

    code = "representative_not_found"
    title = "No such representative"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class RepresentativeAlreadyEnded(Problem):
    """The powers have ended before."""

    code = "representative_already_ended"
    title = "The representative acts no more"
    retry = Retry.NEVER
    family = Family.CONFLICT


class RepresentativeMustBeIdentified(Problem):
    """Who acts for a participant is identified and compared with the lists before it acts (115-FZ art. 7(1)(1))."""

    code = "representative_must_be_identified"
    title = "The representative has to be identified first"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class TokenMustNameRepresentative(Problem):
    """Who acts by power of attorney is known by this role: the policies narrow what its token opens."""

    code = "token_must_name_representative"
    title = "The token of who acts by power of attorney carries the role representative"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE
