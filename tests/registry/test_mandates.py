"""Mandates of brokers: given by a signed act, accepted by another, ended by either; told without a name."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts.registry import Mandate
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.platform.acts.files import read_signed_act
from kapital.platform.acts.form import SignedAct
from kapital.platform.acts.problems import ActMustBeOne, QualifiedSignatureRequired
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.registry.domain.mandate import LIVE_MAX, TERM_MAX, MandatePower, MandateSaid
from kapital.registry.domain.mandate_problems import (
    MandateAlreadyEnded,
    MandateAlreadyGiven,
    MandateLimitsMustFit,
    MandateMustBeGiven,
    MandateMustBeOfTwo,
    MandateNeedsBroker,
    MandateNotFound,
    MandatesTooMany,
    MandateTermOutOfRange,
    MandateTextMustMatch,
)
from kapital.registry.domain.participant import Application, ParticipantKind, ParticipantRole
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.use_cases.accept_mandate import AcceptMandate, PrepareMandateAct
from kapital.registry.use_cases.change_status import WithdrawStatus
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from kapital.registry.use_cases.end_mandate import EndMandate
from kapital.registry.use_cases.give_mandate import GiveMandate
from kapital.sandbox.certification_authority import SandboxSigner, Subject
from tests.registry.conftest import START, World
from tests.registry.people import AUDITOR, COMPLIANCE, as_participant, entity_inn, investor, issuer, staff
from tests.registry.test_signed_acceptance import Signing

DAY = timedelta(days=1)
UNTIL = START + 90 * DAY


def broker(number: int, **changes: Any) -> Application:
    roles = frozenset({ParticipantRole.BROKER})
    return issuer(number, **({"name": f"АО «Брокер {number}»", "roles": roles} | changes))


def as_broker(participant_id: UUID) -> Actor:
    return as_participant(participant_id, Role.BROKER)


def saying(broker_id: UUID, **changes: Any) -> MandateSaid:
    said: dict[str, Any] = {
        "broker_id": broker_id,
        "powers": frozenset(MandatePower),
        "order_limit_kopecks": 1_000_000,
        "day_limit_kopecks": 3_000_000,
        "valid_until": UNTIL,
    }
    return MandateSaid(**(said | changes))


def giving(world: World, principal: UUID, broker_id: UUID, **changes: Any) -> GiveMandate:
    actor = changes.pop("actor", None) or as_participant(principal)
    said = saying(broker_id, **changes)
    return GiveMandate(command_id=world.command_id(), actor=actor, participant_id=principal, said=said)


async def given(world: World, principal: UUID, broker_id: UUID, **changes: Any) -> Mandate:
    return await world.do.give_mandate(giving(world, principal, broker_id, **changes))


def accepting(world: World, mandate: Mandate, **changes: Any) -> AcceptMandate:
    said: dict[str, Any] = {"actor": as_broker(mandate.broker_id), "text_sha256": mandate.text_sha256} | changes
    return AcceptMandate(command_id=world.command_id(), mandate_id=mandate.mandate_id, **said)


async def accepted(world: World, mandate: Mandate, **changes: Any) -> Mandate:
    return await world.do.accept_mandate(accepting(world, mandate, **changes))


async def ended(world: World, mandate: Mandate, actor: Actor) -> Mandate:
    cmd = EndMandate(command_id=world.command_id(), actor=actor, mandate_id=mandate.mandate_id)
    return await world.do.end_mandate(cmd)


async def told(world: World) -> list[dict[str, Any]]:
    return [data for event, data in await world.events() if event == "mandate_changed"]


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


async def two(world: World) -> tuple[UUID, UUID]:
    client, firm = await world.active(investor(1), broker(2))
    return client, firm


async def test_a_mandate_is_given_accepted_and_ended_and_only_what_is_in_force_is_told(world: World) -> None:
    client, firm = await two(world)

    mandate = await given(world, client, firm)
    assert (mandate.state.value, mandate.accepted_at, mandate.ended_at, mandate.end) == ("given", None, None, None)
    assert await told(world) == []

    taken = await accepted(world, mandate)
    assert taken.state.value == "in_force"
    assert taken.accepted_at is not None
    assert taken.accepted_at >= mandate.given_at

    world.clock.advance(DAY)
    over = await ended(world, mandate, as_participant(client))
    assert (over.state.value, over.end and over.end.value) == ("ended", "by_principal")
    assert over.ended_at is not None
    assert over.ended_at >= taken.accepted_at + DAY
    known = {
        "mandate_id": str(mandate.mandate_id),
        "participant_id": str(client),
        "broker_id": str(firm),
        "powers": ["place_orders", "withdraw_orders"],
        "order_limit_kopecks": 1_000_000,
        "day_limit_kopecks": 3_000_000,
        "valid_from": _text(taken.accepted_at),
    }
    assert await told(world) == [
        known | {"valid_until": "2026-05-31T09:00:00Z", "changed_at": _text(taken.accepted_at)},
        known | {"valid_until": _text(over.ended_at), "changed_at": _text(over.ended_at)},
    ]


async def test_the_text_is_kept_by_its_hash_and_names_what_was_said(world: World) -> None:
    client, firm = await two(world)
    mandate = await given(world, client, firm)

    text = await world.do.acts.files.get(mandate.text_sha256)

    assert sha256(text).hexdigest() == mandate.text_sha256
    for part in (str(client), str(firm), "10 000,00", "30 000,00", "31.05.2026 12:00:00", "подавать", "отзывать"):
        assert part in text.decode().replace("\u00a0", " "), part


async def test_either_side_ends_it_alone_and_before_it_is_accepted_too(world: World) -> None:
    client, firm = await two(world)
    offered = await given(world, client, firm)
    assert (await ended(world, offered, as_broker(firm))).end.value == "by_broker"  # type: ignore[union-attr]
    assert await told(world) == []
    taken = await given(world, client, firm)
    await accepted(world, taken)

    assert (await ended(world, taken, as_broker(firm))).end.value == "by_broker"  # type: ignore[union-attr]

    with pytest.raises(MandateAlreadyEnded):
        await ended(world, taken, as_participant(client))
    with pytest.raises(MandateMustBeGiven):
        await accepted(world, taken)


async def test_a_repeat_is_answered_as_the_first_time_and_another_request_under_its_key_is_refused(
    world: World,
) -> None:
    client, firm = await two(world)
    give = giving(world, client, firm)
    mandate = await world.do.give_mandate(give)
    accept = accepting(world, mandate)
    taken = await world.do.accept_mandate(accept)
    end = EndMandate(command_id=world.command_id(), actor=as_broker(firm), mandate_id=mandate.mandate_id)
    over = await world.do.end_mandate(end)

    assert await world.do.give_mandate(give) == mandate
    assert await world.do.accept_mandate(accept) == taken
    assert await world.do.end_mandate(end) == over
    assert len(await told(world)) == 2
    with pytest.raises(IdempotencyKeyReused):
        await world.do.give_mandate(replace(give, said=saying(firm, day_limit_kopecks=2_000_000)))
    with pytest.raises(IdempotencyKeyReused):
        await world.do.accept_mandate(replace(accept, text_sha256="00" * 32))
    with pytest.raises(IdempotencyKeyReused):
        await world.do.end_mandate(replace(end, mandate_id=new_uuid7()))


async def test_what_cannot_be_given_is_refused_in_the_order_of_the_checks(world: World) -> None:
    client, firm = await two(world)
    [other] = await world.active(investor(7))
    cases: list[tuple[dict[str, Any], type[Problem]]] = [
        ({"broker_id": client, "order_limit_kopecks": 9, "day_limit_kopecks": 8}, MandateMustBeOfTwo),
        ({"order_limit_kopecks": 9, "day_limit_kopecks": 8, "valid_until": START}, MandateLimitsMustFit),
        ({"broker_id": other, "valid_until": START}, MandateTermOutOfRange),
        ({"valid_until": START + TERM_MAX + DAY}, MandateTermOutOfRange),
        ({"valid_until": datetime.max.replace(tzinfo=UTC)}, MandateTermOutOfRange),
        ({"broker_id": other}, MandateNeedsBroker),
        ({"broker_id": new_uuid7()}, MandateNeedsBroker),
    ]
    for changes, refused in cases:
        with pytest.raises(refused):
            await given(world, client, changes.pop("broker_id", firm), **changes)
        assert await world.rows("SELECT 1 FROM mandate") == []


async def test_who_is_no_side_of_it_finds_no_mandate_and_nobody_gives_in_the_name_of_another(world: World) -> None:
    client, firm = await two(world)
    stranger, rival = await world.active(investor(3), broker(4))
    mandate = await given(world, client, firm)
    for actor in (as_participant(stranger), as_broker(rival)):
        with pytest.raises(MandateNotFound):
            await ended(world, mandate, actor)
    with pytest.raises(MandateNotFound) as unseen:
        await accepted(world, mandate, actor=as_broker(rival))
    assert (unseen.value.facts, unseen.value.detail) == ({}, MandateNotFound().detail)
    with pytest.raises(MandateNotFound):
        await world.do.accept_mandate(replace(accepting(world, mandate), mandate_id=new_uuid7()))
    with pytest.raises(NotPermitted):
        await accepted(world, mandate, actor=as_participant(client))
    with pytest.raises(ParticipantNotFound):
        await given(world, client, firm, actor=as_participant(stranger))
    with pytest.raises(NotPermitted):
        await given(world, client, firm, actor=COMPLIANCE)
    by_power = Actor(str(new_uuid7()), client, frozenset({Role.INVESTOR, Role.REPRESENTATIVE}))
    with pytest.raises(NotPermitted):
        await given(world, client, firm, actor=by_power)
    [row] = await world.rows("SELECT accepted_at, ended_at FROM mandate")
    assert row == {"accepted_at": None, "ended_at": None}


async def test_another_text_is_not_accepted(world: World) -> None:
    client, firm = await two(world)
    mandate = await given(world, client, firm)

    with pytest.raises(MandateTextMustMatch):
        await accepted(world, mandate, text_sha256="00" * 32)

    assert await told(world) == []


async def test_between_two_participants_one_mandate_lives_and_a_term_that_is_over_makes_room(world: World) -> None:
    client, firm = await two(world)
    old = await given(world, client, firm)
    await accepted(world, old)
    with pytest.raises(MandateAlreadyGiven):
        await given(world, client, firm)

    world.clock.set(UNTIL)
    with pytest.raises(MandateAlreadyEnded):
        await ended(world, old, as_participant(client))
    new = await given(world, client, firm, valid_until=UNTIL + DAY)

    page = await world.read.list_mandates(client, actor=as_participant(client))
    assert [(one.mandate_id, one.state.value, one.ended_at) for one in page.mandates] == [
        (old.mandate_id, "ended", UNTIL),
        (new.mandate_id, "given", None),
    ]
    assert page.mandates[0].end is not None
    assert page.mandates[0].end.value == "term_over"


async def test_of_two_given_at_once_one_is_kept_and_of_an_acceptance_and_an_end_one_is_made(world: World) -> None:
    client, firm = await two(world)
    results = await asyncio.gather(*(given(world, client, firm) for _ in range(4)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Mandate"] + ["MandateAlreadyGiven"] * 3
    [mandate] = [result for result in results if isinstance(result, Mandate)]

    outcome = await asyncio.gather(
        accepted(world, mandate), ended(world, mandate, as_participant(client)), return_exceptions=True
    )

    assert isinstance(outcome[1], Mandate), outcome
    assert isinstance(outcome[0], (Mandate, MandateMustBeGiven)), outcome
    assert len(await told(world)) == (2 if isinstance(outcome[0], Mandate) else 0)


async def test_a_principal_has_no_more_mandates_than_the_limit(world: World) -> None:
    client, *firms = await world.active(investor(1), *(broker(number) for number in range(2, LIVE_MAX + 3)))
    for firm in firms[:LIVE_MAX]:
        await given(world, client, firm)

    with pytest.raises(MandatesTooMany):
        await given(world, client, firms[LIVE_MAX])

    world.clock.set(UNTIL)
    await given(world, client, firms[LIVE_MAX], valid_until=UNTIL + DAY)


async def test_who_is_a_broker_no_more_has_no_mandates(world: World) -> None:
    roles = frozenset({ParticipantRole.BROKER, ParticipantRole.INVESTOR})
    client, firm, rival = await world.active(investor(1), broker(2, roles=roles), broker(3))
    await accepted(world, await given(world, client, firm))
    await accepted(world, await given(world, firm, rival))
    waiting = await given(world, client, rival)
    held = await world.rows(
        "SELECT status_id FROM participant_status WHERE participant_id = :id AND status = 'broker'", id=firm
    )

    legal = staff(9, Role.COMPLIANCE)
    cmd = WithdrawStatus(
        command_id=world.command_id(), actor=legal, status_id=held[0]["status_id"], basis_reference="Приказ 5"
    )
    await world.do.withdraw_status(cmd)

    page = await world.read.list_mandates(firm, actor=AUDITOR)
    assert [(one.participant_id, one.end and one.end.value) for one in page.mandates] == [
        (client, "role_lost"),
        (firm, None),
    ]
    with pytest.raises(MandateNeedsBroker):
        await given(world, client, firm)
    await accepted(world, waiting)


async def test_for_who_is_an_investor_no_more_nobody_orders(world: World) -> None:
    """It orders no more itself: who has its mandate does not either. A mandate that it took as a broker stays."""
    roles = frozenset({ParticipantRole.BROKER, ParticipantRole.INVESTOR})
    client, firm, rival, other = await world.active(investor(1), broker(2, roles=roles), broker(3), broker(4))
    await accepted(world, await given(world, client, firm))
    await accepted(world, await given(world, firm, rival))
    waiting = await given(world, firm, other)
    [held] = await world.rows(
        "SELECT status_id FROM participant_status WHERE participant_id = :id AND status = 'investor'", id=firm
    )

    cmd = WithdrawStatus(
        command_id=world.command_id(),
        actor=staff(9, Role.COMPLIANCE),
        status_id=held["status_id"],
        basis_reference="Приказ 6",
    )
    await world.do.withdraw_status(cmd)

    page = await world.read.list_mandates(firm, actor=AUDITOR)
    assert [(one.participant_id, one.broker_id, one.end and one.end.value) for one in page.mandates] == [
        (client, firm, None),
        (firm, rival, "role_lost"),
        (firm, other, "role_lost"),
    ]
    last = (await told(world))[-1]
    assert (last["broker_id"], last["valid_until"]) == (str(rival), last["changed_at"])
    with pytest.raises(MandateMustBeGiven):
        await accepted(world, waiting)


async def test_whoever_leaves_leaves_its_mandates(world: World) -> None:
    client, firm = await two(world)
    await accepted(world, await given(world, client, firm))
    ask = RequestClosing(
        command_id=world.command_id(),
        actor=as_participant(client),
        participant_id=client,
        basis_reference="Заявление",
    )
    closing = await world.do.request_closing(ask)
    decide = DecideClosing(
        command_id=world.command_id(),
        actor=staff(8, Role.LEGAL),
        participant_id=client,
        close=True,
        closing_sha256=closing.closing_sha256,
        basis_reference="Решение",
        no_dispute_reference="Справка",
    )

    await world.do.decide_closing(decide)

    [mandate] = (await world.read.list_mandates(firm, actor=as_broker(firm))).mandates
    assert mandate.end is not None
    assert mandate.end.value == "participant_left"
    assert mandate.ended_at is not None
    assert (await told(world))[-1]["valid_until"] == _text(mandate.ended_at)


async def test_each_side_reads_its_own_and_control_reads_all_page_by_page(world: World) -> None:
    client, firm = await two(world)
    rival, stranger = await world.active(broker(3), investor(4))
    first, second = await given(world, client, firm), await given(world, client, rival)

    page = await world.read.list_mandates(client, actor=as_participant(client), limit=1)
    rest = await world.read.list_mandates(client, actor=AUDITOR, after=page.next_after)

    assert [one.mandate_id for one in page.mandates] == [first.mandate_id]
    assert [one.mandate_id for one in rest.mandates] == [second.mandate_id]
    assert rest.next_after is None
    of_firm = await world.read.list_mandates(firm, actor=as_broker(firm))
    assert [one.mandate_id for one in of_firm.mandates] == [first.mandate_id]
    for whose, actor in ((client, as_broker(firm)), (client, as_participant(stranger)), (new_uuid7(), AUDITOR)):
        with pytest.raises(ParticipantNotFound):
            await world.read.list_mandates(whose, actor=actor)


async def test_a_broker_is_a_russian_entity_that_is_an_investor_at_most_beside(world: World) -> None:
    kinds = {"kind": ParticipantKind.NATURAL_PERSON, "inn": investor(5).inn}
    foreign = {"kind": ParticipantKind.FOREIGN_ENTITY, "inn": entity_inn(6)}
    both = {"roles": frozenset({ParticipantRole.BROKER, ParticipantRole.ISSUER})}

    results = await world.register(broker(5, **kinds), broker(6, **foreign), broker(7, **both))

    codes = [result.problem.code for result in results if result.problem]
    assert codes == [
        "broker_must_be_russian_entity",
        "broker_must_be_russian_entity",
        "broker_must_hold_no_other_role",
    ]


async def test_exactly_one_act_is_prepared_and_only_of_what_can_be_given(world: World) -> None:
    client, firm = await two(world)
    ask = PrepareMandateAct(actor=as_participant(client), idempotency_key="key-1")
    for wrong in (ask, replace(ask, mandate=saying(firm), acceptance=(new_uuid7(), "00" * 32))):
        with pytest.raises(ActMustBeOne):
            world.do.prepare_mandate_act(wrong)
    with pytest.raises(MandateTermOutOfRange):
        world.do.prepare_mandate_act(replace(ask, mandate=saying(firm, valid_until=START)))
    with pytest.raises(NotPermitted):
        world.do.prepare_mandate_act(replace(ask, actor=COMPLIANCE, mandate=saying(firm)))

    act = world.do.prepare_mandate_act(replace(ask, mandate=saying(firm)))

    assert act.wording.command == {
        "participant_id": str(client),
        "broker_id": str(firm),
        "powers": ["place_orders", "withdraw_orders"],
        "order_limit_kopecks": "1000000",
        "day_limit_kopecks": "3000000",
        "valid_until": "2026-05-31T09:00:00Z",
    }


# --- signatures -----------------------------------------------------------------------------------------------


def entity_signer(signing: Signing, number: int) -> SandboxSigner:
    numbers = {"inn_legal_entity": entity_inn(number)}
    subject = Subject("Генеральный директор", numbers)
    return SandboxSigner.for_subject(signing.authority, subject, clock=signing.world.clock)


async def test_both_acts_are_signed_by_the_certificates_of_the_two_sides(world: World, tmp_path: Path) -> None:
    client, firm = await two(world)
    signing = Signing(world, tmp_path)
    of_client, of_firm = signing.signer(1), entity_signer(signing, 2)
    await signing.hear("certificate_bound", client, of_client)
    await signing.hear("certificate_bound", firm, of_firm)
    give = giving(world, client, firm)
    with pytest.raises(QualifiedSignatureRequired):
        await world.do.give_mandate(give)
    prepared = world.do.prepare_mandate_act(
        PrepareMandateAct(actor=give.actor, idempotency_key=give.command_id, mandate=give.said)
    )
    signed = SignedAct(made_at=prepared.made_at, signature=of_client.sign_now(prepared.to_sign()))
    dearer = replace(giving(world, client, firm, day_limit_kopecks=9_000_000), signed_act=signed)
    with pytest.raises(Problem) as refused:
        await world.do.give_mandate(dearer)
    assert refused.value.code == "signed_text_differs"
    assert await world.rows("SELECT 1 FROM mandate") == []

    mandate = await world.do.give_mandate(replace(give, signed_act=signed))

    accept = accepting(world, mandate)
    with pytest.raises(QualifiedSignatureRequired):
        await world.do.accept_mandate(accept)
    prepared = world.do.prepare_mandate_act(
        PrepareMandateAct(
            actor=accept.actor,
            idempotency_key=accept.command_id,
            acceptance=(mandate.mandate_id, mandate.text_sha256),
        )
    )
    by_client = SignedAct(made_at=prepared.made_at, signature=of_client.sign_now(prepared.to_sign()))
    with pytest.raises(Problem) as refused:
        await world.do.accept_mandate(replace(accept, signed_act=by_client))
    assert refused.value.code == "power_of_attorney_required"
    by_firm = SignedAct(made_at=prepared.made_at, signature=of_firm.sign_now(prepared.to_sign()))
    taken = await world.do.accept_mandate(replace(accept, signed_act=by_firm))

    assert taken.state.value == "in_force"
    [row] = await world.rows("SELECT given_act_sha256, accepted_act_sha256 FROM mandate")
    file = read_signed_act(await signing.files.get(row["given_act_sha256"]))
    assert sha256(file.shown_text.encode()).hexdigest() == mandate.text_sha256
    assert row["accepted_act_sha256"] is not None
