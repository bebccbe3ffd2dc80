"""By which numbers a certificate is a participant's: those of the register, then those of its questionnaire."""

import pytest
from msgspec.structs import replace

from kapital.identity.domain.certificate import documented_numbers, require_documented
from kapital.identity.domain.problems import OwnerNumberUndocumented
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.platform.ids import new_uuid7
from tests.identity.dossier.papers import of_firm, of_person

PERSON, FIRM = of_person(), of_firm()
SNILS = "11223344595"


def registered(kind: str = "natural_person", inn: str = "990000000115", **more: str) -> RegisteredPerson:
    return RegisteredPerson(participant_id=new_uuid7(), kind=kind, name="Имя", inn=inn, **more)


def test_the_register_goes_before_the_questionnaire_which_fills_in_what_it_has_not():
    assert PERSON.person is not None
    assert FIRM.entity is not None
    with_snils = replace(PERSON, person=replace(PERSON.person, snils=SNILS))

    assert documented_numbers(registered(), with_snils) == {"inn": "990000000115", "snils": SNILS}
    assert documented_numbers(None, with_snils) == {"inn": PERSON.person.inn, "snils": SNILS}
    assert documented_numbers(registered("legal_entity", "9800000018"), FIRM) == {
        "inn_legal_entity": "9800000018",
        "ogrn": FIRM.entity.ogrn,
    }
    assert documented_numbers(registered("sole_proprietor", ogrn="3"), None) == {"inn": "990000000115", "ogrnip": "3"}


@pytest.mark.parametrize(
    "said",
    [{"inn": "990000000200"}, {"inn": "990000000115", "snils": SNILS}, {"inn_legal_entity": "990000000115"}],
)
def test_a_number_that_stands_nowhere_is_nobodys(said):
    with pytest.raises(OwnerNumberUndocumented):
        require_documented(documented_numbers(registered(), None), said)
    with pytest.raises(OwnerNumberUndocumented):
        require_documented(documented_numbers(None, None), said)
    require_documented(documented_numbers(registered(), None), {"inn": "990000000115"})
