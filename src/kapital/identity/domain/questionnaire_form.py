"""Forms of the questionnaire as data: which fields are asked for, of whom, from which day; and what cannot be right.

Law: 115-FZ art. 7(1)(1); Bank of Russia Regulation 444-P, annexes (what is found out of a client) [M].
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from kapital.identity.domain.kyc_problems import (
    QuestionnaireFormNotInForce,
    QuestionnaireIncomplete,
    QuestionnaireKindMismatch,
)
from kapital.identity.domain.parties import EntityParticulars, IdentityDocument, Party, PersonParticulars
from kapital.identity.domain.questionnaire import Questionnaire, QuestionnaireKind
from kapital.kernel.names import has_unseen, is_disguised, is_mixed
from kapital.kernel.parameters import Confidence, DatedParameter
from kapital.kernel.problems import FieldFault
from kapital.kernel.requisites import account_is_valid, inn_is_valid, ogrn_is_valid, snils_is_valid

QUESTIONNAIRE_FORM: Final = DatedParameter(
    "questionnaire_form",
    [(date(2024, 1, 1), None, "2024-01", "115-FZ art. 7(1)(1), Regulation 444-P, annexes", Confidence.RECALLED)],
)
"""The form in force. A new form is a new value here and a new row of REQUIRED_FIELDS; what was filled in stays."""

_RELATION: Final = ("purpose", "sources_of_funds", "tax_residencies", "acts_for_own_account")
_PERSON: Final = (
    "person/birth_date",
    "person/birth_place",
    "person/citizenship",
    "person/document/number",
    "person/document/issued_on",
    "person/document/issued_by",
    "person/address",
    "is_pep",
    "is_related_to_pep",
)
_ENTITY: Final = (
    "entity/address",
    "entity/registered_on",
    "entity/activity_codes",
    "entity/head/birth_date",
    "entity/head/citizenship",
    "owners",
)

REQUIRED_FIELDS: Final[Mapping[str, Mapping[QuestionnaireKind, tuple[str, ...]]]] = {
    "2024-01": {
        QuestionnaireKind.NATURAL_PERSON: (*_PERSON, "person/inn", *_RELATION),
        QuestionnaireKind.SOLE_PROPRIETOR: (*_PERSON, "person/inn", "ogrnip", *_RELATION),
        QuestionnaireKind.FOREIGN_PERSON: (*_PERSON, "person/right_of_stay", *_RELATION),
        QuestionnaireKind.LEGAL_ENTITY: (*_ENTITY, "entity/inn", "entity/ogrn", *_RELATION),
        QuestionnaireKind.FOREIGN_ENTITY: (*_ENTITY, "entity/country", "entity/foreign_number", *_RELATION),
    },
}
"""Version of the form → kind → pointers of the fields asked for."""

FITTING: Final[Mapping[str, frozenset[QuestionnaireKind]]] = {
    "natural_person": frozenset({QuestionnaireKind.NATURAL_PERSON, QuestionnaireKind.FOREIGN_PERSON}),
    "sole_proprietor": frozenset({QuestionnaireKind.SOLE_PROPRIETOR}),
    "legal_entity": frozenset({QuestionnaireKind.LEGAL_ENTITY, QuestionnaireKind.FOREIGN_ENTITY}),
    "foreign_entity": frozenset({QuestionnaireKind.FOREIGN_ENTITY}),
}
"""Kind of participant as registered → forms that may be filled in. A kind that is not here takes none."""

AGE_YEARS_MAX: Final = 130


def require_sound(questionnaire: Questionnaire, *, participant_kind: str | None, on: date) -> None:
    """Return if the questionnaire follows the form of the day and nothing in it contradicts itself.

    Raises: QuestionnaireFormNotInForce, QuestionnaireKindMismatch, QuestionnaireIncomplete (with every fault).
    """
    in_force = QUESTIONNAIRE_FORM.at(on)
    if questionnaire.form_version != in_force:
        facts = {"form_version": questionnaire.form_version, "in_force": in_force}
        raise QuestionnaireFormNotInForce(facts=facts)
    # Only of participants from before kinds were told is none known; an entity among them is caught by its owners.
    if participant_kind is not None and questionnaire.kind not in FITTING.get(participant_kind, frozenset()):
        facts = {"kind": questionnaire.kind.value, "participant_kind": str(participant_kind)}
        raise QuestionnaireKindMismatch(facts=facts)
    faults = [*_missing(questionnaire), *_wrong(questionnaire, on)]
    if faults:
        raise QuestionnaireIncomplete(f"{len(faults)} fields are missing or cannot be right", errors=faults)


def _missing(questionnaire: Questionnaire) -> Iterator[FieldFault]:
    asked = list(REQUIRED_FIELDS[questionnaire.form_version][questionnaire.kind])
    if questionnaire.acts_for_own_account is False:
        asked.append("beneficiary")
    if questionnaire.is_pep:
        asked.append("pep_position")
    content = msgspec.to_builtins(questionnaire)
    for path in asked:
        value: Any = content
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        if value in (None, "", [], ()):
            yield FieldFault(f"/questionnaire/{path}", "is asked for")


def _wrong(questionnaire: Questionnaire, on: date) -> Iterator[FieldFault]:
    at = "/questionnaire"
    yield from _shape(questionnaire, at)
    if questionnaire.person is not None:
        yield from person_faults(questionnaire.person, f"{at}/person", on)
    if questionnaire.entity is not None:
        yield from _entity(questionnaire.entity, f"{at}/entity", on)
    if questionnaire.ogrnip is not None and not ogrn_is_valid(questionnaire.ogrnip, legal_entity=False):
        yield FieldFault(f"{at}/ogrnip", "the control digit is wrong")
    account = questionnaire.account
    if account is not None and not account_is_valid(account.account, bic=account.bic):
        yield FieldFault(f"{at}/account", "the control key does not fit the bank")
    for name, party in (("beneficiary", questionnaire.beneficiary), ("representative", questionnaire.representative)):
        if party is not None:
            yield from _party(party, f"{at}/{name}", on)
    for number, node in enumerate(questionnaire.owners.nodes if questionnaire.owners else ()):
        if node.person is not None:
            yield from person_faults(node.person, f"{at}/owners/nodes/{number}/person", on)
        if node.entity is not None:
            yield from _entity(node.entity, f"{at}/owners/nodes/{number}/entity", on)


def _shape(questionnaire: Questionnaire, at: str) -> Iterator[FieldFault]:
    """Whether the form is about whom it says."""
    is_entity = questionnaire.kind.is_entity
    for name, is_there, is_due in (
        ("person", questionnaire.person is not None, not is_entity),
        ("entity", questionnaire.entity is not None, is_entity),
        ("owners", questionnaire.owners is not None, is_entity),
    ):
        # Owners that are missing are told of with the other fields asked for.
        if is_there and not is_due:
            yield FieldFault(f"{at}/{name}", f"the form is about {'an entity' if is_entity else 'a person'}")
        elif is_due and not is_there and name != "owners":
            yield FieldFault(f"{at}/{name}", "is asked for")
    if questionnaire.person is not None:
        is_foreign = questionnaire.person.citizenship not in (None, "RU")
        if questionnaire.kind is QuestionnaireKind.NATURAL_PERSON and is_foreign:
            yield FieldFault(f"{at}/kind", "a citizen of another country fills in the form foreign_person")
        if questionnaire.kind is QuestionnaireKind.FOREIGN_PERSON and not is_foreign:
            yield FieldFault(f"{at}/kind", "a citizen of Russia fills in the form natural_person")


def _party(party: Party, at: str, on: date) -> Iterator[FieldFault]:
    if (party.person is None) == (party.entity is None):
        yield FieldFault(at, "exactly one of person and entity")
    if party.person is not None:
        yield from person_faults(party.person, f"{at}/person", on)
    if party.entity is not None:
        yield from _entity(party.entity, f"{at}/entity", on)


def person_faults(person: PersonParticulars, at: str, on: date) -> Iterator[FieldFault]:
    """What cannot be right in a person's particulars, by pointers under `at`."""
    for name in ("family_name", "given_name", "patronymic"):
        yield from _signs(getattr(person, name), f"{at}/{name}")
    born = person.birth_date
    if (born is not None and not on.year - AGE_YEARS_MAX <= born.year <= on.year) or (born is not None and born > on):
        yield FieldFault(f"{at}/birth_date", "nobody alive was born on this day")
    if person.inn is not None and not inn_is_valid(person.inn, legal_entity=False):
        yield FieldFault(f"{at}/inn", "the control digits are wrong")
    if person.snils is not None and not snils_is_valid(person.snils):
        yield FieldFault(f"{at}/snils", "the control number is wrong")
    if person.document is not None:
        yield from _document(person.document, f"{at}/document", on)


