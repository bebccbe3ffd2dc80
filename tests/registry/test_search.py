"""A search finds what people mean, uses an index, and tells a client nothing of others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import text as texts
from sqlalchemy import text

from kapital.kernel.actor import Actor, NotPermitted
from kapital.registry.domain.participant import ParticipantKind
from kapital.registry.domain.search import name_key
from kapital.registry.domain.states import ParticipantState
from kapital.registry.queries.participants import Sought
from tests.registry.conftest import World
from tests.registry.people import AUDITOR, SETTLEMENT, as_participant, entity_inn, investor, issuer, person_inn

OGRN = "1027700132195"


async def found(world: World, actor: Actor = AUDITOR, **sought: Any) -> list[str]:
    page = await world.read.list_participants(actor=actor, sought=Sought(**sought))
    return [one.name for one in page.participants]


@given(texts(max_size=60))
def test_a_key_knows_no_case_no_dots_and_no_spaces_at_its_ends(name: str) -> None:
    key = name_key(name)

    assert key == key.strip()
    assert "ё" not in key
    assert name_key(f" {name} ") == key
    assert name_key(name.replace("е", "ё").replace("Е", "Ё")) == name_key(name.replace("ё", "е").replace("Ё", "Е"))


async def test_a_name_is_found_by_its_beginning_however_it_is_written(world: World) -> None:
    await world.registered(
        investor(1, name="Фёдоров Пётр"), investor(2, name="ФЕДОРОВА Анна"), investor(3, name="Иванов Пётр")
    )
    await world.registered(issuer(4, name="Общество с ограниченной ответственностью «Фёдор и К°»", ogrn=OGRN))

    assert await found(world, name="федоров") == ["Фёдоров Пётр", "ФЕДОРОВА Анна"]
    assert await found(world, name="ФЁДОРОВ ПЕТР", exact=True) == ["Фёдоров Пётр"]
    assert await found(world, name="федоров", exact=True) == []
    assert len(await found(world, name='ООО "Федор и к')) == 1
    assert len(await found(world, name="фе", kind=ParticipantKind.LEGAL_ENTITY)) == 1
    assert await found(world, name="пётр") == []
    assert await found(world, name="«»") == []
    assert await found(world, name="%") == []
    assert await found(world, inn=person_inn(3)) == ["Иванов Пётр"]
    assert len(await found(world, inn=entity_inn(4)[:9])) == 1
    assert await found(world, inn=entity_inn(4)[:9], exact=True) == []
    assert len(await found(world, ogrn="10277")) == 1
    assert await found(world, name="федоров", state=ParticipantState.ACTIVE) == []


async def test_pages_of_a_search_hold_each_found_one_once(world: World) -> None:
    await world.registered(*(investor(number, name=f"Фёдоров {number}") for number in range(7)), investor(9))
    names, after = [], None
    while True:
        page = await world.read.list_participants(actor=AUDITOR, sought=Sought(name="федоров"), after=after, limit=3)
        names += [one.name for one in page.participants]
        if (after := page.next_after) is None:
            break

    assert names == [f"Фёдоров {number}" for number in range(7)]


async def test_a_client_learns_nothing_of_others(world: World) -> None:
    own, _ = await world.registered(investor(1, name="Фёдоров Пётр"), investor(2, name="Фёдорова Анна"))
    client = as_participant(own)

    assert await found(world, client, name="федоров") == ["Фёдоров Пётр"]
    there = await world.read.list_participants(actor=client, sought=Sought(inn=person_inn(2)))
    not_there = await world.read.list_participants(actor=client, sought=Sought(inn=person_inn(3)))
    assert there == not_there
    with pytest.raises(NotPermitted):
        await found(world, SETTLEMENT, name="федоров")


@pytest.mark.parametrize("column", ["name_key", "inn", "ogrn"])
async def test_a_beginning_is_a_range_of_an_index(world: World, column: str) -> None:
    _, _ = conditions = Sought(name="фед", inn="77", ogrn="10").columns()[column]
    form = conditions[0].format(column=column)
    async with world.database.connect() as conn:
        await conn.execute(text("SET enable_seqscan = off"))
        plan = await conn.execute(text(f"EXPLAIN SELECT 1 FROM participant p WHERE {form}"), {column: conditions[1]})
        assert f"participant_by_{column}" in "\n".join(row[0] for row in plan)
