"""Roles and statuses: dated, given by two persons, told, and remembered by the register of the past."""

import json
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.status import StatusName, StatusSaid
from kapital.registry.domain.status_problems import (
    StatusAlreadyProposed,
    StatusHashMustMatch,
    StatusNeedsAnotherPerson,
    StatusNotFound,
)
from kapital.registry.use_cases.change_status import DecideStatus, ProposeStatus, WithdrawStatus
from tests.registry.conftest import START, World, kyc_decided
from tests.registry.people import (
    AUDITOR,
    COMPLIANCE,
    ONBOARDER,
    as_participant,
    entity_inn,
    investor,
    issuer,
    staff,
)
from tests.registry.race import race
from tests.registry.test_access_tokens import issue as issue_token
from tests.registry.test_signed_extract import LATER, extract

DAY = timedelta(days=1)
OTHER = staff(30, Role.COMPLIANCE)
BOTH = staff(31, Role.ONBOARDING, Role.COMPLIANCE)
QUALIFIED = StatusName.QUALIFIED_BY_RECOGNITION
LOCK = "LOCK TABLE participant IN ACCESS EXCLUSIVE MODE"


def said(name: StatusName = QUALIFIED, **changes: Any) -> StatusSaid:
    usual: dict[str, Any] = {"name": name, "basis_reference": "Заявление 1"}
    if name in (QUALIFIED, StatusName.QUALIFIED_BY_LAW, StatusName.INVESTOR_TEST_PASSED):
        usual |= {"recognised_by": "ПАО «Банк»", "evidence_sha256": "ab" * 32}
    return StatusSaid(**(usual | changes))


async def propose(
    world: World, who: UUID, what: StatusSaid, *, actor: Actor = ONBOARDER
) -> contract.ParticipantStatus:
    cmd = ProposeStatus(command_id=world.command_id(), actor=actor, participant_id=who, said=what)
    return await world.do.propose_status(cmd)


async def decide(
    world: World, one: contract.ParticipantStatus, *, actor: Actor = COMPLIANCE, accept: bool = True, **changes: Any
) -> contract.ParticipantStatus:
    usual = {"status_id": one.status_id, "status_sha256": one.status_sha256}
    cmd = DecideStatus(command_id=world.command_id(), actor=actor, accept=accept, **(usual | changes))  # type: ignore[arg-type]
    return await world.do.decide_status(cmd)


async def give(world: World, who: UUID, what: StatusSaid) -> contract.ParticipantStatus:
    return await decide(world, await propose(world, who, what))


async def withdraw(world: World, status_id: UUID, *, actor: Actor = COMPLIANCE) -> contract.ParticipantStatus:
    cmd = WithdrawStatus(command_id=world.command_id(), actor=actor, status_id=status_id, basis_reference="Приказ 2")
    return await world.do.withdraw_status(cmd)


async def held(world: World, who: UUID) -> dict[str, datetime | None]:
    """What the participant reads of itself."""
    found = await world.read.get_participant(who, actor=as_participant(who))
    return {one.status.value: one.valid_until for one in found.statuses}


async def told(world: World, who: UUID) -> list[dict[str, str | None]]:
    """What the others were told, in order."""
    return [
        {one["status"]: one["valid_until"] for one in data["statuses"]}
        for name, data in await world.events()
        if name == "participant_statuses_changed" and data["participant_id"] == str(who)
    ]


async def traces(world: World) -> list[Any]:
    names = ("participant_status", "audit_event", "outbox", "participant")
    return [await world.rows(f"SELECT t::text AS t FROM {name} t ORDER BY 1") for name in names]


async def test_what_one_proposes_is_held_when_another_accepts_this_very_proposal(world: World) -> None:
    [who] = await world.active(investor(1))
    until = START + 300 * DAY
    proposed = await propose(world, who, said(valid_from=START - DAY, valid_until=until), actor=BOTH)

    assert (proposed.state.value, await held(world, who), await told(world, who)) == (
        "proposed",
        {"investor": None},
        [],
    )
    for changes, refused in (
        ({"actor": BOTH}, StatusNeedsAnotherPerson),
        ({"status_sha256": "0" * 64}, StatusHashMustMatch),
        ({"status_id": who}, StatusNotFound),
        ({"actor": ONBOARDER}, NotPermitted),
    ):
        before = await traces(world)
        with pytest.raises(refused):
            await decide(world, proposed, **changes)  # type: ignore[arg-type]
        assert await traces(world) == before

    world.clock.advance(DAY)
    accepted = await decide(world, proposed)

    assert (accepted.state.value, accepted.valid_from) == ("held", START - DAY)
    assert accepted.held_at is not None
    assert START + DAY <= accepted.held_at <= world.clock.now()
    assert await held(world, who) == {"investor": None, "qualified_by_recognition": until}
    assert [list(one) for one in await told(world, who)] == [["investor", "qualified_by_recognition"]]


