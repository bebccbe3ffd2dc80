"""register_participants: what it promises, one test per promise. Law: 259-FZ art. 8, 152-FZ. Scenario 55."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kapital.kernel.actor import NotPermitted
from kapital.kernel.ids import CommandId, wallet_id_of
from kapital.platform.context import bind_context
from kapital.platform.contract_files import load_contract
from kapital.platform.problems import IdempotencyKeyReused
from kapital.registry.domain.participant import Acceptance, ParticipantKind, ParticipantRole
from kapital.registry.use_cases.register_participants import RegisterParticipants
from tests.registry.conftest import World, kyc_decided
from tests.registry.people import ADMIN, ONBOARDER, investor, issuer, person_inn
from tests.registry.race import race
from tests.registry.test_whole_life import accept


def command(*applications, key: str = "k", actor=ONBOARDER) -> RegisterParticipants:
    return RegisterParticipants(command_id=CommandId(key), actor=actor, participants=applications)


async def test_enters_an_applicant_and_tells_the_others_without_a_name(world: World) -> None:
    [result] = await world.register(issuer(1, roles=frozenset({ParticipantRole.INVESTOR, ParticipantRole.ISSUER})))

    assert result.problem is None
    assert result.state == "identifying"
    assert result.wallet_id == wallet_id_of(result.participant_id)
    [(name, data)] = await world.events()
    assert name == "participant_registered"
    assert len(data.pop("persons_sha256")) == 64
    assert data == {
        "participant_id": str(result.participant_id),
        "kind": "legal_entity",
        "roles": ["investor", "issuer"],
        "rule_book_version": "2026-01-01",
    }


async def test_who_was_entered_identity_reads_in_a_salted_file_that_the_event_names(world: World) -> None:
    first, second, bad = investor(1, name="Достоевский Фёдор"), issuer(2), investor(3, inn="1" * 12)
    results = await world.register(first, second, bad)
    later = await world.registered(investor(4, acceptance=Acceptance.BY_PARTICIPANT))
    await world.registered(investor(1, inn=person_inn(9), name="Достоевский Фёдор"))
    await accept(world, later[0])

    told = [data for name, data in await world.events() if name == "participant_registered"]
    files = {data["participant_id"]: await persons(world, data["persons_sha256"]) for data in told}

    entered = str(results[0].participant_id)
    assert [(one["id"], one["name"], one["inn"]) for one in files[entered]["persons"]] == [
        (str(result.participant_id), said.name, said.inn)
        for result, said in zip(results, (first, second, bad), strict=True)
        if result.participant_id
    ]
    assert [one["inn"] for one in files[str(later[0])]["persons"]] == [person_inn(4)]
    assert len({file["salt"] for file in files.values()}) == 3


async def persons(world: World, key: str) -> dict[str, Any]:
    document = load_contract("events", "registry")
    assert document is not None
    file = json.loads(await world.do.acts.files.get(key))
    schema = {"$ref": "#/components/schemas/PersonsFile", "components": document["components"]}
    Draft202012Validator(schema).validate(file)
    return dict(file)


async def test_keeps_names_and_numbers_in_the_participant_table_only(world: World) -> None:
    person = investor(1, name="Достоевский Фёдор Михайлович")

    await world.active(person)
    await world.register(person)  # refused: the refusal must not tell either

    kept = await world.all_texts_outside_participant()
    assert "Достоевский" not in kept
    assert person.inn not in kept


async def test_the_audit_hash_cannot_be_recomputed_without_the_salt(world: World) -> None:
    await world.registered(investor(1), investor(2, name="Инвестор 1"))

    rows = await world.rows("SELECT after FROM audit_event WHERE action = 'registry.participant_registered'")
    hashes = {row["after"]["person_sha256"] for row in rows}
    assert len(hashes) == 2
    salts = await world.rows("SELECT DISTINCT hash_salt FROM participant")
    assert len(salts) == 2


async def test_one_bad_item_spoils_nobody(world: World) -> None:
    results = await world.register(
        investor(1),
        investor(2, inn="1" * 12),
        investor(3, rule_book_version="2020"),
        investor(4, roles=frozenset({ParticipantRole.ISSUER})),
        investor(1, name="Другое имя"),
        investor(5),
    )

    codes = [result.problem.code if result.problem else None for result in results]
    assert codes == [
        None,
        "inn_must_be_valid",
        "rule_book_version_must_be_in_force",
        "issuer_must_be_entity_or_entrepreneur",
        "participant_already_registered",
        None,
    ]
    assert results[2].problem.facts == {"accepted": "2020", "in_force": "2026-01-01"}
    names = await world.rows("SELECT name FROM participant ORDER BY participant_id")
    assert [row["name"] for row in names] == ["Инвестор 1", "Инвестор 5"]
    assert len(await world.events()) == 2


async def test_a_person_may_be_registered_once_more_as_entrepreneur(world: World) -> None:
    entrepreneur = investor(1, kind=ParticipantKind.SOLE_PROPRIETOR)

    await world.registered(investor(1), entrepreneur)


async def test_who_was_rejected_may_apply_anew(world: World) -> None:
    [first] = await world.registered(investor(1))
    await world.hear(kyc_decided(first, "rejected"))

    [second] = await world.registered(investor(1))

    assert second != first
    assert await world.state(first) == "rejected"


async def test_the_same_key_gets_the_same_answer_and_no_second_effect(world: World) -> None:
    first = await world.do.register_participants(command(investor(1), investor(2, inn="1" * 12)))

    with bind_context() as context:
        second = await world.do.register_participants(command(investor(1), investor(2, inn="1" * 12)))

    assert second == first
    assert context.noted.replayed
    assert len(await world.events()) == 1


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    await world.do.register_participants(command(investor(1)))

    with pytest.raises(IdempotencyKeyReused):
        await world.do.register_participants(command(investor(1, name="Иначе")))


async def test_only_onboarding_registers(world: World) -> None:
    with pytest.raises(NotPermitted):
        await world.do.register_participants(command(investor(1), actor=ADMIN))

    assert await world.events() == []


async def test_batches_with_the_same_people_in_other_order_enter_each_once(world: World) -> None:
    people = sorted((investor(number) for number in range(9)), key=lambda person: person.inn)
    # A stranger's uncommitted row in the middle stops both batches half-way: unless both go through the numbers in
    # one order, each then holds what the other needs.
    middle = """
        INSERT INTO participant (participant_id, kind, name, name_key, inn, hash_salt, roles, rule_book_version,
                                 state, registered_at, version)
        VALUES (gen_random_uuid(), 'natural_person', 'x', 'x', :inn, decode(repeat('00', 32), 'hex'), '{investor}',
                '1', 'identifying', now(), 1)
    """

    answers = await race(
        world.database,
        middle,
        world.do.register_participants(command(*people, key="up")),
        world.do.register_participants(command(*people[::-1], key="down")),
        inn=people[4].inn,
    )

    results = [result for answer in answers for result in answer.results]
    entered = [result for result in results if result.problem is None]
    assert len(entered) == 9
    assert {result.problem.code for result in results if result.problem} == {"participant_already_registered"}
    [count] = await world.rows("SELECT count(DISTINCT inn) AS people, count(*) AS rows FROM participant")
    assert count == {"people": 9, "rows": 9}


async def test_a_thousand_are_entered_with_a_handful_of_statements(world: World) -> None:
    statements = []

    from sqlalchemy import event

    @event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
    def count(conn, cursor, statement, *args) -> None:
        statements.append(statement)

    await world.registered(*(investor(number, inn=person_inn(number)) for number in range(1000)))

    assert len(statements) <= 10
