"""Terms, renewals, and what a participant is told. Scenario 30."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kapital.identity.domain.kyc_case import InvestorCategory, KycOutcome
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.domain.states import CaseState
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.roles import Role
from tests.identity.conftest import AUDITOR, OFFICER, World, identification, staff
from tests.registry.race import race

YEAR = timedelta(days=366)


def as_participant(participant_id: UUID) -> Actor:
    return Actor(id=str(participant_id), participant_id=participant_id, roles=frozenset({Role.INVESTOR}))


async def test_an_approval_expires_at_its_instant_and_is_told_once(world: World) -> None:
    [participant_id] = await world.approved()
    [row] = await world.rows("SELECT valid_until FROM kyc_case")
    until = row["valid_until"]

    before = await world.do.expire_cases(until - timedelta(microseconds=1))
    at = await world.do.expire_cases(until)
    after = await world.do.expire_cases(until + timedelta(days=1))

    assert (before, at, after) == (0, 1, 0)
    assert await world.states(participant_id) == ["expired"]
    assert [kind for kind, _ in await world.events()] == ["kyc_decided", "kyc_expired"]


async def test_many_expire_in_batches_also_with_two_schedulers_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kapital.identity.use_cases.expire_cases.BATCH_MAX", 4)
    await world.approved(15)
    now = world.clock.advance(YEAR)

    counts = await asyncio.gather(world.do.expire_cases(now), world.do.expire_cases(now))
    rest = await world.do.expire_cases(now)

    assert sum(counts) + rest == 15
    expired = [data["participant_id"] for kind, data in await world.events() if kind == "kyc_expired"]
    assert len(expired) == len(set(expired)) == 15


async def test_the_status_ends_by_the_clock_before_the_scheduler_notes_it(world: World) -> None:
    [participant_id] = await world.approved()
    me = as_participant(participant_id)
    held = await world.read.get_kyc_status(participant_id, actor=me)

    world.clock.advance(YEAR)

    lapsed = await world.read.get_kyc_status(participant_id, actor=me)
    assert (held.is_identified, held.is_valid, held.category) == (True, True, "unqualified")
    assert (lapsed.is_identified, lapsed.is_valid) == (True, False)


async def test_a_renewal_replaces_the_approval_it_renews(world: World) -> None:
    [participant_id] = await world.approved()
    world.clock.advance(timedelta(days=300))
    sha256 = await world.identified(
        participant_id, category=InvestorCategory.QUALIFIED, category_evidence_reference="КИ-1"
    )
    assert await world.states(participant_id) == ["approved", "identified"]

    await world.decide(participant_id, sha256)

    assert await world.states(participant_id) == ["superseded", "approved"]
    # The old term must not end the new approval.
    assert await world.do.expire_cases(world.clock.advance(timedelta(days=100))) == 0
    status = await world.read.get_kyc_status(participant_id, actor=AUDITOR)
    assert (status.is_valid, status.category) == (True, "qualified")


async def test_a_rejected_renewal_ends_the_approval_and_may_be_tried_again(world: World) -> None:
    [participant_id] = await world.approved()

    await world.decide(participant_id, await world.identified(participant_id), KycOutcome.REJECTED)
    ended = await world.read.get_kyc_status(participant_id, actor=AUDITOR)
    again = await world.decide(participant_id, await world.identified(participant_id))

    assert not ended.is_valid
    assert again.problem is None
    assert await world.states(participant_id) == ["superseded", "rejected", "approved"]


async def test_an_expired_participant_is_identified_anew(world: World) -> None:
    [participant_id] = await world.approved()
    await world.do.expire_cases(world.clock.advance(YEAR))

    result = await world.decide(participant_id, await world.identified(participant_id))

    assert result.state == "approved"
    assert await world.states(participant_id) == ["expired", "approved"]


async def test_expiry_and_renewal_at_once_leave_one_approval(world: World) -> None:
    [participant_id] = await world.approved()
    sha256 = await world.identified(participant_id)
    now = world.clock.advance(YEAR)

    # The scheduler does not wait: it leaves out who is worked on, and comes again.
    await race(
        world.database,
        "SELECT 1 FROM kyc_case FOR UPDATE",
        world.do.expire_cases(now),
        world.decide(participant_id, sha256),
    )
    await world.do.expire_cases(now)

    states = await world.states(participant_id)
    assert states in (["expired", "approved"], ["superseded", "approved"])
    status = await world.read.get_kyc_status(participant_id, actor=AUDITOR)
    assert status.is_valid


async def test_a_first_rejection_is_final(world: World) -> None:
    [participant_id] = await world.opened()
    await world.decide(participant_id, await world.identified(participant_id), KycOutcome.REJECTED)

    [result] = await world.record(identification(participant_id))

    assert result.problem is not None
    assert result.problem.code == "kyc_case_must_await_identification"
    assert result.problem.facts == {"state": "rejected"}


async def test_a_participant_sees_its_own_status_only(world: World) -> None:
    own, other = await world.approved(2)

    for hidden in (other, uuid4()):
        with pytest.raises(KycCaseNotFound) as refused:
            await world.read.get_kyc_status(hidden, actor=as_participant(own))
        assert refused.value.facts == {}
    with pytest.raises(NotPermitted):
        await world.read.list_kyc_cases(actor=as_participant(own))
    with pytest.raises(NotPermitted):
        await world.read.get_kyc_status(own, actor=staff(9, Role.SETTLEMENT))


async def test_cases_come_page_by_page(world: World) -> None:
    ids = await world.opened(5)
    await world.identified(ids[0])

    first = await world.read.list_kyc_cases(actor=OFFICER, limit=3)
    second = await world.read.list_kyc_cases(actor=OFFICER, limit=3, after=first.next_after)
    identified = await world.read.list_kyc_cases(actor=OFFICER, state=CaseState.IDENTIFIED)

    assert {case.participant_id for case in [*first.cases, *second.cases]} == set(ids)
    assert second.next_after is None
    [case] = identified.cases
    assert case.identification is not None
    assert case.identification.screening_result == "clear"
