"""A client is compared with every list, at once and at each update; persons decide; the client learns nothing.

Scenarios 25, 26.
"""

import asyncio
import re
from datetime import datetime, timedelta

import pytest
from prometheus_client import generate_latest

from kapital.identity.adapters.lists.files import ListFormat
from kapital.identity.domain.problems import (
    DecisionNamesAnotherHit,
    MakerAndCheckerMustDiffer,
    ReleaseMustBeProposed,
    ScreeningHitNotFound,
)
from kapital.identity.domain.screening import ListSource
from kapital.identity.service import identity_of
from kapital.identity.use_cases.decide_hit import DecideHit, HitDecision
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.actor import NotPermitted
from kapital.kernel.states import WrongState
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import REGISTRY
from tests.acting import simple_acts
from tests.identity.conftest import World as KycWorld
from tests.identity.conftest import participant_registered
from tests.identity.screening.conftest import (
    OFFICER,
    ONBOARDER,
    OTHER_OFFICER,
    World,
    company,
    ftm,
    ftm_person,
    person,
)

LISTED = ("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН ПРОХОРОВИЧ*", "1971-04-05")


async def test_same_name_and_birth_date_freezes_at_once(world: World) -> None:
    await world.load_persons(LISTED)

    [found] = await world.screen(person("Zhemchuzhnikov Valentin Prokhorovich", born="1971-04-05"))

    assert (found.measure.value, found.new_hits) == ("frozen", 1)
    [hit] = await world.hits()
    assert (hit.state.value, hit.grade.value, hit.decide_by) == ("frozen", "exact", None)
    assert [(t["measure_before"], t["measure"]) for t in await world.told()] == [("free", "frozen")]


async def test_a_shared_document_number_freezes_whatever_the_name(world: World) -> None:
    entity = ftm_person("Q1", "Пак Чер Су", passportNumber=["AB 1234567"])
    await world.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.UN)

    [found] = await world.screen(person("Сидоров Пётр Ильич", passport="ab1234567"))

    assert found.measure.value == "frozen"


async def test_a_likeness_holds_operations_for_a_day(world: World) -> None:
    await world.load_persons(LISTED)

    [found] = await world.screen(person("Жемчужников В.П."))

    assert found.measure.value == "held"
    [hit] = await world.hits()
    assert (hit.state.value, hit.grade.value) == ("suspected", "fuzzy")
    assert hit.decide_by == hit.raised_at + timedelta(hours=24)
    assert any("initials" in reason for reason in hit.reasons)


async def test_another_person_is_not_hit(world: World) -> None:
    await world.load_persons(LISTED)

    results = await world.screen(
        person("Жемчужников Валентин Петрович"), person("Жемчужникова Валентина Прохоровна"), company("ООО «Жемчуг»")
    )

    assert [(r.measure.value, r.new_hits) for r in results] == [("free", 0)] * 3
    assert await world.told() == []


async def test_an_exact_hit_in_a_foreign_list_waits_for_a_person(world: World) -> None:
    entity = ftm_person("Q2", "Valentin Zhemchuzhnikov", birthDate=["1971-04-05"])
    await world.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)

    [found] = await world.screen(person("Valentin Zhemchuzhnikov", born="1971-04-05"))

    assert found.measure.value == "held"
    assert (await world.hits())[0].grade.value == "exact"


async def test_a_public_official_is_told_to_the_officer_and_served_on(world: World) -> None:
    entity = ftm_person("Q3", "Ерёмина Галина Филипповна", birthDate=["1960-01-02"], topics=["role.pep"])
    await world.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)

    [found] = await world.screen(person("Еремина Галина Филипповна", born="1960-01-02"))

    assert (found.measure.value, found.new_hits) == ("free", 1)
    [hit] = await world.hits()
    assert (await world.decide(hit, HitDecision.CONFIRM)).state.value == "pep"


async def test_an_update_finds_clients_of_long_ago(world: World) -> None:
    await world.load_persons(("1", "КРЮКОВ ЭДУАРД МАКСИМОВИЧ", "1980-01-01"))
    strangers = await world.screen(person("Аюпов Ринат Маратович"), person("Жемчужников Валентин Прохорович"))
    await world.rescreen()

    await world.load_persons(("1", "КРЮКОВ ЭДУАРД МАКСИМОВИЧ", "1980-01-01"), LISTED)
    assert await world.rescreen() == 1

    [told] = await world.told()
    assert told["participant_id"] == str(strangers[1].participant_id)
    assert told["measure"] == "held"


