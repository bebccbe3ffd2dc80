"""Versions of the rule book: agreed by two, in force one at a time, accepted once by each."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.registry.domain.problems import (
    RuleBookAgreedByDrafter,
    RuleBookAlreadyAccepted,
    RuleBookAlreadyEntered,
    RuleBookHashMustMatch,
    RuleBookMustBeginLater,
    RuleBookVersionNotInForce,
)
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook
from kapital.registry.use_cases.rule_book_life import DraftRuleBook, MoveRuleBook
from tests.registry.conftest import World
from tests.registry.people import AUDITOR, COMPLIANCE, RULE_BOOK, as_participant, investor, staff
from tests.registry.race import race

LEGAL = staff(21, Role.LEGAL)
NEXT, NEXT_SHA256, FIRST_DAY = "2026-04-01", "6b" * 32, date(2026, 4, 1)
MIDNIGHT = datetime(2026, 3, 31, 21, tzinfo=UTC)


async def draft(world: World, **changes: Any) -> str:
    said: dict[str, Any] = {
        "actor": LEGAL,
        "rule_book_version": NEXT,
        "document_sha256": NEXT_SHA256,
        "effective_on": FIRST_DAY,
    }
    cmd = DraftRuleBook(command_id=world.command_id(), **(said | changes))
    return (await world.do.draft_rule_book(cmd)).state.value


async def move(world: World, step: str, **changes: Any) -> str:
    said: dict[str, Any] = {"actor": LEGAL, "rule_book_version": NEXT, "document_sha256": NEXT_SHA256}
    cmd = MoveRuleBook(command_id=world.command_id(), step=step, reference="Исх. 1", **(said | changes))
    return (await world.do.move_rule_book(cmd)).state.value


async def agreed(world: World) -> None:
    assert await draft(world) == "draft"
    assert await move(world, "sent") == "sent_to_cbr"
    assert await move(world, "agreed", actor=COMPLIANCE) == "agreed"


def acceptance(world: World, participant_id: Any, version: str = NEXT, sha256: str = NEXT_SHA256) -> AcceptRuleBook:
    return AcceptRuleBook(
        command_id=world.command_id(),
        actor=as_participant(participant_id),
        participant_id=participant_id,
        rule_book_version=version,
        document_sha256=sha256,
    )


async def test_a_version_comes_into_force_at_midnight_in_moscow_and_once(world: World) -> None:
    await agreed(world)
    world.clock.set(MIDNIGHT.replace(hour=20, minute=59))
    assert await world.do.bring_into_force(world.clock.now()) == RULE_BOOK

    world.clock.set(MIDNIGHT)
    assert {await world.do.bring_into_force(world.clock.now()) for _ in range(2)} == {NEXT}

    told = [data for kind, data in await world.events() if kind == "rule_book_effective"]
    assert [data["rule_book_version"] for data in told] == [NEXT]
    listed = (await world.read.list_rule_books(actor=AUDITOR)).rule_books
    assert {one.rule_book_version: one.state.value for one in listed} == {NEXT: "effective", RULE_BOOK: "superseded"}


async def test_what_is_not_agreed_by_another_person_on_the_exact_hash_never_is(world: World) -> None:
    await draft(world)
    with pytest.raises(WrongState):
        await move(world, "agreed", actor=COMPLIANCE)
    await move(world, "sent")
    with pytest.raises(RuleBookAgreedByDrafter):
        await move(world, "agreed")
    with pytest.raises(RuleBookHashMustMatch):
        await move(world, "agreed", actor=COMPLIANCE, document_sha256="00" * 32)
    with pytest.raises(NotPermitted):
        await move(world, "agreed", actor=AUDITOR)

    world.clock.set(MIDNIGHT)
    assert await world.do.bring_into_force(world.clock.now()) == RULE_BOOK


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"effective_on": date(2026, 3, 2)}, RuleBookMustBeginLater),
        ({"rule_book_version": RULE_BOOK}, RuleBookAlreadyEntered),
        ({"actor": COMPLIANCE}, NotPermitted),
    ],
)
async def test_a_draft_has_a_new_name_and_a_later_day(
    world: World, changes: dict[str, Any], refused: type[Problem]
) -> None:
    with pytest.raises(refused):
        await draft(world, **changes)
    assert len((await world.read.list_rule_books(actor=AUDITOR)).rule_books) == 1


async def test_a_participant_sees_no_draft_and_accepts_the_version_in_force_once(world: World) -> None:
    [one] = await world.active(investor(1))
    await agreed(world)
    assert len((await world.read.list_rule_books(actor=as_participant(one))).rule_books) == 1
    with pytest.raises(RuleBookVersionNotInForce):
        await world.do.accept_rule_book(acceptance(world, one))
    world.clock.set(MIDNIGHT)
    await world.do.bring_into_force(world.clock.now())

    outcomes = await race(
        world.database,
        "SELECT 1 FROM participant WHERE participant_id = :id FOR UPDATE",
        world.do.accept_rule_book(acceptance(world, one)),
        world.do.accept_rule_book(acceptance(world, one)),
        id=one,
    )

    assert sum(isinstance(outcome, RuleBookAlreadyAccepted) for outcome in outcomes) == 1
    assert (await world.read.get_participant(one, actor=AUDITOR)).rule_book_version == NEXT
    rows = await world.rows("SELECT version FROM rule_book_acceptance ORDER BY accepted_at")
    assert [row["version"] for row in rows] == [RULE_BOOK, NEXT]