def _document(document: IdentityDocument, at: str, on: date) -> Iterator[FieldFault]:
    if document.issued_on is not None and document.issued_on > on:
        yield FieldFault(f"{at}/issued_on", "lies in the future")
    if document.expires_on is not None and document.expires_on < on:
        yield FieldFault(f"{at}/expires_on", "the document has expired")


def _entity(entity: EntityParticulars, at: str, on: date) -> Iterator[FieldFault]:
    for name in ("full_name", "short_name"):
        yield from _signs(getattr(entity, name), f"{at}/{name}")
    if entity.inn is not None and not inn_is_valid(entity.inn, legal_entity=True):
        yield FieldFault(f"{at}/inn", "the control digit is wrong")
    if entity.ogrn is not None and not ogrn_is_valid(entity.ogrn, legal_entity=True):
        yield FieldFault(f"{at}/ogrn", "the control digit is wrong")
    if entity.registered_on is not None and entity.registered_on > on:
        yield FieldFault(f"{at}/registered_on", "lies in the future")
    if entity.head is not None:
        yield from person_faults(entity.head, f"{at}/head", on)


def _signs(name: str | None, at: str) -> Iterator[FieldFault]:
    """What a list would not find, or a person not read for what it is."""
    if name is not None and is_mixed(name):
        yield FieldFault(at, "a word mixes Cyrillic and Latin letters")
    if name is not None and (is_disguised(name) or has_unseen(name)):
        yield FieldFault(at, "a word has signs of another script, or signs that are not seen")
