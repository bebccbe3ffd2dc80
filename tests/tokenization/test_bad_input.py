"""Bad input of issuers, staff and clients: refused with a code and a sentence that helps, and nothing half done."""

import asyncio
from datetime import date, timedelta

import pytest

from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.rule_book_at_allocation import RuleBookAtAllocationRule
from kapital.tokenization.domain.problems import TermsMustHaveNoFault
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.record_fixing import RecordFixing
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from tests.tokenization.world import CLERK, Person, World, key, terms

PRICE = 100_000
OBSERVATION = {
    "series": "libor",
    "source_name": "Неизвестный источник",
    "source_url": "https://libor.example/rates",
    "fixing_at": "12:00",
    "publication_lag_business_days": 0,
    "fallback": "previous_published",
    "fallback_text": "Применяется последнее опубликованное значение.",
}


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def test_contradictory_terms_are_told_all_at_once_each_with_its_basis_and_cannot_be_submitted(
    world: World, issuer: Person
) -> None:
    contradictory = terms(
        "floating-key-rate",
        quantity_max=0,
        quantity_min=0,
        price_kopecks=0,
        payoff={
            "coupon_dates": ["2027-03-15", "2031-01-15"],
            "floor": "0.2",
            "cap": "0.1",
            "observation": OBSERVATION,
        },
    )

    draft = await world.app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=contradictory))

    told = {fault.code: fault for fault in draft.faults}
    assert {
        "quantity_max_zero",
        "quantity_min_zero",
        "price_below_kopeck",
        "coupon_after_redemption",
        "floor_above_cap",
        "series_unknown",
    } <= set(told)
    assert all(fault.legal_basis and fault.message_ru and fault.message_en for fault in draft.faults)
    assert "cbr_key_rate" in told["series_unknown"].message_en
    with pytest.raises(TermsMustHaveNoFault) as refused:
        await world.app.submit_decision(
            SubmitDecision(
                command_id=key(),
                actor=issuer.actor,
                issue_id=draft.issue_id,
                decision_sha256=draft.decision_sha256,
            )
        )
    assert len(refused.value.errors) == len(draft.faults)
    assert await world.state(draft.issue_id) == "draft"


async def test_a_value_of_an_unknown_source_is_refused_and_the_known_ones_are_named(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await world.app.record_fixing(
            RecordFixing(
                command_id=key(),
                actor=CLERK,
                series="libor",
                observed_on=date(2026, 11, 20),
                value="5.1",
                evidence="https://bank.example",
            )
        )

    assert refused.value.code == "fixing_series_must_be_known"
    assert "cbr_key_rate" in refused.value.detail
    assert await world.rows("SELECT 1 FROM fixing") == []


async def test_an_order_after_the_close_is_told_when_orders_were_taken(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=PRICE)
    issue_id = await world.opened(issuer)
    world.clock.set((await world.issue(issue_id))["placement_end_at"] + timedelta(seconds=1))

    late = await world.order(person, issue_id, 1)

    assert late.refusal
    assert late.refusal.code == "placement_must_be_open"
    assert "from 07.12.2026 10:00 to 11.12.2026 15:00 Moscow time" in late.refusal.detail
    assert await world.money(person) == PRICE


async def test_an_order_under_a_stale_rule_book_is_told_which_one_is_in_force(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=PRICE)
    issue_id = await world.opened(issuer)
    at = world.clock.now()
    async with world.app.parts.uow.begin() as tx:
        await world.app.parts.investors.note_rule_book(tx.conn, "2026-12-01", at)

    stale = await world.order(person, issue_id, 1)
    assert stale.refusal
    assert (stale.refusal.code, stale.refusal.facts["in_force"]) == ("rule_book_not_accepted", "2026-12-01")
    accepted = {
        "participant_id": str(person.id),
        "rule_book_version": "2026-12-01",
        "accepted_at": at.isoformat(),
    }
    await world.hear(("registry.rule_book_accepted", accepted))

    assert (await world.order(person, issue_id, 1)).outcome.value == "accepted"


@pytest.mark.parametrize("is_asked_again", [True, False])
async def test_the_rule_book_is_asked_again_at_the_close_only_where_a_rule_says_so(
    world: World, issuer: Person, is_asked_again: bool
) -> None:
    [joined, stale] = await world.people(2, kopecks=PRICE)
    issue_id = await world.opened(issuer, quantity_min=1)
    placed = [await world.order(person, issue_id, 1) for person in (joined, stale)]
    end_at = (await world.issue(issue_id))["placement_end_at"]
    parts = world.app.parts
    async with parts.uow.begin() as tx:
        await parts.investors.note_rule_book(tx.conn, "2026-12-01", end_at - timedelta(seconds=1))
        # In force after the end: who has accepted nothing but it is not asked for the one before it.
        await parts.investors.note_rule_book(tx.conn, "2026-12-20", end_at + timedelta(seconds=1))
    accepted = {
        "participant_id": str(joined.id),
        "rule_book_version": "2026-12-20",
        "accepted_at": end_at.isoformat(),
    }
    await world.hear(("registry.rule_book_accepted", accepted))
    rule = RuleBookAtAllocationRule(effective_from=end_at.date(), effective_to=end_at.date(), basis="п. 4.2")
    world.clock.set(end_at + timedelta(hours=1))

    await world.another_process(books=(rule,) if is_asked_again else ()).run_schedule(world.clock.now())

    await world.to(world.clock.now())
    assert [await world.units(person, issue_id) for person in (joined, stale)] == [1, 0 if is_asked_again else 1]
    assert await world.states(placed) == ["settled", "refunded" if is_asked_again else "settled"]
    assert await world.money(stale) == (PRICE if is_asked_again else 0)
    await world.check()


async def test_two_sessions_of_one_client_do_not_spend_the_same_money(world: World, issuer: Person) -> None:
    [person] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    sessions = [world.another_process() for _ in range(4)]
    six = (NewOrder(issue_id=issue_id, units=6),)

    answers = await asyncio.gather(
        *(session.place_orders(PlaceOrders(command_id=key(), actor=person.actor, orders=six)) for session in sessions)
    )

    placed = [answer.items[0] for answer in answers]
    assert [one.outcome.value for one in placed].count("accepted") == 1
    assert {one.refusal.code for one in placed if one.refusal} == {"balance_insufficient"}
    assert (await world.money(person), await world.money(person, Position.RESERVED)) == (4 * PRICE, 6 * PRICE)
    await world.check()
