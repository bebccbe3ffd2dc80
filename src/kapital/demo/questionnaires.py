"""Questionnaires of synthetic participants: every field that the form asks for, about nobody."""

from datetime import date
from typing import Final
from uuid import UUID

from kapital.identity.domain.ownership import OwnerNode, OwnerNodeKind, OwnershipEdge, OwnershipGraph
from kapital.identity.domain.parties import (
    EntityParticulars,
    IdentityDocument,
    IdentityDocumentKind,
    PersonParticulars,
)
from kapital.identity.domain.questionnaire import (
    Questionnaire,
    QuestionnaireKind,
    RelationPurpose,
    SourceOfFunds,
    TaxResidency,
)
from kapital.identity.domain.questionnaire_form import QUESTIONNAIRE_FORM
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.requisites import with_ogrn_control
from kapital.sandbox.people import REGION, PersonKind, SyntheticPerson, synthetic_people

BORN_ON: Final = date(1980, 5, 17)
ISSUED_ON: Final = date(2020, 6, 2)
REGISTERED_ON: Final = date(2015, 3, 2)
ADDRESS: Final = "город Вымышленный, улица Учебная, дом 1"
_KINDS: Final = {
    PersonKind.NATURAL_PERSON: QuestionnaireKind.NATURAL_PERSON,
    PersonKind.SOLE_PROPRIETOR: QuestionnaireKind.SOLE_PROPRIETOR,
    PersonKind.LEGAL_ENTITY: QuestionnaireKind.LEGAL_ENTITY,
}


def questionnaire_of(someone: SyntheticPerson, participant_id: UUID, *, on: date) -> Questionnaire:
    """The questionnaire of a synthetic participant; a legal entity belongs to one synthetic person."""
    is_entity = someone.kind is PersonKind.LEGAL_ENTITY
    is_proprietor = someone.kind is PersonKind.SOLE_PROPRIETOR
    return Questionnaire(
        form_version=QUESTIONNAIRE_FORM.at(on),
        kind=_KINDS[someone.kind],
        person=None if is_entity else _person(someone),
        entity=_entity(someone) if is_entity else None,
        ogrnip=with_ogrn_control(f"3{REGION}{someone.inn[:11]}") if is_proprietor else None,
        tax_residencies=(TaxResidency(country="RU", taxpayer_number=someone.inn),),
        purpose=RelationPurpose.ISSUANCE if is_entity else RelationPurpose.INVESTMENT,
        sources_of_funds=(SourceOfFunds.BUSINESS_INCOME if is_entity else SourceOfFunds.SALARY,),
        acts_for_own_account=True,
        is_pep=False,
        is_related_to_pep=False,
        owners=_owners(someone, participant_id) if is_entity else None,
    )


def _person(someone: SyntheticPerson) -> PersonParticulars:
    # The last of the words is the patronymic, where there are three.
    family_name, given_name, *rest = someone.name.removeprefix("ИП ").split()
    return PersonParticulars(
        family_name=family_name,
        given_name=given_name,
        patronymic=rest[0] if rest else None,
        birth_date=BORN_ON,
        birth_place="город Вымышленный",
        citizenship="RU",
        document=IdentityDocument(
            kind=IdentityDocumentKind.PASSPORT_RF,
            series=f"{REGION}20",
            number=someone.inn[4:10],
            issued_on=ISSUED_ON,
            issued_by="отделом, которого нет",
        ),
        address=ADDRESS,
        inn=someone.inn,
    )


def _owner_of(firm: SyntheticPerson) -> SyntheticPerson:
    return synthetic_people(int(firm.inn), 1)[0]


def _entity(firm: SyntheticPerson) -> EntityParticulars:
    return EntityParticulars(
        full_name=firm.name,
        inn=firm.inn,
        ogrn=with_ogrn_control(f"1{REGION}{firm.inn[:9]}"),
        registered_on=REGISTERED_ON,
        address=ADDRESS,
        activity_codes=("62.01",),
        head=_person(_owner_of(firm)),
    )


def _owners(firm: SyntheticPerson, participant_id: UUID) -> OwnershipGraph:
    node_id = derive_uuid7(participant_id, "demo-owner")
    node = OwnerNode(node_id=node_id, kind=OwnerNodeKind.NATURAL_PERSON, person=_person(_owner_of(firm)))
    return OwnershipGraph(
        nodes=(node,), edges=(OwnershipEdge(owner_id=node_id, owned_id=participant_id, share="100%"),)
    )
