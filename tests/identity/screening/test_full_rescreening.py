"""Every three months everybody is compared with whole lists; broken off, it goes on; that it ran can be shown."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kapital.contracts import identity as contract
from kapital.identity.adapters.lists.files import ListFormat
from kapital.identity.domain.screening import ListSource
from kapital.identity.domain.screening_run import next_due_at
from kapital.identity.service import identity_of
from kapital.identity.use_cases import rescreen_all
from tests.acting import simple_acts
from tests.identity.screening.conftest import OFFICER, World, ftm, ftm_person, person

LISTED = ("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН ПРОХОРОВИЧ*", "1971-04-05")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescreen_all, "CLIENTS_PER_TRANSACTION", 3)


async def run(world: World) -> int:
    return await world.do.rescreen_all(world.clock.now())


async def runs(world: World) -> contract.ScreeningRunPage:
    return await world.read.list_screening_runs(actor=OFFICER)


async def three_months_later(world: World, clients: int = 7) -> None:
    await world.load_persons(LISTED)
    await world.screen(*(person(f"Проверкин Номер {number}") for number in range(clients)))
    await world.rescreen()
    world.clock.advance(timedelta(days=93))


def test_due_is_three_calendar_months_later() -> None:
    assert next_due_at(datetime(2026, 3, 2, 9, tzinfo=UTC)) == datetime(2026, 6, 2, 9, tzinfo=UTC)
    assert next_due_at(datetime(2026, 11, 30, 9, tzinfo=UTC)) == datetime(2027, 2, 28, 9, tzinfo=UTC)


async def test_nothing_runs_before_its_time_and_without_clients_never(world: World) -> None:
    assert await run(world) == 0
    assert (await runs(world)).next_due_at is None
    await world.load_persons(LISTED)
    await world.screen(person("Проверкин Номер"))
    world.clock.advance(timedelta(days=89))

    assert await run(world) == 0

    page = await runs(world)
    assert (page.runs, page.next_due_at.date().isoformat()) == ([], "2026-06-02")  # type: ignore[union-attr]


async def test_a_run_compares_everybody_and_says_with_what(world: World) -> None:
    entity = ftm_person("Q1", "Пак Чер Су")
    await world.load(ftm(entity), file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)
    await three_months_later(world)

    assert await run(world) == 7

    page = await runs(world)
    [done] = page.runs
    assert (done.clients, done.new_hits) == (7, 0)
    assert done.finished_at is not None
    assert [(one.source.value, one.number) for one in done.lists] == [
        ("opensanctions", 1),
        ("rosfinmonitoring_terror", 1),
    ]
    assert page.next_due_at == next_due_at(done.started_at)
    assert await run(world) == 0


async def test_a_run_finds_what_an_earlier_comparison_lost(world: World) -> None:
    """As when the rules of comparison became better: nothing changed in the list or the client."""
    await three_months_later(world, clients=2)
    [client] = await world.screen(person("Жемчужников Валентин Прохорович", born="1971-04-05"))
    async with world.database.engine.begin() as conn:
        await conn.execute(text("DELETE FROM aml_message"))
        for table in ("freeze_entry", "property_freeze", "screening_hit"):
            await conn.execute(text(f"DELETE FROM {table}"))
        await conn.execute(text("UPDATE participant_measure SET measure = 'free'"))

    await run(world)

    [hit] = await world.hits()
    assert (hit.participant_id, hit.state.value) == (client.participant_id, "frozen")
    assert (await runs(world)).runs[0].new_hits == 1
    assert len((await world.read.list_aml_messages(actor=OFFICER)).messages) == 1


async def test_a_run_that_is_broken_off_goes_on_in_another_process(world: World, monkeypatch: Any) -> None:
    await three_months_later(world)
    compared: list[int] = []
    screen_kept = world.do.screener.screen_kept

    def dies_at_the_second_batch(clients: Any, **more: Any) -> Any:
        compared.append(len(clients))
        if len(compared) == 2:
            raise KeyboardInterrupt
        return screen_kept(clients, **more)

    monkeypatch.setattr(type(world.do.screener), "screen_kept", lambda _, c, **m: dies_at_the_second_batch(c, **m))
    with pytest.raises(KeyboardInterrupt):
        await run(world)
    monkeypatch.undo()
    monkeypatch.setattr(rescreen_all, "CLIENTS_PER_TRANSACTION", 3)
    [half] = (await runs(world)).runs
    assert (half.clients, half.finished_at) == (3, None)

    other = identity_of(world.database, world.clock, ledger=world.ledger, acts=simple_acts(world.clock))
    assert await other.screening.rescreen_all(world.clock.now()) == 4

    [done] = (await runs(world)).runs
    assert (done.run_id, done.clients) == (half.run_id, 7)
    assert done.finished_at is not None


async def test_of_two_processes_one_works(world: World) -> None:
    await three_months_later(world)

    await asyncio.gather(run(world), run(world))
    await run(world)

    [done] = (await runs(world)).runs
    assert done.clients == 7


async def test_a_finished_run_cannot_be_altered(world: World) -> None:
    await three_months_later(world)
    await run(world)

    for statement in ("UPDATE screening_run SET clients = 1000", "DELETE FROM screening_run"):
        with pytest.raises(DBAPIError):
            async with world.database.engine.begin() as conn:
                await conn.execute(text(statement))
