"""Orders: checked, reserved, accepted or turned away; withdrawn; resumed after a crash. Scenarios 4, 6, 7, 28, 55."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.roles import Role
from kapital.ledger.api import Basis, BasisKind, Position, SetFreeze, Transaction
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems import BatchTooLarge
from kapital.tokenization.domain.states import OrderState
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.steps import _differ
from tests.tokenization.world import Person, ProcessDied, World, key

PRICE = 100_000


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


def code(placed: Any) -> str:
    return str(placed.refusal.code)


async def test_an_accepted_order_has_its_price_reserved_and_a_refused_one_nothing(
    world: World, issuer: Person
) -> None:
    [rich, poor] = [*await world.people(1, kopecks=10 * PRICE), *await world.people(1, kopecks=PRICE)]
    issue_id = await world.opened(issuer)

    accepted, refused = await world.order(rich, issue_id, 10), await world.order(poor, issue_id, 10)

    assert accepted.outcome.value == "accepted"
    assert (await world.money(rich), await world.money(rich, Position.RESERVED)) == (0, 10 * PRICE)
    assert (refused.outcome.value, code(refused)) == ("refused", "balance_insufficient")
    assert (await world.money(poor), await world.money(poor, Position.RESERVED)) == (PRICE, 0)
    await world.check()


async def test_of_a_frozen_wallet_nobody_is_told_by_the_refusal(world: World, issuer: Person) -> None:
    """A freeze of one wallet, or of its money, brings no measure: only the register knows of it (115-FZ)."""
    [person] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    freeze = SetFreeze(freeze=new_uuid7(), wallet=person.wallet, credits_stopped=True, debits_stopped=True)
    await world.post(Transaction(new_uuid7(), "machine:test", Basis(BasisKind.STATUTE, "test"), freezes=(freeze,)))

    refused = await world.order(person, issue_id, 1)

    assert (refused.outcome.value, code(refused)) == ("refused", "participant_must_be_active")
    assert not refused.refusal.facts
    [kept] = await world.rows("SELECT refusal_detail, refusal_facts FROM subscription_order")
    told = f"{refused.refusal} {kept}".lower()
    assert "frozen" not in told
    assert "115" not in told
    assert await world.money(person) == 10 * PRICE


async def test_in_a_batch_each_order_is_answered_and_a_refused_one_spoils_nobody(
    world: World, issuer: Person
) -> None:
    [investor] = await world.people(1, kopecks=25 * PRICE)
    issue_id = await world.opened(issuer, min_order_units=2, max_order_units=10, lot=2)
    closed = await world.published(issuer)
    asked = [
        (issue_id, 10),
        (issue_id, 12),
        (issue_id, 1),
        (issue_id, 3),
        (UUID(int=7), 2),
        (closed, 2),
        (issue_id, 10),
        (issue_id, 10),
    ]

    answer = await world.app.place_orders(
        PlaceOrders(
            command_id=key(), actor=investor.actor, orders=tuple(NewOrder(issue_id=i, units=u) for i, u in asked)
        )
    )

    told = [item.outcome.value if item.outcome.value == "accepted" else code(item) for item in answer.items]
    assert told == [
        "accepted",
        "order_exceeds_maximum",
        "order_below_minimum",
        "order_must_be_whole_lots",
        "issue_not_found",
        "placement_must_be_open",
        "accepted",
        "balance_insufficient",
    ]
    assert (await world.issue(issue_id))["accepted_units"] == 20
    await world.check()


@pytest.mark.parametrize(
    ("told", "changes", "expected"),
    [
        ({"state": "restricted"}, {}, "participant_must_be_active"),
        ({"state": "frozen"}, {}, "participant_must_be_active"),
        ({"valid_for": timedelta(days=1)}, {}, "identification_must_be_valid"),
        ({}, {"eligibility": {"qualified_only": True}}, "investor_must_be_qualified"),
        ({}, {"eligibility": {"natural_persons": False}}, "investor_kind_must_be_allowed"),
    ],
)
async def test_who_may_not_acquire_is_refused_before_any_money_moves(
    world: World, issuer: Person, told: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    if "valid_for" in told:
        told = {"valid_until": world.clock.now() + told["valid_for"]}
    [investor] = await world.people(1, kopecks=PRICE, **told)
    issue_id = await world.opened(issuer, **changes)
    size = await world.ledger.size()

    placed = await world.order(investor, issue_id, 1)

    assert code(placed) == expected
    assert await world.ledger.size() == size


async def test_a_person_without_a_wallet_a_stranger_and_the_issuer_itself_are_refused(
    world: World, issuer: Person
) -> None:
    issue_id = await world.opened(issuer)
    stranger = Person(Person(issuer.actor, issuer.wallet).actor, issuer.wallet)
    buyer = type(issuer.actor)(id=issuer.actor.id, participant_id=issuer.id, roles=frozenset({Role.INVESTOR}))

    placed = await world.order(Person(buyer, issuer.wallet), issue_id, 1)

    assert code(placed) == "issuer_must_not_acquire"
    with pytest.raises(NotPermitted):
        await world.order(stranger, issue_id, 1)


async def test_a_batch_beyond_the_limit_or_empty_is_refused_whole(world: World, issuer: Person) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)

    for number in (0, 1001):
        with pytest.raises(BatchTooLarge):
            await world.app.place_orders(
                PlaceOrders(
                    command_id=key(), actor=investor.actor, orders=(NewOrder(issue_id=issue_id, units=1),) * number
                )
            )


async def test_a_repeat_gives_the_same_answer_even_after_the_order_went_on(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    command, refused_command = key(), key()
    first = await world.order(investor, issue_id, 3, command=command)
    refused = await world.order(investor, issue_id, 100, command=refused_command)
    await world.withdraw(investor, first)

    assert await world.order(investor, issue_id, 3, command=command) == first
    assert await world.order(investor, issue_id, 100, command=refused_command) == refused
    with pytest.raises(IdempotencyKeyReused):
        await world.order(investor, issue_id, 4, command=command)
    assert await world.money(investor) == 10 * PRICE


async def test_the_same_command_at_once_in_two_processes_makes_one_order(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    command, orders = key(), (NewOrder(issue_id=issue_id, units=2),)
    others = [world.another_process() for _ in range(4)]

    answers = await asyncio.gather(
        *(app.place_orders(PlaceOrders(command_id=command, actor=investor.actor, orders=orders)) for app in others)
    )

    assert all(answer == answers[0] for answer in answers)
    assert await world.money(investor, Position.RESERVED) == 2 * PRICE
    await world.check()


async def test_the_same_key_twice_in_one_batch_is_one_order_and_another_body_under_it_is_refused(
    world: World, issuer: Person
) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    command = key()

    first, same, other = await asyncio.gather(
        world.order(investor, issue_id, 2, command=command),
        world.order(investor, issue_id, 2, command=command),
        world.order(investor, issue_id, 3, command=command),
        return_exceptions=True,
    )

    assert first == same
    assert isinstance(other, IdempotencyKeyReused)
    assert await world.money(investor, Position.RESERVED) == 2 * PRICE
    await world.check()


async def test_single_orders_that_arrive_together_share_batches(world: World, issuer: Person) -> None:
    people = await world.people(100, kopecks=PRICE)
    issue_id = await world.opened(issuer, when_full="accept")
    calls = 0
    post = world.ledger.post

    async def counted(transactions: Any) -> Any:
        nonlocal calls
        calls += 1
        return await post(transactions)

    world.mortal.post = counted  # type: ignore[method-assign]
    placed = await world.order_all(people, issue_id, 1)

    assert {order.outcome.value for order in placed} == {"accepted"}
    assert calls < 10
    assert (await world.issue(issue_id))["accepted_orders"] == 100


async def test_of_a_thousand_parallel_orders_for_the_last_unit_one_wins(world: World, issuer: Person) -> None:
    [first] = await world.people(1, kopecks=999 * PRICE)
    people = await world.people(1000, kopecks=PRICE)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    await world.order(first, issue_id, 999)
    apps = [world.another_process() for _ in range(4)]
    one = (NewOrder(issue_id=issue_id, units=1),)

    answers = await asyncio.gather(
        *(
            apps[n % 4].place_orders(PlaceOrders(command_id=key(), actor=person.actor, orders=one))
            for n, person in enumerate(people)
        )
    )

    placed = [answer.items[0] for answer in answers]
    assert [order.outcome.value for order in placed].count("accepted") == 1
    assert {code(order) for order in placed if order.outcome.value == "refused"} == {"placement_must_be_open"}
    issue = await world.issue(issue_id)
    assert (issue["accepted_units"], issue["state"]) == (1000, "placement_suspended")
    money = [await world.money(person) + await world.money(person, Position.RESERVED) for person in people[:20]]
    assert money == [PRICE] * 20
    assert sum(row["release_due"] for row in await world.rows("SELECT release_due FROM subscription_order")) == 0
    await world.closed(issue_id)
    assert (await world.issue(issue_id))["allocated_units"] == 1000
    await world.check()


async def test_a_full_book_is_suspended_and_opens_again_on_withdrawal(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=1000 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    first = await world.order(a, issue_id, 600)
    await world.order(b, issue_id, 400)
    assert await world.state(issue_id) == "placement_suspended"
    assert code(await world.order(b, issue_id, 1)) == "placement_must_be_open"

    [withdrawn] = await world.withdraw(a, first)

    assert (withdrawn.outcome.value, withdrawn.released_kopecks) == ("withdrawn", 600 * PRICE)
    assert await world.state(issue_id) == "placement_open"
    assert await world.money(a) == 1000 * PRICE
    assert (await world.order(b, issue_id, 1)).outcome.value == "accepted"
    await world.check()


async def test_withdrawal_works_until_the_close_instant_and_not_after(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    first, second = await world.order(investor, issue_id, 3), await world.order(investor, issue_id, 4)
    end = (await world.issue(issue_id))["placement_end_at"]

    world.clock.set(end - timedelta(seconds=30))
    [before] = await world.withdraw(investor, first)
    # The schedule has not run yet: the instant itself closes, not the tick.
    world.clock.set(end)
    [after] = await world.withdraw(investor, second)

    assert before.outcome.value == "withdrawn"
    assert (after.outcome.value, code(after)) == ("refused", "placement_must_be_open")
    assert code(await world.order(investor, issue_id, 1)) == "placement_must_be_open"
    await world.to(end)
    [later] = await world.withdraw(investor, second)
    assert code(later) == "placement_must_be_open"
    assert await world.state(issue_id) == "refunded"
    assert await world.money(investor) == 10 * PRICE
    await world.check()


async def test_withdrawal_answers_each_order_and_nobody_withdraws_anothers(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=10 * PRICE)
    fixed = await world.opened(issuer, orders_revocable=False)
    issue_id = await world.opened(issuer)
    mine, theirs, bound = (
        await world.order(a, issue_id, 1),
        await world.order(b, issue_id, 1),
        await world.order(a, fixed, 1),
    )
    refused = await world.order(a, issue_id, 1000)

    answers = await world.withdraw(a, mine, theirs, bound, refused, mine)

    told = [i.outcome.value if i.outcome.value == "withdrawn" else code(i) for i in answers]
    assert told == ["withdrawn", "order_not_found", "orders_must_be_revocable", "order_must_be_accepted", "withdrawn"]
    assert await world.states([mine, theirs, bound]) == ["withdrawn", "accepted", "accepted"]
    [again] = await world.withdraw(a, mine)
    assert code(again) == "order_must_be_accepted"


@pytest.mark.parametrize("fault", ["die_before_post", "die_after_post"])
async def test_a_crash_between_reserve_and_acceptance_resumes_by_the_same_ids(
    world: World, issuer: Person, fault: str
) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    command = key()
    setattr(world.mortal, fault, True)
    with pytest.raises(ProcessDied):
        await world.order(investor, issue_id, 4, command=command)
    assert [row["state"] for row in await world.rows("SELECT state FROM subscription_order")] == ["checked"]

    survivor = world.another_process()
    assert await survivor.resume_orders() == 1
    assert await survivor.resume_orders() == 0

    answer = await survivor.place_orders(
        PlaceOrders(command_id=command, actor=investor.actor, orders=(NewOrder(issue_id=issue_id, units=4),))
    )
    assert answer.items[0].outcome.value == "accepted"
    assert await world.money(investor, Position.RESERVED) == 4 * PRICE
    assert (await world.issue(issue_id))["accepted_units"] == 4
    await world.check()


async def test_a_crash_after_withdrawal_still_gives_the_money_back(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    placed = await world.order(investor, issue_id, 4)
    world.mortal.die_before_post = True
    with pytest.raises(ProcessDied):
        await world.withdraw(investor, placed)
    assert await world.money(investor) == 6 * PRICE

    await world.another_process().resume_orders()

    assert await world.money(investor) == 10 * PRICE
    assert await world.states([placed]) == ["withdrawn"]
    await world.check()


async def test_a_reserve_that_comes_after_the_close_goes_back(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10 * PRICE)
    issue_id = await world.opened(issuer)
    world.mortal.die_before_post = True
    with pytest.raises(ProcessDied):
        await world.order(investor, issue_id, 4)
    world.mortal.die_before_post = False

    # Nobody reserved before the end: the schedule finds the order, reserves too late, and turns it away.
    world.clock.set((await world.issue(issue_id))["placement_end_at"])
    await world.another_process().run_schedule(world.clock.now())

    rows = await world.rows("SELECT state, refusal_code, release_due FROM subscription_order")
    assert rows == [{"state": "rejected", "refusal_code": "placement_must_be_open", "release_due": False}]
    assert await world.money(investor) == 10 * PRICE
    assert await world.state(issue_id) == "refunded"
    await world.check()


async def test_two_processes_that_resume_at_once_decide_each_order_once(world: World, issuer: Person) -> None:
    people = await world.people(20, kopecks=PRICE)
    issue_id = await world.opened(issuer)
    world.mortal.die_after_post = True
    await asyncio.gather(*(world.order(p, issue_id, 1) for p in people), return_exceptions=True)

    await asyncio.gather(*(world.another_process().resume_orders() for _ in range(4)))

    assert (await world.issue(issue_id))["accepted_units"] == 20
    audited = await world.rows("SELECT count(*) FROM audit_event WHERE action = 'tokenization.order_reserved'")
    assert audited == [{"count": 20}]
    await world.check()


def test_what_a_step_changes_by_itself_is_saved_with_what_it_was_told() -> None:
    """An order that buys nothing any more takes nothing of its investor's yearly limit: nobody has to say so."""
    at = datetime(2026, 12, 7, tzinfo=UTC)
    order = Order(
        order_id=UUID(int=1),
        issue_id=UUID(int=2),
        participant_id=UUID(int=3),
        wallet_id=UUID(int=4),
        units=5,
        reserved_kopecks=500,
        state=OrderState.ACCEPTED,
        version=2,
        actor_id="3",
        command_id="k",
        item=0,
        fingerprint="",
        created_at=at,
        limit_kopecks=500,
        limit_on=at.date(),
    )

    withdrawn, _ = order.moved("withdrawn", release_due=True)

    assert _differ(order, withdrawn) == {"state", "version", "release_due", "limit_kopecks"}
