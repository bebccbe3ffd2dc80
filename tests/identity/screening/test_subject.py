"""A client is looked for in the lists as the register and its questionnaire know it, whatever a clerk types.

Law: 115-FZ art. 7(1)(6), (7).
"""

from itertools import permutations
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from kapital.contracts.registry import PersonsFile
from kapital.contracts.registry import RegisteredPerson as Said
from kapital.identity.adapters.registered_person_table import RegisteredPersonTable
from kapital.identity.adapters.screener import IndexedScreener
from kapital.identity.domain.case_party import of_person as particulars_of
from kapital.identity.domain.dossier import IdentificationMethod
from kapital.identity.domain.kyc_problems import QuestionnaireOfAnother
from kapital.identity.domain.problems import ScreenedParticularsOfAnother
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.screening import Grade, Identifier, IdentifierKind, Particulars, SubjectKind
from kapital.identity.reactions import keep_persons
from kapital.identity.use_cases.decide_hit import HitDecision
from kapital.identity.use_cases.fill_questionnaire import FillQuestionnaire
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from tests.acting import Memory
from tests.identity.conftest import ONBOARDER, identification, participant_registered
from tests.identity.dossier.papers import of_firm, of_person
from tests.identity.screening.conftest import company, person
from tests.identity.screening.test_parties import (
    BORN,
    LISTED,
    NAME,
    SOMEBODY_ELSE,
    House,
    house,
    listed_person,
    measures_told,
)

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
    # The client itself: what is the same name and birth date freezes at once.
    assert await measures_told(house) == [(str(participant_id), "free", "frozen")]
    [hit] = await house.screening.hits()
    assert (hit.participant_id, hit.party_of) == (participant_id, None)


async def test_whom_staff_and_questionnaire_describe_in_their_own_words_is_hit_once_and_released_once(
    house: House,
) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person("Жемчужников Валентин")))
    [before] = await house.screening.hits()
    await house.screening.decide(before, HitDecision.PROPOSE_RELEASE)

    [recorded] = await house.kyc.record(identification(participant_id, questionnaire=of_listed(participant_id)))

    [hit] = await house.screening.hits()
    assert (hit.hit_id, hit.state.value, hit.proposed_by) == (before.hit_id, "frozen", None)
    assert hit.hit_sha256 != before.hit_sha256
    assert set(before.reasons) < set(hit.reasons)
    assert len(await house.kyc.rows("SELECT 1 FROM aml_message")) == 1
    assert await house.kyc.rows("SELECT 1 FROM kyc_party") == []
    await house.screening.release(hit)
    # Released once, neither the words of the staff nor those of the questionnaire raise it again.
    assert (await house.screening.screen_as((participant_id, person("Жемчужников Валентин"))))[0].new_hits == 0
    await house.screening.load_persons(LISTED, SOMEBODY_ELSE, date="2026-03-09")
    assert await house.screening.rescreen() == 0
    decided = await house.kyc.decide(participant_id, str(recorded.identification_sha256))
    assert decided.problem is None


async def test_new_words_of_the_staff_hide_nobody_whom_the_questionnaire_names(house: House) -> None:
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person(SOMEBODY, born="1980-01-01")))
    await house.kyc.record(identification(participant_id, questionnaire=of_listed(participant_id)))
    await house.screening.screen_as((participant_id, person("Кто-то Ещё", born="1980-01-02")))

    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()

    assert await measures_told(house) == [(str(participant_id), "free", "frozen")]


async def test_who_was_not_recorded_yet_is_compared_as_questionnaire_and_register_say(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    participant_id = await registered(house, inn="990000000115")
    another = replace(of_listed(participant_id), person=replace(of_listed(participant_id).person, family_name="Иной"))

    await house.kyc.record(identification(participant_id, questionnaire=another))

    [hit] = await house.screening.hits()
    assert hit.participant_id == participant_id


async def test_what_is_refused_adds_no_words(house: House) -> None:
    participant_id = new_uuid7()
    await house.kyc.hear(participant_registered(participant_id))
    await house.screening.screen_as((participant_id, person(SOMEBODY)))
    refused = identification(
        participant_id, questionnaire=of_listed(participant_id), method=IdentificationMethod.SIMPLIFIED
    )

    [result] = await house.kyc.record(refused)

    assert result.problem is not None
    [kept] = await house.kyc.rows("SELECT particulars FROM screening_client")
    assert "also" not in kept["particulars"]


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
    questionnaire = of_listed(new_uuid7())
    assert questionnaire.person is not None
    said = particulars_of(questionnaire.person)
    before = replace(said, **recorded)

    after = before.described_also(said)

    assert (after == before) is is_left_out
    assert after.descriptions == ((before,) if is_left_out else (before, said))
    assert after.described_also(said) == after
    # What was recorded before there were other descriptions keeps its hash.
    assert before.sha256 == sha256_hex(canonical_bytes(msgspec.to_builtins(before)))


DESCRIPTIONS = [
    person(NAME),
    person(NAME, born=BORN.isoformat()),
    person(NAME, born="1980-01-01"),
    person("Жемчужников В.П.", inn="990000000115"),
    person(SOMEBODY, passport="4500 123456"),
    company("ООО «Жемчуг»"),
]
ENTRIES = [
    person(NAME),
    person(NAME, born=BORN.isoformat()),
    person(NAME, born="1990-09-09"),
    person("Некто Никтоевич", inn="990000000115"),
    person("Zhemchuzhnikov Valentin"),
    person("Иной", passport="4500123456"),
    company("ООО Жемчуг"),
]


def test_no_description_hides_what_another_shows() -> None:
    """What poured-together words do: beside a birth date that differs a likeness of names is none any more."""
    screener = IndexedScreener()

    def found(client: Particulars) -> dict[int, tuple[bool, int]]:
        matches = screener.screen([client], ENTRIES, threshold_ppm=840_000)
        return {entry: (match.grade is Grade.EXACT, match.score_ppm) for _, entry, match in matches}

    alone = [found(one) for one in DESCRIPTIONS]
    assert len({entry for matches in alone for entry in matches}) == len(ENTRIES)
    for (one, first), (other, second) in permutations(zip(DESCRIPTIONS, alone, strict=True), 2):
        strongest = {at: max(first.get(at, (False, 0)), second.get(at, (False, 0))) for at in first.keys() | second}
        assert found(one.described_also(other)) == strongest


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
