"""The questionnaire: what is asked for, of whom, and what cannot be right."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from kapital.identity.domain.kyc_problems import (
    QuestionnaireFormNotInForce,
    QuestionnaireIncomplete,
    QuestionnaireKindMismatch,
)
from kapital.identity.domain.parties import EntityParticulars, Party, PersonParticulars
from kapital.identity.domain.questionnaire import BankAccount, QuestionnaireKind
from kapital.identity.domain.questionnaire_form import FITTING, QUESTIONNAIRE_FORM, REQUIRED_FIELDS, require_sound
from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from tests.identity.dossier.papers import ROOT, TODAY, of_firm, of_person

PERSON, FIRM = of_person(), of_firm()


def faults(questionnaire, kind: str | None = None) -> list[str]:
    with pytest.raises(QuestionnaireIncomplete) as refused:
        require_sound(questionnaire, participant_kind=kind, on=TODAY)
    return [fault.pointer.removeprefix("/questionnaire/") for fault in refused.value.errors]


def with_person(**changes):
    return replace(PERSON, person=replace(PERSON.person, **changes))


def with_entity(**changes):
    return replace(FIRM, entity=replace(FIRM.entity, **changes))


@pytest.mark.parametrize(
    ("questionnaire", "kind"),
    [(PERSON, "natural_person"), (FIRM, "legal_entity"), (PERSON, None), (FIRM, None)],
)
def test_a_complete_questionnaire_passes(questionnaire, kind):
    require_sound(questionnaire, participant_kind=kind, on=TODAY)


@pytest.mark.parametrize(
    ("questionnaire", "path"),
    [(PERSON, path) for path in REQUIRED_FIELDS["2024-01"][QuestionnaireKind.NATURAL_PERSON]]
    + [(FIRM, path) for path in REQUIRED_FIELDS["2024-01"][QuestionnaireKind.LEGAL_ENTITY]],
    ids=lambda value: value if isinstance(value, str) else value.kind.value,
)
def test_every_field_of_the_form_is_asked_for(questionnaire, path):
    def without(value, names):
        first, *rest = names
        if rest and rest != ["number"]:
            return replace(value, **{first: without(getattr(value, first), rest)})
        empty = () if isinstance(getattr(value, first), tuple) else None
        return replace(value, **{first: empty})

    left = without(questionnaire, path.split("/"))

    assert path in faults(left)


def test_another_form_than_that_of_the_day_is_refused():
    with pytest.raises(QuestionnaireFormNotInForce) as refused:
        require_sound(replace(PERSON, form_version="2019-07"), participant_kind=None, on=TODAY)

    assert refused.value.facts == {"form_version": "2019-07", "in_force": "2024-01"}
    assert {row.value for row in QUESTIONNAIRE_FORM.rows} == set(REQUIRED_FIELDS)


@pytest.mark.parametrize(
    ("questionnaire", "kind"),
    [
        (PERSON, "legal_entity"),
        (PERSON, "foreign_entity"),
        (FIRM, "foreign_entity"),
        (FIRM, "natural_person"),
        (PERSON, "sole_proprietor"),
        (PERSON, "a kind that nobody has a form for"),
    ],
)
def test_the_form_is_that_of_the_participant(questionnaire, kind):
    with pytest.raises(QuestionnaireKindMismatch):
        require_sound(questionnaire, participant_kind=kind, on=TODAY)


def test_every_kind_of_participant_has_a_form_that_fits():
    assert set(FITTING) == {kind.value for kind in ParticipantKind}
    for kind in ENTITIES:
        assert all(form.is_entity for form in FITTING[kind.value])


OTHER = PersonParticulars(family_name="Образцов", given_name="Лев")
OWNER = replace(FIRM.owners.nodes[0], person=replace(OTHER, inn="1" * 12))


@pytest.mark.parametrize(
    ("questionnaire", "pointers"),
    [
        (with_person(inn="500100732258"), ["person/inn"]),
        (with_person(snils="11223344596"), ["person/snils"]),
        (with_person(birth_date=TODAY + timedelta(days=1)), ["person/birth_date"]),
        (with_person(birth_date=date(1850, 1, 1)), ["person/birth_date"]),
        (with_person(family_name="Ивaнов"), ["person/family_name"]),
        (with_person(citizenship="KZ"), ["kind"]),
        (
            with_person(document=replace(PERSON.person.document, issued_on=TODAY + timedelta(days=1))),
            ["person/document/issued_on"],
        ),
        (
            with_person(document=replace(PERSON.person.document, expires_on=TODAY - timedelta(days=1))),
            ["person/document/expires_on"],
        ),
        (with_entity(inn="7707083894"), ["entity/inn"]),
        (with_entity(ogrn="1027700132196"), ["entity/ogrn"]),
        (with_entity(full_name="ООО «Poмашка»"), ["entity/full_name"]),
        (with_entity(registered_on=TODAY + timedelta(days=1)), ["entity/registered_on"]),
        (with_entity(head=replace(FIRM.entity.head, inn="500100732258")), ["entity/head/inn"]),
        (replace(PERSON, ogrnip="304500116000158"), ["ogrnip"]),
        (replace(PERSON, account=BankAccount(bic="044525225", account="40817810000000000001")), ["account"]),
        (replace(PERSON, owners=FIRM.owners), ["owners"]),
        (replace(PERSON, entity=FIRM.entity), ["entity"]),
        (replace(FIRM, person=PERSON.person), ["person"]),
        (replace(PERSON, acts_for_own_account=False), ["beneficiary"]),
        (replace(PERSON, is_pep=True), ["pep_position"]),
        (replace(PERSON, representative=Party(person_id=ROOT)), ["representative"]),
        (
            replace(PERSON, representative=Party(person_id=ROOT, person=replace(OTHER, inn="1" * 12))),
            ["representative/person/inn"],
        ),
        (
            replace(PERSON, beneficiary=Party(person_id=ROOT, entity=EntityParticulars(full_name="А", inn="1" * 10))),
            ["beneficiary/entity/inn"],
        ),
        (
            replace(
                FIRM,
                owners=replace(
                    FIRM.owners, nodes=(replace(FIRM.owners.nodes[0], person=replace(OTHER, inn="1" * 12)),)
                ),
            ),
            ["owners/nodes/0/person/inn"],
        ),
        (replace(PERSON, kind=QuestionnaireKind.FOREIGN_PERSON), ["person/right_of_stay", "kind"]),
    ],
)
def test_what_cannot_be_right_is_named_by_its_place(questionnaire, pointers):
    assert faults(questionnaire) == pointers


def test_a_refusal_repeats_no_personal_data():
    with pytest.raises(QuestionnaireIncomplete) as refused:
        require_sound(with_person(inn="500100732258", family_name="Ивaнов"), participant_kind=None, on=TODAY)

    told = f"{refused.value} {refused.value.facts} {refused.value.errors}"
    assert "500100732258" not in told
    assert "Ивaнов" not in told


def test_the_hash_follows_every_change():
    assert PERSON.sha256 == of_person().sha256
    assert with_person(phone="+74950000000").sha256 != PERSON.sha256
    assert replace(FIRM, owners=replace(FIRM.owners, no_owner_reason="нет")).sha256 != FIRM.sha256
