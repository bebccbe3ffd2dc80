"""record_identifications and decide_kyc: what they promise, one test per promise. Law: 115-FZ art. 7. Scenario 55."""

from datetime import timedelta
from uuid import uuid4

import pytest

from kapital.identity.domain.kyc_case import InvestorCategory, KycOutcome, ScreeningResult
from kapital.identity.use_cases.decide_kyc import DecideKyc, NewKycDecision
from kapital.identity.use_cases.record_identifications import RecordIdentifications
from kapital.kernel.actor import NotPermitted
from kapital.kernel.ids import CommandId
from kapital.platform.context import bind_context
from kapital.platform.problems import IdempotencyKeyReused
from tests.identity.conftest import (
    BOTH_ROLES,
    OFFICER,
    ONBOARDER,
    OTHER_OFFICER,
    World,
    identification,
    participant_registered,
)
from tests.registry.race import race

EVERY_CASE = "SELECT 1 FROM kyc_case FOR UPDATE"


async def test_a_registered_participant_gets_one_case_however_often_it_is_told(world: World) -> None:
    [participant_id] = await world.opened()

    await world.hear(participant_registered(participant_id), participant_registered(participant_id))

    assert await world.states(participant_id) == ["opened"]
    acts = await world.rows("SELECT 1 FROM audit_event WHERE action = 'identity.case_opened'")
    assert len(acts) == 1


async def test_an_approval_is_told_with_its_term(world: World) -> None:
    [participant_id] = await world.opened()
    sha256 = await world.identified(
        participant_id, category=InvestorCategory.QUALIFIED, category_evidence_reference="КИ-7"
    )

    result = await world.decide(participant_id, sha256)

    assert result.state == "approved"
    assert result.valid_until is not None
    assert timedelta(days=364) < result.valid_until - world.clock.now() <= timedelta(days=366)
    [(kind, data)] = await world.events()
    assert kind == "kyc_decided"
    assert data["outcome"] == "approved"
    assert data["category"] == "qualified"
    assert data["valid_until"] == result.valid_until.isoformat().replace("+00:00", "Z")


async def test_a_rejection_has_no_term(world: World) -> None:
    [participant_id] = await world.opened()

    result = await world.decide(participant_id, await world.identified(participant_id), KycOutcome.REJECTED)

    assert (result.state, result.valid_until) == ("rejected", None)
    [(_, data)] = await world.events()
    assert (data["outcome"], data["valid_until"]) == ("rejected", None)


async def test_events_and_audit_keep_grounds_from_each_other(world: World) -> None:
    [participant_id] = await world.opened()
    sha256 = await world.identified(participant_id, screening_result=ScreeningResult.HIT)
    await world.decide(participant_id, sha256, KycOutcome.REJECTED)

    [(_, told)] = await world.events()

    assert set(told) == {"participant_id", "outcome", "category", "valid_until", "method", "operation_limit_kopecks"}
    [act] = await world.rows("SELECT basis FROM audit_event WHERE action = 'identity.kyc_decided'")
    assert act["basis"] == {"reference": "ЗКЛ-1", "identification_sha256": sha256}


async def test_who_identified_does_not_decide(world: World) -> None:
    [participant_id] = await world.opened()
    sha256 = await world.identified(participant_id, actor=BOTH_ROLES)

    refused = await world.decide(participant_id, sha256, actor=BOTH_ROLES)
    accepted = await world.decide(participant_id, sha256, actor=OFFICER)

    assert refused.problem is not None
    assert refused.problem.code == "maker_and_checker_must_differ"
    assert accepted.problem is None


async def test_the_officer_decides_on_exactly_what_is_recorded(world: World) -> None:
    one, other = await world.opened(2)
    sha256_of_one = await world.identified(one)
    await world.identified(other)

    result = await world.decide(other, sha256_of_one)

    assert result.problem is not None
    assert result.problem.code == "decision_must_name_the_recorded_identification"
    assert await world.states(other) == ["identified"]


async def test_a_hit_is_never_approved(world: World) -> None:
    [participant_id] = await world.opened()
    sha256 = await world.identified(participant_id, screening_result=ScreeningResult.HIT)

    result = await world.decide(participant_id, sha256)

    assert result.problem is not None
    assert result.problem.code == "screening_hit_cannot_be_approved"
    assert result.problem.facts == {"screening_list_version": "rfm-2026-03-01"}
    assert await world.events() == []


async def test_one_bad_identification_spoils_nobody(world: World) -> None:
    first, second, third = await world.opened(3)
    await world.identified(second)
    stranger = uuid4()

    results = await world.record(
        identification(first),
        identification(second),
        identification(stranger),
        identification(third, category=InvestorCategory.QUALIFIED),
        identification(first),
    )

    codes = [result.problem.code if result.problem else None for result in results]
    assert codes == [
        None,
        "kyc_case_must_await_identification",
        "kyc_case_not_found",
        "qualified_status_needs_evidence",
        "kyc_case_must_await_identification",
    ]
    assert await world.states(first) == ["identified"]
    assert await world.states(third) == ["opened"]


