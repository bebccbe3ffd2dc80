"""Whom a questionnaire names is looked for in the lists as the participant is; what is found stops the approval."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec.structs import replace

from kapital.identity.domain.case_party import PartyRole, parties_of
from kapital.identity.domain.kyc_case import DocumentKind, KycOutcome
from kapital.identity.domain.ownership import OwnershipEdge, OwnershipGraph
from kapital.identity.domain.parties import Party, PersonParticulars
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.screening import Particulars, SubjectKind
from kapital.identity.service import identity_of
from kapital.platform.ids import new_uuid7
from tests.acting import simple_acts
from tests.identity.conftest import NO_LEDGER, identification, participant_registered
from tests.identity.conftest import World as KycWorld
from tests.identity.dossier.papers import of_firm
from tests.identity.screening.conftest import World, person

NAME, BORN = "Жемчужников Валентин Прохорович", date(1971, 4, 5)
LISTED = ("1001", f"{NAME.upper()}*", BORN.isoformat())
SOMEBODY_ELSE = ("1002", "НЕКТО НИКТОЕВИЧ НИКОЙ*", "1950-01-01")


def listed_person() -> PersonParticulars:
    family, given, patronymic = NAME.split()
    return PersonParticulars(
        family_name=family,
        given_name=given,
        patronymic=patronymic,
        birth_date=BORN,
        citizenship="RU",
        inn="990000000115",
    )


def owned_by_listed(questionnaire: Questionnaire) -> Questionnaire:
    """The firm with a second owner of a tenth, who is no beneficial owner and listed all the same."""
    graph = questionnaire.owners
    assert graph is not None
    [owner], [edge] = graph.nodes, graph.edges
    second = replace(owner, node_id=new_uuid7(), person=listed_person())
    edges = (replace(edge, share="90%"), OwnershipEdge(owner_id=second.node_id, owned_id=edge.owned_id, share="10%"))
    return replace(questionnaire, owners=OwnershipGraph(nodes=(owner, second), edges=edges))


def with_head(questionnaire: Questionnaire) -> Questionnaire:
    assert questionnaire.entity is not None
    return replace(questionnaire, entity=replace(questionnaire.entity, head=listed_person()))


def represented(questionnaire: Questionnaire) -> Questionnaire:
    return replace(questionnaire, representative=Party(person_id=new_uuid7(), person=listed_person(), authority="1"))


def for_another(questionnaire: Questionnaire) -> Questionnaire:
    return replace(
        questionnaire,
        acts_for_own_account=False,
        beneficiary=Party(person_id=new_uuid7(), person=listed_person(), authority="1"),
    )


@dataclass
class House:
    """Screening and cases over one database."""

    screening: World
    kyc: KycWorld

    async def firm(self, *, screened: bool = True) -> UUID:
        participant_id = new_uuid7()
        await self.kyc.hear(participant_registered(participant_id, "legal_entity"))
        if screened:
            firm = Particulars(kind=SubjectKind.ORGANISATION, names=(f"ООО «Проверка {participant_id.hex}»",))
            await self.screening.screen_as((participant_id, firm))
        return participant_id


@pytest_asyncio.fixture
async def house(world: World, tmp_path: Path) -> House:
    made = identity_of(world.database, world.clock, ledger=NO_LEDGER, acts=simple_acts(world.clock))
    kyc = KycWorld(
        world.database, world.clock, made.use_cases, made.reads, made.screening, made.dossiers, made.dossier_reads
    )
    return House(world, kyc)


def said(questionnaire: Questionnaire, participant_id: UUID):
    return identification(participant_id, document_kind=DocumentKind.EGRUL_EXTRACT, questionnaire=questionnaire)


@pytest.mark.parametrize("named", [owned_by_listed, with_head, represented, for_another])
async def test_a_listed_party_refers_the_case_and_stops_its_approval(house: House, named) -> None:
    await house.screening.load_persons(LISTED, SOMEBODY_ELSE)
    await house.screening.rescreen()
    bad, good = await house.firm(), await house.firm()

    recorded = await house.kyc.record(said(named(of_firm(bad)), bad), said(of_firm(good), good))
    assert [result.problem for result in recorded] == [None, None]
    refused, approved = await house.kyc.decide_all(
        *((r.participant_id, str(r.identification_sha256)) for r in recorded)
    )

    told = await house.kyc.told()
    assert [data["participant_id"] for kind, data in told if kind == "kyc_referred"] == [str(bad)]
    [referred] = [data for kind, data in told if kind == "kyc_referred"]
    assert referred["reasons"] == ["screening_hit"]
    assert refused.problem is not None
    assert refused.problem.code == "screening_hit_cannot_be_approved"
    assert approved.problem is None
    [hit] = await house.screening.hits()
    assert hit.party_of == bad
    assert hit.participant_id != bad


async def measures_told(house: House) -> list[tuple[str, str, str]]:
    """Of whom it was told, from which measure to which."""
    told = [data for kind, data in await house.kyc.told() if kind == "measure_changed"]
    return [(data["participant_id"], data["measure_before"], data["measure"]) for data in told]


async def test_a_hit_on_a_party_holds_the_participant_and_freezes_nobody(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    bad = await house.firm()

    await house.kyc.record(said(with_head(of_firm(bad)), bad))
    await house.screening.rescreen()

    [hit] = await house.screening.hits()
    assert hit.state.value == "frozen"
    assert await house.kyc.rows("SELECT 1 FROM property_freeze") == []
    assert await house.kyc.rows("SELECT 1 FROM aml_message") == []
    # Told of the participant, never of the party.
    assert await measures_told(house) == [(str(bad), "free", "held")]
    events_and_audit = str(await house.kyc.rows("SELECT data FROM outbox")) + str(
        await house.kyc.rows("SELECT subject, basis, before, after FROM audit_event")
    )
    assert NAME.split()[0] not in events_and_audit
    assert str(hit.participant_id) not in str(await house.kyc.rows("SELECT data FROM outbox"))


@pytest.mark.parametrize("named", [owned_by_listed, with_head, represented, for_another])
async def test_a_list_that_names_a_party_after_the_approval_holds_the_participant_until_two_release(
    house: House, named
) -> None:
    bad, good = await house.firm(), await house.firm()
    recorded = await house.kyc.record(said(named(of_firm(bad)), bad), said(of_firm(good), good))
    decided = await house.kyc.decide_all(*((r.participant_id, str(r.identification_sha256)) for r in recorded))
    assert [one.problem for one in decided] == [None, None]

    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()

    assert await measures_told(house) == [(str(bad), "free", "held")]
    [hit] = await house.screening.hits()
    await house.screening.release(hit)
    assert await measures_told(house) == [(str(bad), "free", "held"), (str(bad), "held", "free")]


async def test_another_questionnaire_approved_ends_the_hold(house: House) -> None:
    """The parties that count are those of the approval in force and of a case under way."""
    firm = await house.firm()
    [first] = await house.kyc.record(said(with_head(of_firm(firm)), firm))
    await house.kyc.decide(firm, str(first.identification_sha256))
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()

    [second] = await house.kyc.record(said(of_firm(firm), firm))
    assert await measures_told(house) == [(str(firm), "free", "held")]

    approved = await house.kyc.decide(firm, str(second.identification_sha256))

    assert approved.problem is None
    assert await measures_told(house) == [(str(firm), "free", "held"), (str(firm), "held", "free")]


async def test_a_rejected_questionnaire_holds_nobody(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    firm = await house.firm()
    [first] = await house.kyc.record(said(of_firm(firm), firm))
    await house.kyc.decide(firm, str(first.identification_sha256))
    [second] = await house.kyc.record(said(with_head(of_firm(firm)), firm))
    assert await measures_told(house) == [(str(firm), "free", "held")]

    await house.kyc.decide(firm, str(second.identification_sha256), KycOutcome.REJECTED)

    assert await measures_told(house) == [(str(firm), "free", "held"), (str(firm), "held", "free")]


async def test_a_hold_outlives_the_term_of_the_approval(house: House) -> None:
    firm = await house.firm()
    [first] = await house.kyc.record(said(with_head(of_firm(firm)), firm))
    await house.kyc.decide(firm, str(first.identification_sha256))
    await house.kyc.do.expire_cases(house.kyc.clock.advance(timedelta(days=400)))

    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()

    assert await measures_told(house) == [(str(firm), "free", "held")]


async def test_a_hit_that_two_released_stops_nothing(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    firm = await house.firm()
    [recorded] = await house.kyc.record(said(with_head(of_firm(firm)), firm))
    [hit] = await house.screening.hits()

    await house.screening.release(hit)
    decided = await house.kyc.decide(firm, str(recorded.identification_sha256))

    assert decided.problem is None


async def test_a_list_that_comes_between_completion_and_approval_is_looked_at(house: House) -> None:
    firm = await house.firm()
    [recorded] = await house.kyc.record(said(with_head(of_firm(firm)), firm))
    await house.screening.load_persons(LISTED)
    # The participant is compared with the new list, its parties are not yet.
    await house.screening.screen_as((firm, person("Проверкин Пров")))

    early = await house.kyc.decide(firm, str(recorded.identification_sha256))
    await house.screening.rescreen()
    late = await house.kyc.decide(firm, str(recorded.identification_sha256))

    assert early.problem is not None
    assert early.problem.code == "approval_needs_current_screening"
    assert late.problem is not None
    assert late.problem.code == "screening_hit_cannot_be_approved"


async def test_what_is_refused_leaves_no_party(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    bad = await house.firm()
    unknown = of_firm(bad)
    assert unknown.owners is not None
    [node] = unknown.owners.nodes
    graph = replace(unknown.owners, nodes=(replace(node, person=None),))

    [refused] = await house.kyc.record(said(with_head(replace(unknown, owners=graph)), bad))

    assert refused.problem is not None
    assert refused.problem.code == "beneficial_owners_must_be_identified"
    assert await house.kyc.rows("SELECT 1 FROM kyc_party") == []
    assert list(await house.screening.hits()) == []


def test_the_same_words_are_one_party_under_a_pseudonym_of_the_case() -> None:
    case_id, participant_id = new_uuid7(), new_uuid7()
    firm = of_firm(participant_id)

    [party] = parties_of(firm, case_id=case_id, participant_id=participant_id)
    [elsewhere] = parties_of(firm, case_id=new_uuid7(), participant_id=participant_id)

    assert set(party.roles) == {PartyRole.OWNER, PartyRole.HEAD}
    assert party.party_id != elsewhere.party_id
    assert parties_of(None, case_id=case_id, participant_id=participant_id) == ()
