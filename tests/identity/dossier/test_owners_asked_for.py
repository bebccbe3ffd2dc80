"""No entity is identified without its owners, whichever form was filled in. Law: 115-FZ art. 7(1)(2)."""

from uuid import UUID

import pytest

from kapital.identity.domain.dossier import IdentificationMethod, Known, make_dossier
from kapital.identity.domain.kyc_problems import BeneficialOwnersUnidentified
from kapital.identity.domain.questionnaire import Questionnaire
from tests.identity.conftest import identification
from tests.identity.dossier.conftest import Desk
from tests.identity.dossier.papers import ROOT, TODAY, of_firm, of_person


def dossier_of(questionnaire: Questionnaire | None, *, is_entity: bool):
    known = Known(
        is_entity=is_entity,
        has_hit=False,
        is_listed_pep=False,
        foreign_document=False,
        method=IdentificationMethod.FULL,
    )
    return make_dossier(
        UUID(int=2),
        ROOT,
        questionnaire=questionnaire,
        filled_by="a",
        documents=(),
        known=known,
        on=TODAY,
    )


@pytest.mark.parametrize("questionnaire", [None, of_person()])
def test_a_dossier_of_an_entity_names_its_owners(questionnaire: Questionnaire | None) -> None:
    with pytest.raises(BeneficialOwnersUnidentified):
        dossier_of(questionnaire, is_entity=True)

    assert dossier_of(questionnaire, is_entity=False).beneficial_owners == ()
    assert dossier_of(of_firm(), is_entity=True).beneficial_owners != ()


async def test_a_foreign_organisation_is_not_let_in_by_the_form_of_a_person(desk: Desk) -> None:
    [foreign] = await desk.opened(kind="foreign_entity")

    [refused] = await desk.record(identification(foreign, questionnaire=of_person(foreign)))

    assert refused.problem is not None
    assert refused.problem.code == "questionnaire_kind_must_fit_participant"
    assert await desk.states(foreign) == ["opened"]
    assert await desk.rows("SELECT 1 FROM kyc_questionnaire") == []
