"""Nobody is approved on a person's word alone: particulars are recorded and compared with the lists in force."""

from dataclasses import replace

from kapital.identity.domain.screening import ListSource
from kapital.identity.service import identity_of
from kapital.platform.ids import new_uuid7
from tests.acting import simple_acts
from tests.identity.conftest import NO_LEDGER, participant_registered
from tests.identity.conftest import World as KycWorld
from tests.identity.screening.conftest import World, person

LISTED = ("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН ПРОХОРОВИЧ*", "1971-04-05")


def kyc_of(world: World, *required: ListSource) -> KycWorld:
    made = identity_of(
        world.database,
        world.clock,
        ledger=NO_LEDGER,
        acts=simple_acts(world.clock),
        required_lists=frozenset(required),
    )
    return KycWorld(
        world.database, world.clock, made.use_cases, made.reads, made.screening, made.dossiers, made.dossier_reads
    )


async def test_without_recorded_particulars_there_is_no_approval(world: World) -> None:
    await world.load_persons(LISTED)
    await world.rescreen()
    kyc, participant = kyc_of(world), new_uuid7()
    await kyc.hear(participant_registered(participant))
    sha256 = await kyc.identified(participant)

    refused = await kyc.decide(participant, sha256)
    await world.screen_as((participant, person("Проверкин Пров")))
    approved = await kyc.decide(participant, sha256)

    assert refused.problem is not None
    assert refused.problem.code == "approval_needs_recorded_screening"
    assert approved.problem is None


async def test_a_list_that_came_since_has_to_be_compared_first(world: World) -> None:
    kyc, participant = kyc_of(world), new_uuid7()
    await kyc.hear(participant_registered(participant))
    sha256 = await kyc.identified(participant)
    await world.screen_as((participant, person("Проверкин Пров")))
    await world.load_persons(LISTED)

    refused = await kyc.decide(participant, sha256)
    await world.rescreen()
    approved = await kyc.decide(participant, sha256)

    assert refused.problem is not None
    assert (refused.problem.code, refused.problem.facts) == (
        "approval_needs_current_screening",
        {"waiting": "rosfinmonitoring_terror"},
    )
    assert approved.problem is None


async def test_a_list_that_must_be_in_force_and_is_not_stops_approvals(world: World) -> None:
    kyc, participant = kyc_of(world, ListSource.ROSFINMONITORING_TERROR, ListSource.UN), new_uuid7()
    await kyc.hear(participant_registered(participant))
    sha256 = await kyc.identified(participant)
    await world.load_persons(LISTED)
    await world.screen_as((participant, person("Проверкин Пров")))

    refused = await kyc.decide(participant, sha256)

    assert refused.problem is not None
    assert refused.problem.facts == {"missing": "un"}


async def test_what_screening_says_names_versions_and_time(world: World) -> None:
    participant = new_uuid7()
    first = await world.load_persons(LISTED)
    await world.screen_as((participant, person("Проверкин Пров")))
    screenings = world.service.use_cases.screenings
    async with world.do.uow.begin() as tx:
        said = (await screenings.screening_of(tx.conn, [participant, new_uuid7()]))[participant]
    await world.load_persons(LISTED, ("2", "ЦАРЁВ ЛЕВ", None), date="2026-03-09")
    async with world.do.uow.begin() as tx:
        later = (await screenings.screening_of(tx.conn, [participant]))[participant]
    await world.rescreen()
    async with world.do.uow.begin() as tx:
        last = (await screenings.screening_of(tx.conn, [participant]))[participant]

    assert said.compared == {ListSource.ROSFINMONITORING_TERROR: first.number}
    assert said.waiting == frozenset()
    assert later == replace(said, compared={}, waiting=frozenset({ListSource.ROSFINMONITORING_TERROR}))
    assert last.compared == {ListSource.ROSFINMONITORING_TERROR: 2}
    assert last.screened_at > said.screened_at
