"""A nominee holder names those for whom it holds: asked for, whole, adding up, and read by few."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, Position
from kapital.registry.domain.holder_disclosure import OPEN_MAX, DisclosedHolder
from kapital.registry.domain.holder_problems import HolderDisclosureNotFound
from kapital.registry.domain.participant import ParticipantKind, ParticipantRole
from kapital.registry.use_cases.disclose_holders import DiscloseHolders, RequestHolderDisclosure
from tests.registry.conftest import START, World
from tests.registry.people import (
    AML_OFFICER,
    AUDITOR,
    COMPLIANCE,
    ONBOARDER,
    as_participant,
    entity_inn,
    investor,
    issuer,
    person_inn,
    staff,
)
from tests.registry.race import race

DAY = timedelta(days=1)
ISSUE = UUID(int=77)
REGULATOR = staff(50, Role.REGULATOR)
NOMINEES = frozenset({ParticipantRole.NOMINEE})


def person(number: int, units: int, **changes: Any) -> DisclosedHolder:
    said = {"name": f"Скрытый Владелец {number}", "inn": person_inn(number), "units": units} | changes
    return DisclosedHolder(kind=ParticipantKind.NATURAL_PERSON, **said)


async def nominee(world: World, number: int, *, available: int = 0, frozen: int = 0) -> UUID:
    [who] = await world.active(issuer(number, roles=NOMINEES))
    for position, units in ((Position.AVAILABLE, available), (Position.FROZEN, frozen)):
        world.ledger.units[AccountKey(ISSUE, position, wallet_id_of(who))] = units
    return who


async def ask(world: World, who: UUID, *, actor: Actor = COMPLIANCE, **changes: Any) -> contract.HolderDisclosure:
    usual = {
        "participant_id": who,
        "issue_id": ISSUE,
        "as_of": START - DAY,
        "due_at": START + 5 * DAY,
        "basis_reference": "Запрос 17",
    }
    cmd = RequestHolderDisclosure(command_id=world.command_id(), actor=actor, **(usual | changes))
    return await world.do.request_holder_disclosure(cmd)


def answer(
    world: World, asked: contract.HolderDisclosure, *lines: DisclosedHolder, part: int = 1, last: bool = True
) -> DiscloseHolders:
    return DiscloseHolders(
        command_id=world.command_id(),
        actor=as_participant(asked.participant_id, Role.NOMINEE),
        disclosure_id=asked.disclosure_id,
        part=part,
        is_last=last,
        holders=lines,
    )


async def names(world: World, disclosure_id: UUID, actor: Actor = REGULATOR, **page: int) -> list[str]:
    found = await world.read.list_disclosed_holders(disclosure_id, actor=actor, **page)
    return [one.name for one in found.holders]


async def test_the_answer_is_whole_when_it_adds_up_to_what_the_register_says_in_every_position(world: World) -> None:
    who = await nominee(world, 1, available=100, frozen=50)
    asked = await ask(world, who)
    assert (asked.units_held, world.ledger.asked_at) == (150, [START - DAY])

    first = await world.do.disclose_holders(answer(world, asked, person(1, 60), person(2, 40), last=False))
    assert (first.state.value, first.lines) == ("asked", None)
    with pytest.raises(Problem) as refused:
        await world.do.disclose_holders(answer(world, asked, person(3, 51), part=2))
    assert (refused.value.code, refused.value.facts) == ("disclosure_must_add_up", {"disclosed": 151, "held": 150})
    assert len(await names(world, asked.disclosure_id)) == 2, "a refused part leaves nothing"

    whole = await world.do.disclose_holders(answer(world, asked, person(3, 50), part=2))

    assert (whole.state.value, whole.lines) == ("answered", 3)
    assert [name[-1] for name in await names(world, asked.disclosure_id)] == ["1", "2", "3"]
    assert [name[-1] for name in await names(world, asked.disclosure_id, limit=1, after=2)] == ["3"]
    with pytest.raises(Problem) as refused:
        await world.do.disclose_holders(answer(world, asked, person(3, 50), part=2))
    assert refused.value.code == "wrong_state"


async def test_a_part_sent_again_replaces_the_former_and_what_was_after_the_last_is_gone(world: World) -> None:
    who = await nominee(world, 1, available=10)
    asked = await ask(world, who)
    for part, units in ((1, 3), (2, 9), (3, 9)):
        await world.do.disclose_holders(answer(world, asked, person(part, units), part=part, last=False))

    await world.do.disclose_holders(answer(world, asked, person(4, 7), part=2))

    assert [name[-1] for name in await names(world, asked.disclosure_id)] == ["1", "4"]
    other = await ask(world, who)
    with pytest.raises(Problem) as refused:
        await world.do.disclose_holders(answer(world, other, person(1, 10), part=2))
    assert (refused.value.code, refused.value.facts) == ("disclosure_part_missing", {"part": 1})


async def test_a_repeated_command_and_many_at_once_keep_one_answer(world: World) -> None:
    asked = await ask(world, await nominee(world, 1, available=10))
    cmd = answer(world, asked, person(1, 10))

    done = await world.do.disclose_holders(cmd)
    assert await world.do.disclose_holders(cmd) == done
    other = await ask(world, asked.participant_id)
    results = await race(
        world.database,
        "LOCK TABLE holder_disclosure IN ACCESS EXCLUSIVE MODE",
        *(world.do.disclose_holders(answer(world, other, person(n, 10))) for n in range(4)),
    )

    assert sum(isinstance(one, contract.HolderDisclosure) for one in results) == 1
    assert len(await names(world, other.disclosure_id)) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (person(1, 5, name="  "), "participant_name_must_not_be_blank"),
        (person(1, 5, name="Ивaнoв Пётр"), "participant_name_must_be_readable"),
        (person(1, 5, inn="770123456700"), "inn_must_be_valid"),
        (person(1, 5, ogrn="1209800000001"), "ogrn_must_be_valid"),
        (person(1, 5, snils="00000000001"), "snils_must_be_valid"),
        (person(1, 5, inn=None), "disclosed_holder_needs_a_number"),
    ],
)
async def test_a_line_that_names_nobody_is_told_by_its_number_and_not_repeated(
    world: World, line: DisclosedHolder, code: str
) -> None:
    asked = await ask(world, await nominee(world, 1, available=10))

    with pytest.raises(Problem) as refused:
        await world.do.disclose_holders(answer(world, asked, person(9, 5), line))

    assert (refused.value.code, refused.value.facts) == ("disclosed_holder_must_be_sound", {"line": 2, "code": code})
    assert line.name not in str(refused.value) or not line.name.strip()
    assert await names(world, asked.disclosure_id) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"participant_id": UUID(int=5)}, "participant_not_found"),
        ({"issue_id": UUID(int=5)}, "disclosed_issue_not_found"),
        ({"as_of": START + DAY}, "disclosure_term_out_of_range"),
        ({"due_at": START}, "disclosure_term_out_of_range"),
        ({"due_at": START + 91 * DAY}, "disclosure_term_out_of_range"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    who = await nominee(world, 1, available=10)

    with pytest.raises(Problem) as refused:
        await ask(world, who, **changes)

    assert refused.value.code == code
    assert await world.rows("SELECT 1 FROM holder_disclosure") == []


async def test_only_a_nominee_is_asked_and_not_without_end(world: World) -> None:
    who = await nominee(world, 1, available=10)
    [itself] = await world.active(investor(1))
    with pytest.raises(Problem) as refused:
        await ask(world, itself)
    assert refused.value.code == "only_a_nominee_discloses_holders"
    for _ in range(OPEN_MAX):
        await ask(world, who)
    with pytest.raises(Problem) as refused:
        await ask(world, who)
    assert refused.value.code == "holder_disclosures_too_many"


async def test_names_are_read_by_the_offices_that_ask_supervision_and_the_nominee_alone(world: World) -> None:
    who, other = await nominee(world, 1, available=10), await nominee(world, 2)
    asked = await ask(world, who)
    await world.do.disclose_holders(answer(world, asked, person(1, 10)))
    own, others = (as_participant(one, Role.NOMINEE) for one in (who, other))

    for reader in (COMPLIANCE, AML_OFFICER, REGULATOR, own):
        assert len(await names(world, asked.disclosure_id, reader)) == 1
    for stranger in (AUDITOR, ONBOARDER, staff(60)):
        with pytest.raises(NotPermitted):
            await names(world, asked.disclosure_id, stranger)
    for asked_for in (asked.disclosure_id, UUID(int=1)):
        with pytest.raises(HolderDisclosureNotFound):
            await names(world, asked_for, others)
    with pytest.raises(HolderDisclosureNotFound):
        await world.do.disclose_holders(replace(answer(world, asked), actor=others))
    assert (await world.read.list_holder_disclosures(actor=others)).disclosures == []
    assert (await world.read.list_holder_disclosures(actor=others, participant_id=who)).disclosures == []
    assert len((await world.read.list_holder_disclosures(actor=own)).disclosures) == 1
    with pytest.raises(NotPermitted):
        await ask(world, who, actor=own)


async def test_no_name_and_no_number_of_a_holder_leaves_its_table(world: World) -> None:
    asked = await ask(world, await nominee(world, 1, available=10))
    firm = DisclosedHolder(kind=ParticipantKind.LEGAL_ENTITY, name="ООО «Тайна»", inn=entity_inn(900), units=4)

    await world.do.disclose_holders(answer(world, asked, person(801, 6), firm))

    everything = await world.all_texts_outside_participant()
    for secret in ("Скрытый", "Тайна", person_inn(801), entity_inn(900)):
        assert secret not in everything
    assert "Скрытый" not in repr(person(801, 6))


async def test_a_term_that_passed_is_seen_once_and_the_answer_is_taken_still(world: World) -> None:
    asked = await ask(world, await nominee(world, 1, available=10))
    world.clock.set(asked.due_at)

    moved = await race(
        world.database,
        "LOCK TABLE holder_disclosure IN ACCESS EXCLUSIVE MODE",
        *(world.do.note_overdue_disclosures(world.clock.now()) for _ in range(3)),
    )

    assert sum(moved) == 1
    overdue = await world.read.list_holder_disclosures(actor=AUDITOR, state="overdue")
    assert [one.disclosure_id for one in overdue.disclosures] == [asked.disclosure_id]
    late = await world.do.disclose_holders(answer(world, asked, person(1, 10)))
    assert (late.state.value, await world.do.note_overdue_disclosures(world.clock.now())) == ("answered", 0)
