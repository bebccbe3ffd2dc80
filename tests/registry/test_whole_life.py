"""From application to the end of the relation: every state is entered by somebody, and nothing is lost on the way."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.registry.domain.participant import Acceptance
from kapital.registry.domain.problems import (
    ClosingHashMustMatch,
    ClosingNeedsAnotherPerson,
    IssuerOwesStill,
    NoDisputeNotStated,
    ParticipantHoldsSomething,
    ParticipantNotFound,
    PersonalDataConsentRequired,
    RuleBookHashMustMatch,
)
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook
from kapital.registry.use_cases.close_participant import DecideClosing, RequestClosing
from tests.registry.conftest import World, kyc_decided, kyc_expired, measure, told
from tests.registry.people import (
    AUDITOR,
    COMPLIANCE,
    RULE_BOOK,
    RULE_BOOK_SHA256,
    as_participant,
    investor,
    issuer,
    staff,
)
from tests.registry.race import race

LEGAL, LEGAL_2 = staff(21, Role.LEGAL), staff(22, Role.LEGAL)


async def accept(world: World, participant_id: UUID, **changes: object) -> str:
    said = {"rule_book_version": RULE_BOOK, "document_sha256": RULE_BOOK_SHA256, "personal_data_consent": True}
    cmd = AcceptRuleBook(
        command_id=world.command_id(),
        actor=as_participant(participant_id),
        participant_id=participant_id,
        **(said | changes),  # type: ignore[arg-type]
    )
    return (await world.do.accept_rule_book(cmd)).state.value


async def ask(world: World, participant_id: UUID, actor=None) -> str:
    cmd = RequestClosing(
        command_id=world.command_id(),
        actor=actor or as_participant(participant_id),
        participant_id=participant_id,
        basis_reference="Заявление 1",
    )
    return (await world.do.request_closing(cmd)).closing_sha256


def decision(world: World, participant_id: UUID, seen: str, **changes: object) -> DecideClosing:
    said: dict[str, object] = {
        "command_id": world.command_id(),
        "actor": LEGAL,
        "participant_id": participant_id,
        "close": True,
        "closing_sha256": seen,
        "basis_reference": "Приказ 2",
        "no_dispute_reference": "Справка 3",
    }
    return DecideClosing(**(said | changes))  # type: ignore[arg-type]


async def test_nobody_is_told_of_an_applicant_who_has_not_accepted_the_rule_book(world: World) -> None:
    [one] = await world.registered(investor(1, acceptance=Acceptance.BY_PARTICIPANT))
    assert (await world.state(one), await world.events()) == ("applied", [])
    with pytest.raises(PersonalDataConsentRequired):
        await accept(world, one, personal_data_consent=False)
    with pytest.raises(RuleBookHashMustMatch):
        await accept(world, one, document_sha256="00" * 32)
    assert await world.events() == []

    assert await accept(world, one) == "identifying"

    assert [kind for kind, _ in await world.events()] == [
        "participant_registered",
        "participant_state_changed",
        "rule_book_accepted",
    ]


async def test_the_consent_stands_beside_the_acceptance_and_in_the_audit_record(world: World) -> None:
    with_application, afterwards, firm = await world.registered(
        investor(1), investor(2, acceptance=Acceptance.BY_PARTICIPANT), issuer(3, personal_data_consent=False)
    )
    [refused] = await world.register(investor(4, personal_data_consent=False))
    await accept(world, afterwards)

    assert refused.problem is not None
    assert refused.problem.code == "personal_data_consent_required"
    kept = await world.rows("SELECT participant_id, personal_data_consent AS said FROM rule_book_acceptance")
    assert {UUID(str(row["participant_id"])): row["said"] for row in kept} == {
        with_application: True,
        afterwards: True,
        firm: False,
    }
    told_of = await world.rows(
        "SELECT action, basis->'personal_data_consent' AS said FROM audit_event WHERE basis ? 'personal_data_consent'"
    )
    assert [row["said"] for row in told_of if row["action"] == "registry.rule_book_accepted"] == [True]
    assert sum(row["said"] for row in told_of if row["action"] == "registry.participant_registered") == 2


async def test_news_of_an_identification_moves_on_in_either_order(world: World) -> None:
    one, other = await world.registered(investor(1), investor(2))

    await world.hear(told("identification_recorded.v1", one))
    assert await world.state(one) == "screening"
    await world.hear(told("kyc_referred.v1", one), told("kyc_referred.v1", other))
    assert [await world.state(each) for each in (one, other)] == ["review", "review"]
    await world.hear(told("identification_recorded.v1", other), kyc_decided(other, "rejected"))
    await world.hear(kyc_decided(one, "approved"))

    assert [await world.state(each) for each in (one, other)] == ["active", "rejected"]


async def test_a_hit_freezes_whoever_is_live_and_a_release_goes_back(world: World) -> None:
    [applicant] = await world.registered(investor(1))
    [active] = await world.active(investor(2))
    [closing] = await world.active(investor(3))
    await ask(world, closing)
    everybody = (applicant, active, closing)

    await world.hear(*(measure(one, "frozen", "free") for one in everybody), measure(uuid4(), "frozen", "free"))
    assert {await world.state(one) for one in everybody} == {"frozen"}
    shown = await world.read.get_participant(active, actor=as_participant(active))
    assert (shown.state.value, shown.restrictions) == ("restricted", [])
    assert (await world.read.get_participant(active, actor=AUDITOR)).state.value == "frozen"
    with pytest.raises(WrongState) as refused:
        await ask(world, active)
    assert refused.value.facts == {}

    await world.hear(*(measure(one, "free", "frozen") for one in everybody))
    assert [await world.state(one) for one in everybody] == ["identifying", "active", "closing"]


async def test_no_wallet_is_opened_under_a_freeze_and_the_release_opens_it(world: World) -> None:
    [one] = await world.registered(investor(1))

    await world.hear(measure(one, "frozen", "free"), kyc_decided(one, "approved"))
    assert (await world.state(one), world.ledger.wallets()) == ("frozen", [])
    await world.hear(measure(one, "held", "frozen"))

    assert (await world.state(one), world.ledger.wallets()) == ("active", [wallet_id_of(one)])


async def test_an_application_ends_with_its_term_and_the_person_may_apply_anew(world: World) -> None:
    stale, _ = await world.registered(investor(1), investor(2))
    await world.hear(kyc_decided((await world.active(investor(3)))[0], "approved"))
    world.clock.advance(timedelta(days=89))
    assert await world.do.expire_applications(world.clock.now()) == 0

    world.clock.advance(timedelta(days=1))
    assert await world.do.expire_applications(world.clock.now()) == 2

    assert await world.state(stale) == "expired"
    await world.hear(kyc_decided(stale, "approved"), kyc_expired(stale))  # late news change nothing
    assert await world.state(stale) == "expired"
    await world.registered(investor(1))


async def test_scenario_70_closing_waits_for_an_empty_wallet_and_keeps_the_data(world: World) -> None:
    [one] = await world.active(investor(1))
    world.ledger.held[wallet_id_of(one)] = 1
    with pytest.raises(ParticipantHoldsSomething):
        await ask(world, one)
    assert await world.state(one) == "active"

    world.ledger.held.clear()
    seen = await ask(world, one)
    answer = await world.do.decide_closing(decision(world, one, seen))

    assert answer.state.value == "closed"
    assert world.ledger.stopped() == [True]
    kept = await world.read.get_participant(one, actor=AUDITOR)
    assert kept.name == "Инвестор 1"
    assert kept.wallet is not None
    assert kept.wallet.closed_at is not None
    with pytest.raises(Problem):
        await world.do.decide_closing(decision(world, one, seen))


async def test_money_that_comes_between_the_look_and_the_stop_keeps_the_wallet_open(world: World) -> None:
    [one] = await world.active(investor(1))
    seen = await ask(world, one)
    world.ledger.credit_after_stop = True

    with pytest.raises(ParticipantHoldsSomething):
        await world.do.decide_closing(decision(world, one, seen))

    assert await world.state(one) == "closing"
    assert world.ledger.stopped() == [True, False]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"closing_sha256": "00" * 32}, ClosingHashMustMatch),
        ({"actor": LEGAL_2}, ClosingNeedsAnotherPerson),
        ({"no_dispute_reference": None}, NoDisputeNotStated),
    ],
)
async def test_a_closing_needs_another_person_the_exact_request_and_no_dispute(
    world: World, changes: dict, refused: type[Problem]
) -> None:
    [one] = await world.active(investor(1))
    seen = await ask(world, one, LEGAL_2)
    before = len(world.ledger.entries)

    with pytest.raises(refused):
        await world.do.decide_closing(decision(world, one, seen, **changes))

    assert (await world.state(one), len(world.ledger.entries)) == ("closing", before)


async def test_a_refused_closing_goes_back_to_what_holds(world: World) -> None:
    [one] = await world.active(investor(1))
    seen = await ask(world, one)
    await world.hear(kyc_expired(one))

    answer = await world.do.decide_closing(decision(world, one, seen, close=False))

    assert answer.state.value == "restricted"
    await ask(world, one)


async def test_an_issuer_leaves_after_its_last_issue(world: World) -> None:
    [one] = await world.active(issuer(1))
    async with world.do.uow.begin() as tx:
        issue = uuid4()
        await world.do.participants.note_issues(tx.conn, [{"issue": issue, "state": "published"}])
        await world.do.participants.note_issues(tx.conn, [{"issue": issue, "issuer": one}])
    with pytest.raises(IssuerOwesStill):
        await ask(world, one)

    async with world.do.uow.begin() as tx:
        await world.do.participants.note_issues(tx.conn, [{"issue": issue, "state": "redeemed"}])
    await ask(world, one)


async def test_nobody_asks_for_another(world: World) -> None:
    one, other = await world.active(investor(1), investor(2))

    with pytest.raises(ParticipantNotFound):
        await ask(world, one, as_participant(other))
    for actor in (COMPLIANCE, AUDITOR):
        with pytest.raises(NotPermitted):
            await ask(world, one, actor)


async def test_of_a_closing_and_a_refusal_at_once_one_is_made(world: World) -> None:
    [one] = await world.active(investor(1))
    seen = await ask(world, one)

    outcomes = await race(
        world.database,
        "SELECT 1 FROM participant WHERE participant_id = :id FOR UPDATE",
        world.do.decide_closing(decision(world, one, seen)),
        world.do.decide_closing(decision(world, one, seen, close=False)),
        id=one,
    )

    assert sum(isinstance(outcome, WrongState) for outcome in outcomes) == 1
    closed = await world.state(one) == "closed"
    # Whoever came last in the ledger is who won here.
    assert world.ledger.stopped()[-1] is closed