async def test_a_repeated_command_does_nothing_new(world: World) -> None:
    [who] = await world.active(investor(1))
    proposing = ProposeStatus(command_id=world.command_id(), actor=ONBOARDER, participant_id=who, said=said())
    proposed = await world.do.propose_status(proposing)
    deciding = DecideStatus(
        command_id=world.command_id(),
        actor=COMPLIANCE,
        status_id=proposed.status_id,
        accept=True,
        status_sha256=proposed.status_sha256,
    )
    decided = await world.do.decide_status(deciding)
    before = await traces(world)

    assert await world.do.propose_status(proposing) == proposed
    assert await world.do.decide_status(deciding) == decided
    assert await traces(world) == before


@pytest.mark.parametrize(
    ("kind", "what", "code"),
    [
        ("person", said(valid_from=START + DAY), "status_term_out_of_range"),
        ("person", said(valid_until=START), "status_term_out_of_range"),
        ("person", said(evidence_sha256=None), "status_needs_evidence"),
        ("person", said(recognised_by=None), "status_needs_recogniser"),
        ("person", said(StatusName.QUALIFIED_BY_LAW), "qualified_by_law_must_be_entity"),
        ("person", said(StatusName.INVESTOR_TEST_PASSED, evidence_sha256=None), "status_needs_evidence"),
        ("entity", said(StatusName.INVESTOR_TEST_PASSED), "investor_test_is_for_persons"),
        ("person", said(StatusName.ISSUER, valid_from=START), "status_term_out_of_range"),
        ("person", said(StatusName.INVESTOR), "status_already_held"),
        ("person", said(StatusName.ISSUER), "issuer_must_be_entity_or_entrepreneur"),
        ("person", said(StatusName.NOMINEE), "nominee_must_be_entity"),
        ("entity", said(StatusName.NOMINEE), "nominee_must_hold_no_other_role"),
        ("person", said(StatusName.INVESTOR, valid_until=START + DAY), "participant_must_keep_a_role"),
    ],
)
async def test_what_cannot_be_held_is_not_proposed_and_leaves_no_trace(
    world: World, kind: str, what: StatusSaid, code: str
) -> None:
    [who] = await world.active(investor(1) if kind == "person" else issuer(1))
    before = await traces(world)

    with pytest.raises(Problem) as refused:
        await propose(world, who, what)

    assert refused.value.code == code
    assert await traces(world) == before


async def test_one_proposal_of_a_kind_waits_at_a_time_and_a_refused_one_holds_nothing(world: World) -> None:
    [who] = await world.active(investor(1))
    first = await propose(world, who, said())
    with pytest.raises(StatusAlreadyProposed):
        await propose(world, who, said(valid_until=START + DAY))

    refused = await decide(world, first, accept=False)

    assert (refused.state.value, await told(world, who)) == ("refused", [])
    await give(world, who, said(valid_until=START + DAY))
    assert set(await held(world, who)) == {"investor", "qualified_by_recognition"}


async def test_of_many_decisions_at_once_one_is_made(world: World) -> None:
    [who] = await world.active(investor(1))
    proposed = await propose(world, who, said())

    results = await race(
        world.database, LOCK, *(decide(world, proposed, actor=staff(40 + n, Role.COMPLIANCE)) for n in range(5))
    )

    made = [one for one in results if isinstance(one, contract.ParticipantStatus)]
    assert len(made) == 1
    assert {one.code for one in results if isinstance(one, Problem)} == {"wrong_state"}
    assert len(await told(world, who)) == 1


async def test_a_term_ends_as_of_its_end_once_whoever_looks_and_however_late(world: World) -> None:
    people = await world.active(*(investor(n) for n in range(3)))
    until = START + 10 * DAY
    for who in people[:2]:
        await give(world, who, said(valid_until=until))
    world.clock.set(until)

    await race(world.database, LOCK, *(world.do.expire_statuses(world.clock.now()) for _ in range(4)))

    for who in people[:2]:
        page = await world.read.list_statuses(who, actor=AUDITOR)
        [one] = [one for one in page.statuses if one.status.value == QUALIFIED]
        assert (one.state.value, one.end, one.ended_at) == ("ended", contract.StatusEnd.term_over, until)
        assert [set(some) for some in await told(world, who)] == [{"investor", QUALIFIED}, {"investor"}]
    assert await told(world, people[2]) == []


async def test_the_same_anew_takes_the_place_of_what_was_held(world: World) -> None:
    [who] = await world.active(investor(1))
    first = await give(world, who, said(valid_until=START + DAY))
    await give(world, who, said(valid_until=START + 400 * DAY, recognised_by="operator"))

    page = await world.read.list_statuses(who, actor=AUDITOR)

    ends = {one.status_id: one.end for one in page.statuses}
    assert ends[first.status_id] is contract.StatusEnd.replaced
    assert await held(world, who) == {"investor": None, QUALIFIED: START + 400 * DAY}


