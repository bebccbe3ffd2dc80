"""A name that looks like another's and is written in other signs is not taken in: no list would find it."""

import pytest

from kapital.identity.domain.kyc_problems import QuestionnaireIncomplete
from kapital.identity.domain.parties import PersonParticulars
from kapital.identity.domain.problems import NameMustBeReadable
from kapital.identity.domain.questionnaire import Questionnaire, QuestionnaireKind
from kapital.identity.domain.questionnaire_form import QUESTIONNAIRE_FORM, require_sound
from kapital.identity.domain.screening import Particulars, SubjectKind
from kapital.kernel.names import is_disguised
from tests.identity.screening.conftest import START, World

DISGUISES = {
    "greek letters": "Ведерник\u03bfв \u039fлег \u0391ркадьевич",
    "armenian letters": "Ведерник\u0585в \u0555лег Аркадьевич",
    "small capitals": "Вед\u1d07рников Ол\u1d07г Аркадь\u1d07вич",
    "enclosing marks": "Ведер\u0488ников Ол\u0488ег Арка\u0488дьевич",
    "letters without a shape": "Ведер\u3164ников Ол\u3164ег Арка\u3164дьевич",
}


def of(name: str) -> Particulars:
    return Particulars(kind=SubjectKind.PERSON, names=(name,), birth_dates=("1980-05-06",), countries=("ru",))


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_name_is_refused_in_a_questionnaire(disguise: str) -> None:
    family, given, patronymic = DISGUISES[disguise].split(" ")
    said = Questionnaire(
        form_version=QUESTIONNAIRE_FORM.at(START.date()),
        kind=QuestionnaireKind.NATURAL_PERSON,
        person=PersonParticulars(family_name=family, given_name=given, patronymic=patronymic),
    )

    with pytest.raises(QuestionnaireIncomplete) as refused:
        require_sound(said, participant_kind=None, on=START.date())

    at = {fault.pointer.rsplit("/", 1)[-1] for fault in refused.value.errors}
    assert {"family_name", "given_name"} <= at


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_a_disguised_name_is_not_taken_to_be_screened(disguise: str, world: World) -> None:
    with pytest.raises(NameMustBeReadable):
        await world.screen(of(DISGUISES[disguise]))
    assert await world.count("SELECT count(*) FROM screening_client") == 0


@pytest.mark.parametrize(
    "name",
    [
        "Ведерников Олег Аркадьевич",
        "ООО «IT-Сервис 1С»",
        "Ковалёв-Öztürk Жан",
        "Νικόλαος Παπαδόπουλος",
        "王小明",
        "O'Brien Seán",
    ],
)
def test_names_of_the_world_are_no_disguise(name: str) -> None:
    assert not is_disguised(name)