async def test_one_bad_decision_spoils_nobody(world: World) -> None:
    good, hit, waiting, again = await world.opened(4)
    good_sha256 = await world.identified(good)
    hit_sha256 = await world.identified(hit, screening_result=ScreeningResult.HIT)
    again_sha256 = await world.identified(again)

    results = await world.decide_all(
        (hit, hit_sha256),
        (waiting, "0" * 64),
        (uuid4(), "0" * 64),
        (again, again_sha256),
        (again, again_sha256),
        (good, good_sha256),
    )

    codes = [result.problem.code if result.problem else None for result in results]
    assert codes == [
        "screening_hit_cannot_be_approved",
        "wrong_state",
        "kyc_case_not_found",
        None,
        "wrong_state",
        None,
    ]
    assert [data["participant_id"] for _, data in await world.events()] == [str(again), str(good)]


async def test_an_approval_refused_in_a_batch_leaves_nothing_on_the_next_decision(world: World) -> None:
    [nobody_screened] = await world.opened(screened=False)
    sha256 = await world.identified(nobody_screened)
    approve, reject = (
        NewKycDecision(
            participant_id=nobody_screened, outcome=outcome, identification_sha256=sha256, basis_reference="1"
        )
        for outcome in (KycOutcome.APPROVED, KycOutcome.REJECTED)
    )

    answer = await world.do.decide_kyc(
        DecideKyc(command_id=CommandId("d"), actor=OFFICER, decisions=(approve, reject))
    )

    codes = [result.problem.code if result.problem else None for result in answer.results]
    assert codes == ["approval_needs_recorded_screening", None]


async def test_the_same_key_gets_the_same_answer_and_no_second_effect(world: World) -> None:
    [participant_id] = await world.opened()
    record = RecordIdentifications(
        command_id=CommandId("r"), actor=ONBOARDER, identifications=(identification(participant_id),)
    )
    recorded = await world.do.record_identifications(record)
    assert await world.do.record_identifications(record) == recorded
    decide = DecideKyc(
        command_id=CommandId("d"),
        actor=OFFICER,
        decisions=(
            NewKycDecision(
                participant_id=participant_id,
                outcome=KycOutcome.APPROVED,
                identification_sha256=recorded.results[0].identification_sha256 or "",
                basis_reference="1",
            ),
        ),
    )

    first = await world.do.decide_kyc(decide)
    with bind_context() as context:
        second = await world.do.decide_kyc(decide)

    assert first == second
    assert first.results[0].problem is None
    assert context.noted.replayed
    assert len(await world.events()) == 1


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    [participant_id] = await world.opened()

    def command(version: str) -> RecordIdentifications:
        item = identification(participant_id, screening_list_version=version)
        return RecordIdentifications(command_id=CommandId("r"), actor=ONBOARDER, identifications=(item,))

    await world.do.record_identifications(command("1"))

    with pytest.raises(IdempotencyKeyReused):
        await world.do.record_identifications(command("2"))


async def test_roles_are_required_and_refusals_leave_no_trace(world: World) -> None:
    [participant_id] = await world.opened()
    before = await world.rows("SELECT * FROM reply")

    with pytest.raises(NotPermitted):
        await world.record(identification(participant_id), actor=OFFICER)
    with pytest.raises(NotPermitted):
        await world.decide(participant_id, "0" * 64, actor=ONBOARDER)

    assert await world.states(participant_id) == ["opened"]
    assert await world.rows("SELECT * FROM reply") == before


async def test_of_two_approvals_at_once_one_is_made(world: World) -> None:
    ids = await world.opened(20)
    items = [(participant_id, await world.identified(participant_id)) for participant_id in ids]

    answers = await race(
        world.database,
        EVERY_CASE,
        world.decide_all(*items, actor=OFFICER),
        world.decide_all(*items[::-1], actor=OTHER_OFFICER),
    )

    decided = [result for answer in answers for result in answer if result.problem is None]
    refused = [result for answer in answers for result in answer if result.problem is not None]
    assert sorted(result.participant_id for result in decided) == sorted(ids)
    assert {result.problem.code for result in refused if result.problem} == {"wrong_state"}
    assert len(await world.events()) == 20


async def test_of_an_approval_and_a_rejection_at_once_one_is_made(world: World) -> None:
    [participant_id] = await world.opened()
    sha256 = await world.identified(participant_id)

    results = await race(
        world.database,
        EVERY_CASE,
        *(
            world.decide(participant_id, sha256, outcome, actor=actor)
            for outcome in KycOutcome
            for actor in (OFFICER, OTHER_OFFICER)
        ),
    )

    assert sum(result.problem is None for result in results) == 1
    [(_, data)] = await world.events()
    assert [data["outcome"]] == await world.states(participant_id)


async def test_of_two_identifications_at_once_one_is_recorded(world: World) -> None:
    [participant_id] = await world.approved()

    answers = await race(
        world.database, EVERY_CASE, *(world.record(identification(participant_id)) for _ in range(5))
    )

    assert sum(answer[0].problem is None for answer in answers) == 1
    assert await world.states(participant_id) == ["approved", "identified"]