async def test_an_update_compares_only_what_is_new_or_changed(world: World) -> None:
    first = await world.load_persons(("1", "КРЮКОВ ЭДУАРД", None), LISTED)
    second = await world.load_persons(
        ("1", "КРЮКОВ ЭДУАРД", None), LISTED, ("3", "ЦАРЁВ ЛЕВ", None), date="2026-03-09"
    )
    changed = ("1", "КРЮКОВ ЭДУАРД МАКСИМОВИЧ", None)
    third = await world.load_persons(changed, LISTED, ("3", "ЦАРЁВ ЛЕВ", None), date="2026-03-16")

    assert [first.changed_count, second.changed_count, third.changed_count] == [2, 1, 1]
    assert await world.count("SELECT count(*) FROM screening_entry") == 4
    assert await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL") == 3
    assert await world.count("SELECT count(*) FROM screening_staged") == 0


async def test_rescreening_again_raises_nothing_twice(world: World) -> None:
    await world.screen(person("Жемчужников Валентин Прохорович", born="1971-04-05"))
    await world.load_persons(LISTED)

    counts = await asyncio.gather(world.rescreen(), world.rescreen())

    assert sorted(counts) == [0, 1]
    assert await world.rescreen() == 0
    assert len(await world.told()) == 1


async def test_clients_recorded_while_a_list_comes_into_force_are_all_found(world: World) -> None:
    await world.load_persons(("1", "КРЮКОВ ЭДУАРД МАКСИМОВИЧ", None), date="2026-02-01")
    known = [(new_uuid7(), person("Жемчужников Валентин")) for _ in range(30)]
    fresh = [(new_uuid7(), person("Жемчужников Валентин")) for _ in range(30)]
    await world.screen_as(*known)

    async def update() -> None:
        await world.load_persons(LISTED, ("1", "КРЮКОВ ЭДУАРД МАКСИМОВИЧ", None))
        await world.rescreen()

    await asyncio.gather(update(), *(world.screen_as(client) for client in [*fresh, *known[::-1]]), world.rescreen())
    await world.rescreen()

    assert await world.count("SELECT count(*) FROM participant_measure WHERE measure = 'held'") == 60
    assert len(await world.told()) == 60


async def test_a_false_positive_is_released_by_two_and_not_raised_again(world: World) -> None:
    client = (new_uuid7(), person("Жемчужников Валентин"))
    await world.load_persons(LISTED)
    await world.screen_as(client)
    [hit] = await world.hits()

    released = await world.release(hit)
    [again] = await world.screen_as(client)
    await world.load_persons(LISTED, ("2", "АЮПОВ РИНАТ", None), date="2026-03-09")
    found = await world.rescreen()

    assert (released.state.value, released.measure.value) == ("false_positive", "free")
    assert (again.measure.value, again.new_hits, found) == ("free", 0, 0)
    assert [t["measure"] for t in await world.told()] == ["held", "free"]


async def test_a_released_pair_is_raised_anew_when_the_entry_changes(world: World) -> None:
    await world.screen(person("Жемчужников Валентин"))
    await world.load_persons(LISTED)
    await world.rescreen()
    await world.release((await world.hits())[0])

    await world.load_persons(("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН", "1971-04-05"), date="2026-03-09")

    assert await world.rescreen() == 1
    assert [t["measure"] for t in await world.told()] == ["held", "free", "held"]


async def test_a_released_pair_is_raised_anew_when_the_client_changes(world: World) -> None:
    participant = new_uuid7()
    await world.load_persons(LISTED)
    await world.screen_as((participant, person("Жемчужников Валентин")))
    await world.release((await world.hits())[0])

    [found] = await world.screen_as((participant, person("Жемчужников Валентин Прохорович", born="1971-04-05")))

    assert found.measure.value == "frozen"


