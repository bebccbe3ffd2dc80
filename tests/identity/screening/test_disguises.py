"""A name that looks like another's and is written in other signs: found in the lists, or not taken at all."""

import pytest

from kapital.identity.adapters.name_matcher import LogicV2Matcher
from kapital.identity.domain.parties import PersonParticulars
from kapital.identity.domain.questionnaire import Questionnaire, QuestionnaireKind
from kapital.identity.domain.questionnaire_form import _wrong
from kapital.identity.domain.screening import Grade, Particulars, SubjectKind, threshold_ppm
from tests.identity.screening.conftest import START

LISTED = "Ведерников Олег Аркадьевич"
DISGUISES = {
    "greek letters": "Ведерник\u03bfв \u039fлег \u0391ркадьевич",
    "armenian letters": "Ведерник\u0585в \u0555лег Аркадьевич",
    "small capitals": "Вед\u1d07рников Ол\u1d07г Аркадь\u1d07вич",
    "enclosing marks": "Ведер\u0488ников Ол\u0488ег Арка\u0488дьевич",
    "letters without a shape": "Ведер\u3164ников Ол\u3164ег Арка\u3164дьевич",
}


def of(name: str) -> Particulars:
    return Particulars(kind=SubjectKind.PERSON, names=(name,), birth_dates=("1980-05-06",), countries=("ru",))


@pytest.mark.xfail(
    strict=True, reason="only Cyrillic and Latin are looked at: the form and the lists let others through"
)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_name_is_refused_in_a_questionnaire_or_hits(disguise: str) -> None:
    family, given, patronymic = DISGUISES[disguise].split(" ")
    said = Questionnaire(
        form_version="2024-01",
        kind=QuestionnaireKind.NATURAL_PERSON,
        person=PersonParticulars(family_name=family, given_name=given, patronymic=patronymic),
    )
    refused = any("name" in fault.pointer or "patronymic" in fault.pointer for fault in _wrong(said, START.date()))

    match = LogicV2Matcher().compare(of(DISGUISES[disguise]), of(LISTED), threshold_ppm=threshold_ppm(START))

    assert refused or match.grade is Grade.EXACT
