"""A client is looked for in the lists as the register and its questionnaire know it, whatever a clerk types.

Law: 115-FZ art. 7(1)(6), (7).
"""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from kapital.contracts.registry import PersonsFile
from kapital.contracts.registry import RegisteredPerson as Said
from kapital.identity.adapters.registered_person_table import RegisteredPersonTable
from kapital.identity.domain.case_party import PartyRole, parties_of
from kapital.identity.domain.case_party import of_person as particulars_of
from kapital.identity.domain.kyc_problems import QuestionnaireOfAnother
from kapital.identity.domain.problems import ScreenedParticularsOfAnother
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.screening import Identifier, IdentifierKind, Particulars, SubjectKind
from kapital.identity.reactions import keep_persons
from kapital.identity.use_cases.fill_questionnaire import FillQuestionnaire
from kapital.kernel.canonical import canonical_bytes
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from tests.acting import Memory
from tests.identity.conftest import ONBOARDER, identification, participant_registered
from tests.identity.dossier.papers import of_firm, of_person
from tests.identity.screening.conftest import person
from tests.identity.screening.test_parties import BORN, LISTED, NAME, House, house, listed_person, measures_told

__all__ = ["house"]

SOMEBODY = "Тихомиров Пётр Ильич"


def of_listed(participant_id: UUID) -> Questionnaire:
    """The questionnaire of a client who stands in a list."""
    questionnaire = of_person(participant_id)
    assert questionnaire.person is not None
    listed = listed_person()
    names = {name: getattr(listed, name) for name in ("family_name", "given_name", "patronymic", "birth_date", "inn")}
    return replace(questionnaire, person=replace(questionnaire.person, **names))


async def registered(house: House, *, kind: str = "natural_person", **said: Any) -> UUID:
    """Somebody of whom the registry told who it is."""
    participant_id = new_uuid7()
    who = Said(**({"id": participant_id, "name": NAME, "inn": "990000000115", "ogrn": None, "snils": None} | said))
    files = Memory()
    key = await files.put(canonical_bytes(PersonsFile(salt="0" * 64, persons=[who])))
    event = participant_registered(participant_id, kind)
    told = CloudEvent(
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        time=event.time,
        data=event.data | {"persons_sha256": key},
        correlationid="test",
    )
    await house.kyc.hear(told)
    async with UnitOfWork(house.kyc.database, house.kyc.clock).begin() as tx:
        await keep_persons(tx, [told], persons=RegisteredPersonTable(), objects=files)
    return participant_id


async def test_a_listed_client_screened_under_another_name_is_held_by_its_questionnaire(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person(SOMEBODY, born="1980-01-01")))

    [recorded] = await house.kyc.record(identification(participant_id, questionnaire=of_listed(participant_id)))
    [refused] = await house.kyc.decide_all((participant_id, str(recorded.identification_sha256)))

    assert refused.problem is not None
    assert refused.problem.code == "screening_hit_cannot_be_approved"
    assert await measures_told(house) == [(str(participant_id), "free", "held")]
    [hit] = await house.screening.hits()
    assert hit.party_of == participant_id


async def test_a_client_recorded_as_the_questionnaire_says_is_hit_once(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    questionnaire = of_listed(participant_id)
    assert questionnaire.person is not None
    await house.screening.screen_as((participant_id, particulars_of(questionnaire.person)))

    await house.kyc.record(identification(participant_id, questionnaire=questionnaire))

    [hit] = await house.screening.hits()
    assert hit.participant_id == participant_id
    assert await house.kyc.rows("SELECT 1 FROM kyc_party") == []


@pytest.mark.parametrize(
    ("recorded", "is_left_out"),
    [
        ({}, True),
        ({"names": (f"  {NAME.upper()} ", "Другой")}, True),
        ({"names": ("Другой",)}, False),
        ({"birth_dates": ()}, False),
        ({"birth_dates": (BORN.isoformat(), "1980-01-01")}, False),
        ({"identifiers": ()}, False),
        ({"countries": ()}, False),
        ({"kind": SubjectKind.ORGANISATION}, False),
    ],
)
def test_only_who_was_compared_whole_is_not_compared_again(recorded: dict[str, Any], is_left_out: bool) -> None:
    participant_id = new_uuid7()
    questionnaire = of_listed(participant_id)
    assert questionnaire.person is not None
    before = replace(particulars_of(questionnaire.person), **recorded)

    parties = parties_of(questionnaire, case_id=new_uuid7(), participant_id=participant_id, recorded=before)

    assert [party.roles for party in parties] == ([] if is_left_out else [(PartyRole.SUBJECT,)])


async def test_the_name_of_the_register_is_compared_whatever_is_typed(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    participant_id = await registered(house)

    await house.screening.screen_as((participant_id, person(SOMEBODY, born=BORN.isoformat())))

    [hit] = await house.screening.hits()
    assert hit.participant_id == participant_id
    assert await measures_told(house) == [(str(participant_id), "free", "frozen")]


@pytest.mark.parametrize(
    ("said", "differs"),
    [
        (replace(person(SOMEBODY), identifiers=(Identifier(IdentifierKind.INN, "990000000200"),)), "inn"),
        (Particulars(kind=SubjectKind.ORGANISATION, names=(NAME,)), "kind"),
    ],
)
async def test_the_particulars_of_another_are_refused(house: House, said: Particulars, differs: str) -> None:
    participant_id = await registered(house)

    with pytest.raises(ScreenedParticularsOfAnother) as refused:
        await house.screening.screen_as((participant_id, said))

    assert refused.value.facts == {"participant_id": str(participant_id), "differs": differs}
    assert await house.kyc.rows("SELECT 1 FROM screening_client") == []


async def test_a_questionnaire_carries_the_numbers_of_the_register(house: House) -> None:
    participant_id, firm = await registered(house), await registered(house, kind="legal_entity", inn="9800000018")
    own, anothers = of_listed(participant_id), of_person(participant_id)
    nameless = replace(own, person=replace(own.person, inn=None))
    assert anothers.person is not None

    results = await house.kyc.record(
        identification(participant_id, questionnaire=anothers), identification(firm, questionnaire=of_firm(firm))
    )
    assert [one.problem and one.problem.code for one in results] == ["questionnaire_must_be_of_participant"] * 2
    assert anothers.person.inn not in str(results)
    with pytest.raises(QuestionnaireOfAnother):
        await fill(house, participant_id, anothers)
    with pytest.raises(QuestionnaireOfAnother):
        known_by_number().require_of(nameless)
    assert await house.kyc.rows("SELECT 1 FROM kyc_questionnaire") == []

    assert (await fill(house, participant_id, own)).questionnaire_sha256 == own.sha256


def known_by_number() -> RegisteredPerson:
    return RegisteredPerson(participant_id=new_uuid7(), kind="natural_person", name=NAME, inn="990000000115")


async def fill(house: House, participant_id: UUID, questionnaire: Questionnaire):
    return await house.kyc.files.fill_questionnaire(
        FillQuestionnaire(
            command_id=house.kyc.command_id(),
            actor=ONBOARDER,
            participant_id=participant_id,
            questionnaire=questionnaire,
        )
    )