async def test_one_release_leaves_the_measure_of_the_other_hit(world: World) -> None:
    await world.load_persons(LISTED, ("1002", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН", None))
    await world.screen(person("Жемчужников Валентин Прохорович", born="1971-04-05"))
    hits = {hit.state.value: hit for hit in await world.hits()}

    assert (await world.release(hits["suspected"])).measure.value == "frozen"
    assert (await world.release(hits["frozen"])).measure.value == "free"


async def test_one_officer_cannot_release(world: World) -> None:
    await world.load_persons(LISTED)
    await world.screen(person("Жемчужников Валентин"))
    [hit] = await world.hits()

    with pytest.raises(ReleaseMustBeProposed):
        await world.decide(hit, HitDecision.APPROVE_RELEASE)
    await world.decide(hit, HitDecision.PROPOSE_RELEASE)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await world.decide(hit, HitDecision.APPROVE_RELEASE)
    with pytest.raises(DecisionNamesAnotherHit):
        await world.decide(hit, HitDecision.APPROVE_RELEASE, actor=OTHER_OFFICER, sha256="ab" * 32)
    assert (await world.hits())[0].state.value == "suspected"


async def test_a_confirmed_likeness_freezes_and_voids_a_proposal(world: World) -> None:
    await world.load_persons(LISTED)
    await world.screen(person("Жемчужников Валентин"))
    [hit] = await world.hits()
    await world.decide(hit, HitDecision.PROPOSE_RELEASE)

    confirmed = await world.decide(hit, HitDecision.CONFIRM, actor=OTHER_OFFICER)

    assert (confirmed.state.value, confirmed.measure.value) == ("frozen", "frozen")
    with pytest.raises(ReleaseMustBeProposed):
        await world.decide(hit, HitDecision.APPROVE_RELEASE, actor=OTHER_OFFICER)
    with pytest.raises(WrongState):
        await world.decide(hit, HitDecision.CONFIRM)


async def test_deciding_needs_the_officer_and_a_hit(world: World) -> None:
    def cmd(actor: object) -> DecideHit:
        return DecideHit(
            command_id=world.command_id(),
            actor=actor,  # type: ignore[arg-type]
            hit_id=new_uuid7(),
            decision=HitDecision.CONFIRM,
            hit_sha256="ab" * 32,
            reason="x",
        )

    with pytest.raises(NotPermitted):
        await world.do.decide_hit(cmd(ONBOARDER))
    with pytest.raises(ScreeningHitNotFound):
        await world.do.decide_hit(cmd(OFFICER))


async def test_the_same_command_twice_screens_once(world: World) -> None:
    await world.load_persons(LISTED)
    cmd = ScreenClients(
        command_id=world.command_id(),
        actor=ONBOARDER,
        clients=(NewClient(participant_id=new_uuid7(), particulars=person("Жемчужников Валентин")),),
    )

    assert await world.do.screen_clients(cmd) == await world.do.screen_clients(cmd)
    assert len(await world.hits()) == 1


async def test_no_name_leaves_by_event_audit_or_reply(world: World) -> None:
    await world.load_persons(LISTED)
    await world.screen(person("Жемчужников Валентин Прохорович", born="1971-04-05"), person("Жемчужников В.П."))
    for hit in await world.hits():
        await world.release(hit)

    written = (await world.all_text("outbox", "audit_event")).casefold()

    assert "жемчужников" not in written
    # The year as a word: ids and fractions of a second have such digits by chance.
    assert not re.search(r"(?<![0-9a-f-])1971(?![0-9a-f+])", written)
    assert "rosfinmonitoring" not in await world.all_text("outbox")


async def test_the_officer_gets_a_draft_that_says_all(world: World) -> None:
    await world.load_persons(LISTED)
    [client] = await world.screen(person("Жемчужников Валентин Прохорович", born="1971-04-05"))

    message = (await world.hits())[0].officer_message

    for part in (str(client.participant_id), "1001", "точное", "the same name and birth date", "Росфинмониторинг"):
        assert part in message


async def test_who_is_under_a_measure_is_not_approved(world: World) -> None:
    participant = new_uuid7()
    await world.load_persons(LISTED)
    await world.screen_as((participant, person("Жемчужников Валентин")))
    service = identity_of(world.database, world.clock, ledger=world.ledger, acts=simple_acts(world.clock))
    kyc = KycWorld(
        world.database,
        world.clock,
        service.use_cases,
        service.reads,
        service.screening,
        service.dossiers,
        service.dossier_reads,
    )
    await kyc.hear(participant_registered(participant))
    sha256 = await kyc.identified(participant)

    refused = await kyc.decide(participant, sha256)
    await world.release((await world.hits())[0])
    approved = await kyc.decide(participant, sha256)

    assert refused.problem is not None
    assert refused.problem.code == "screening_hit_cannot_be_approved"
    assert approved.problem is None


async def test_a_decision_that_is_late_is_shown_in_the_list_and_as_a_metric_until_it_is_made(world: World) -> None:
    entity = ftm_person("Q5", NAME_LISTED, topics=["role.pep"])
    await world.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)
    await world.load_persons(LISTED)
    await world.screen(person("Жемчужников В.П."))
    official, likeness = sorted(await world.hits(), key=lambda hit: hit.purpose.value)
    assert likeness.decide_by is not None
    assert (await overdue(world, likeness.decide_by - timedelta(minutes=1))) == (0, [False, False])

    assert (await overdue(world, likeness.decide_by)) == (2, [True, True])

    await world.decide(official, HitDecision.CONFIRM)
    await world.release(likeness)
    assert (await overdue(world, likeness.decide_by)) == (0, [False, False])


NAME_LISTED = "Жемчужников Валентин Прохорович"


async def overdue(world: World, now: datetime) -> tuple[int, list[bool]]:
    """What the schedule tells at this instant: (the metric, whether each hit is late)."""
    world.clock.advance(max(now - world.clock.now(), timedelta(0)))
    for tick in world.service.ticks:
        await tick(now)
    exposed = generate_latest(REGISTRY).decode()
    [value] = re.findall(r"^kapital_screening_hits_overdue (\S+)$", exposed, re.MULTILINE)
    return int(float(value)), [hit.is_overdue is True for hit in await world.hits()]