async def test_an_identification_tells_of_a_qualified_investor_before_its_wallet_and_is_not_above_the_office(
    world: World,
) -> None:
    a, b = await world.registered(investor(1), investor(2))
    await world.hear(kyc_decided(a, "approved", category="qualified"), kyc_decided(b, "approved"))
    names = [name for name, data in await world.events() if data["participant_id"] == str(a)]
    assert names.index("participant_statuses_changed") < names.index("wallet_opened")
    assert set(await held(world, a)) == {"investor", QUALIFIED}
    assert await told(world, b) == []

    await world.hear(kyc_decided(a, "approved", category="qualified", valid_until="2028-03-02T09:00:00Z"))
    assert (await held(world, a))[QUALIFIED] == datetime.fromisoformat("2028-03-02T09:00:00+00:00")
    await world.hear(kyc_decided(a, "approved"))
    assert set(await held(world, a)) == {"investor"}

    by_office = await give(world, a, said())
    await world.hear(kyc_decided(a, "approved", category="qualified"), kyc_decided(a, "approved"))
    assert set(await held(world, a)) == {"investor", QUALIFIED}
    await withdraw(world, by_office.status_id)
    assert set(await held(world, a)) == {"investor"}


async def test_a_lost_role_takes_its_tokens_along_and_no_other(world: World) -> None:
    [who] = await world.active(issuer(1))
    given = await give(world, who, said(StatusName.INVESTOR))
    buys = await issue_token(world, who, Role.INVESTOR)
    signs = await issue_token(world, who, Role.ISSUER_SIGNATORY)
    assert await world.verifier.verify(str(buys.token))

    await withdraw(world, given.status_id)

    assert await world.verifier.verify(str(buys.token)) is None
    assert await world.verifier.verify(str(signs.token))
    with pytest.raises(Problem) as refused:
        await issue_token(world, who, Role.INVESTOR)
    assert refused.value.code == "token_roles_exceed_subject"


async def test_the_last_role_and_an_issuer_with_live_issues_stay(world: World) -> None:
    [who] = await world.active(issuer(1))
    page = await world.read.list_statuses(who, actor=AUDITOR)
    [own] = page.statuses

    with pytest.raises(Problem) as refused:
        await withdraw(world, own.status_id)
    assert refused.value.code == "participant_must_keep_a_role"

    await give(world, who, said(StatusName.INVESTOR))
    async with world.database.engine.begin() as conn:
        await world.do.participants.note_issues(conn, [{"issue": UUID(int=7), "issuer": who, "state": "circulating"}])
    with pytest.raises(Problem) as refused:
        await withdraw(world, own.status_id)
    assert refused.value.code == "issuer_must_have_no_live_issue"

    async with world.database.engine.begin() as conn:
        await world.do.participants.note_issues(conn, [{"issue": UUID(int=7), "state": "redeemed"}])
    await withdraw(world, own.status_id)
    assert set(await held(world, who)) == {"investor"}


async def test_a_client_sees_what_it_holds_and_held_and_nothing_of_others(world: World) -> None:
    who, other = await world.active(investor(1), investor(2))
    await propose(world, who, said())
    own = await world.read.list_statuses(who, actor=as_participant(who))

    assert [one.status.value for one in own.statuses] == ["investor"]
    assert len((await world.read.list_statuses(who, actor=AUDITOR)).statuses) == 2
    for asked in (other, UUID(int=9)):
        with pytest.raises(ParticipantNotFound):
            await world.read.list_statuses(asked, actor=as_participant(who))
    first = await world.read.list_statuses(who, actor=AUDITOR, limit=1)
    rest = await world.read.list_statuses(who, actor=AUDITOR, after=first.next_after)
    assert [one.state.value for one in (*first.statuses, *rest.statuses)] == ["held", "proposed"]


async def test_the_register_of_the_past_knows_who_held_what(world: World) -> None:
    draw = random.Random(11)
    people = await world.active(*(issuer(n, inn=entity_inn(n)) for n in range(4)))
    untouched = (await world.active(investor(50)))[0]
    given: dict[UUID, list[UUID]] = {who: [] for who in people}
    model = []
    for _ in range(16):
        who = draw.choice(people)
        if given[who] and draw.random() < 0.4:
            await withdraw(world, given[who].pop())
        else:
            name = draw.choice([StatusName.INVESTOR, StatusName.QUALIFIED_BY_LAW])
            present = await held(world, who)
            if name not in present:
                given[who].append((await give(world, who, said(name))).status_id)
        model.append((world.clock.now(), {str(one): set(await held(world, one)) for one in (*people, untouched)}))
        world.clock.advance(timedelta(minutes=1))
    world.clock.advance(LATER)
    first = [await extract(world, at) for at, _ in model]
    for who in people:
        await world.hear(kyc_decided(who, "approved", category="qualified"))
    world.clock.advance(DAY)

    for (at, remembered), (file, _) in zip(model, first, strict=True):
        lines = [json.loads(line) for line in file.splitlines()[1:]]
        for line in lines:
            seen = set(line["roles"]) | {one["status"] for one in line.get("statuses", ())}
            assert seen == remembered[line["participant_id"]]
        # Who was never touched has the line that was signed before there were statuses.
        assert ["statuses" in line for line in lines if line["participant_id"] == str(untouched)] == [False]
        assert (await extract(world, at))[0].partition(b"\n")[2] == file.partition(b"\n")[2]
