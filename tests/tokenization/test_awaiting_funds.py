"""Orders that await their money: taken, funded, withdrawn, expired, killed between any two steps. Scenarios 8, 9."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from kapital.contracts.tokenization import PlacedOrder
from kapital.kernel.roles import Role
from kapital.ledger.api import Committed, Position, Refused, Transaction
from kapital.ledger.service import LedgerService
from kapital.tokenization.adapters.orders import OrderTables
from kapital.tokenization.domain.awaiting import AWAITING_MAX, LAST_LOOK
from kapital.tokenization.ports import AwaitedOrders
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.cancel_issue import CancelIssue
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders, place_many
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders
from tests.tokenization.test_measures import measure
from tests.tokenization.world import Person, ProcessDied, World, key

PRICE = 100_000
HOUR = timedelta(hours=1)


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def ask(
    app: TokenizationUseCases, person: Person, issue_id: UUID, *units: int, until: datetime | None
) -> list[PlacedOrder]:
    """Orders of one command, each with the same cut-off."""
    asked = [NewOrder(issue_id=issue_id, units=n) for n in units]
    if until is not None:
        asked = [NewOrder(issue_id=issue_id, units=n, funds_until_at=until) for n in units]
    cmd = PlaceOrders(command_id=key(), actor=person.actor, orders=tuple(asked))
    return (await app.place_orders(cmd)).items


async def awaiting(world: World, person: Person, issue_id: UUID, units: int) -> PlacedOrder:
    [placed] = await ask(world.app, person, issue_id, units, until=world.clock.now() + HOUR)
    assert placed.outcome.value == "awaiting_funds", placed
    return placed


async def pay_in(world: World, person: Person, kopecks: int) -> None:
    """Money comes, and settlement tells of it."""
    await world.top_up([person], kopecks)
    told = {"wallet_id": str(person.wallet), "amount_kopecks": kopecks, "entry_seq": 1}
    await world.hear(("settlement.top_up_booked", told))


async def money(world: World, person: Person) -> tuple[int, int]:
    return await world.money(person), await world.money(person, Position.RESERVED)


def refused(placed: Any) -> str:
    return str(placed.refusal.code)


async def test_awaiting_is_for_whom_the_rules_let_until_an_instant_before_the_close_and_so_many_at_a_time(
    world: World, issuer: Person
) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer, quantity_max=1_000_000)
    end, now = (await world.issue(issue_id))["placement_end_at"], world.clock.now()

    [without] = await ask(world.app, investor, issue_id, 1, until=None)
    [forbidden] = await ask(world.another_process(awaiting=()), investor, issue_id, 1, until=end)
    [late] = await ask(world.app, investor, issue_id, 1, until=end + timedelta(seconds=1))
    [over] = await ask(world.app, investor, issue_id, 1, until=now)
    full = await ask(world.app, investor, issue_id, *[1] * AWAITING_MAX, until=end)
    [more] = await ask(world.app, investor, issue_id, 1, until=end)

    assert refused(without) == "balance_insufficient"
    assert refused(forbidden) == "orders_must_be_allowed_to_await_funds"
    assert [refused(one) for one in (late, over)] == ["funds_cut_off_must_be_before_close"] * 2
    assert {one.outcome.value for one in full} == {"awaiting_funds"}
    assert refused(more) == "orders_awaiting_funds_too_many"
    assert (await world.issue(issue_id))["accepted_units"] == 0
    await world.check()


async def test_an_ordinary_order_asks_nothing_about_those_that_await(world: World, issuer: Person) -> None:
    """The fast path makes no statement more: neither when it is kept nor when it is decided."""
    [rich, poor] = [*await world.people(1, kopecks=PRICE), *await world.people(1)]
    issue_id = await world.opened(issuer)

    class NoLock(OrderTables):
        async def lock(self, conn: Any, ids: Any) -> Any:
            raise AssertionError("an ordinary order locks no row")

    parts = replace(world.app.parts, awaiting=cast(AwaitedOrders, None), orders=NoLock())
    asked = [
        PlaceOrders(command_id=key(), actor=who.actor, orders=(NewOrder(issue_id=issue_id, units=1),))
        for who in (rich, poor)
    ]

    answers = [one.answered().items[0].outcome.value for one in await place_many(asked, parts=parts)]

    assert answers == ["accepted", "refused"]


async def test_an_order_that_has_its_money_awaits_nothing_and_a_repeat_is_answered_as_before(
    world: World, issuer: Person
) -> None:
    [rich, poor] = [*await world.people(1, kopecks=PRICE), *await world.people(1)]
    issue_id = await world.opened(issuer)
    until = world.clock.now() + HOUR
    cmd = PlaceOrders(
        command_id=key(), actor=poor.actor, orders=(NewOrder(issue_id=issue_id, units=1, funds_until_at=until),)
    )

    [at_once] = await ask(world.app, rich, issue_id, 1, until=until)
    first = await world.app.place_orders(cmd)
    await pay_in(world, poor, PRICE)
    await world.tick()

    assert at_once.outcome.value == "accepted"
    assert (first.items[0].awaited_kopecks, first.items[0].funds_until_at) == (PRICE, until)
    assert await world.states(first.items) == ["accepted"]
    assert await world.app.place_orders(cmd) == first
    await world.check()


async def test_orders_of_a_wallet_are_funded_in_order_of_time_and_stand_in_the_queue_by_their_money(
    world: World, issuer: Person
) -> None:
    [early, late] = [*await world.people(1), *await world.people(1, kopecks=600 * PRICE)]
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    orders = [await awaiting(world, early, issue_id, units) for units in (300, 300, 400)]
    paid = await world.order(late, issue_id, 600)

    await pay_in(world, early, 350 * PRICE)
    await world.tick()

    assert await world.states(orders) == ["accepted", "awaiting_funds", "awaiting_funds"]
    assert (await money(world, early), await world.state(issue_id)) == ((50 * PRICE, 300 * PRICE), "placement_open")
    rows = await world.rows("SELECT order_id, reserve_seq FROM subscription_order WHERE accepted_at IS NOT NULL")
    place = {row["order_id"]: row["reserve_seq"] for row in rows}
    assert place[paid.order_id] < place[orders[0].order_id]
    # The rest: 350 for orders of 300 and 400. The second fits, and fills the book; the third is not tried any more.
    await pay_in(world, early, 300 * PRICE)
    await world.tick()
    assert await world.states(orders) == ["accepted", "accepted", "awaiting_funds"]
    assert await world.state(issue_id) == "placement_suspended"
    await world.closed(issue_id)
    assert await world.states(orders) == ["settled", "settled", "expired"]
    assert [await world.units(who, issue_id) for who in (late, early)] == [600, 400]
    await world.check()


async def test_what_a_failed_placement_gives_back_funds_another_order(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=5 * PRICE)
    fails = await world.opened(issuer, quantity_min=6, placement_end_at="2026-12-10T15:00:00+03:00")
    goes_on = await world.opened(issuer, quantity_min=1)
    end = (await world.issue(fails))["placement_end_at"]
    await world.order(investor, fails, 5)
    [placed] = await ask(world.app, investor, goes_on, 5, until=end + HOUR)
    assert placed.outcome.value == "awaiting_funds"

    await world.to(end)

    assert await world.state(fails) == "refunded"
    assert await world.states([placed]) == ["accepted"]
    await world.check()


async def test_money_that_no_event_tells_of_is_seen_a_minute_before_the_cut_off(world: World, issuer: Person) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)
    placed = await awaiting(world, investor, issue_id, 2)
    until = world.clock.now() + HOUR
    await world.tick()
    await world.top_up([investor], 2 * PRICE)
    await world.tick()
    assert await world.states([placed]) == ["awaiting_funds"]

    await world.to(until - LAST_LOOK)

    assert await world.states([placed]) == ["accepted"]
    assert await money(world, investor) == (0, 2 * PRICE)
    await world.check()


async def test_money_that_comes_while_the_order_is_written_down_is_not_passed_by(
    world: World, issuer: Person
) -> None:
    """The ledger refuses; the money comes and is told of before anything awaits it; only then is the order kept."""
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)

    async def then_money_comes() -> None:
        await pay_in(world, investor, PRICE)

    slow = world.another_process(ledger=Between(world.ledger, then_money_comes))
    [placed] = await ask(slow, investor, issue_id, 1, until=world.clock.now() + HOUR)
    await world.tick()

    assert placed.outcome.value == "awaiting_funds"
    assert await world.states([placed]) == ["accepted"]
    await world.check()


@pytest.mark.parametrize("in_time", [True, False])
async def test_the_instant_of_the_reserve_decides_at_the_cut_off(world: World, issuer: Person, in_time: bool) -> None:
    """Asked for before the cut-off; the answer is written down after it, by another process."""
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)
    placed = await awaiting(world, investor, issue_id, 2)
    until = world.clock.now() + HOUR
    await pay_in(world, investor, 2 * PRICE)
    world.clock.set(until - timedelta(seconds=30))
    world.mortal.die_before_post, world.mortal.die_after_post = not in_time, in_time
    with pytest.raises(ProcessDied):
        await world.tick()

    world.clock.set(until)
    survivor = world.another_process()
    await survivor.run_schedule(until)

    assert await world.states([placed]) == ["accepted" if in_time else "expired"]
    assert await money(world, investor) == ((0, 2 * PRICE) if in_time else (2 * PRICE, 0))
    await world.check()


@pytest.mark.parametrize("fault", ["die_before_post", "die_after_post"])
@pytest.mark.parametrize("then", ["tick", "withdrawal"])
async def test_killed_between_the_question_and_its_answer_the_same_reserve_is_found_again(
    world: World, issuer: Person, fault: str, then: str
) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)
    placed = await awaiting(world, investor, issue_id, 2)
    await pay_in(world, investor, 2 * PRICE)
    setattr(world.mortal, fault, True)
    with pytest.raises(ProcessDied):
        await world.tick()
    [row] = await world.rows("SELECT state, reserve_asked FROM subscription_order")
    assert row == {"state": "awaiting_funds", "reserve_asked": True}

    survivor = world.another_process()
    if then == "tick":
        await survivor.run_schedule(world.clock.now())
        expected = ("accepted", (0, 2 * PRICE), 2)
    else:
        [answer] = (
            await survivor.withdraw_orders(
                WithdrawOrders(command_id=key(), actor=investor.actor, order_ids=(UUID(str(placed.order_id)),))
            )
        ).items
        # It was accepted first, and its reserve went back.
        assert (answer.outcome.value, answer.released_kopecks) == ("withdrawn", 2 * PRICE)
        expected = ("withdrawn", (2 * PRICE, 0), 0)

    [state] = await world.states([placed])
    assert (state, await money(world, investor), (await world.issue(issue_id))["accepted_units"]) == expected
    await world.check()


async def test_withdrawn_before_any_money_it_gives_nothing_back_and_money_buys_nothing_any_more(
    world: World, issuer: Person
) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer, orders_revocable=False)
    placed = await awaiting(world, investor, issue_id, 2)

    [answer] = await world.withdraw(investor, placed)
    await pay_in(world, investor, 2 * PRICE)
    await world.tick()

    assert (answer.outcome.value, answer.released_kopecks) == ("withdrawn", 0)
    assert await world.states([placed]) == ["withdrawn"]
    assert await money(world, investor) == (2 * PRICE, 0)
    await world.check()


async def test_a_full_book_takes_no_money_and_an_open_one_again(world: World, issuer: Person) -> None:
    [waits, other] = [*await world.people(1), *await world.people(1, kopecks=1000 * PRICE)]
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    placed = await awaiting(world, waits, issue_id, 10)
    full = await world.order(other, issue_id, 1000)
    await pay_in(world, waits, 10 * PRICE)
    await world.tick()
    assert await world.states([placed]) == ["awaiting_funds"]
    assert await money(world, waits) == (10 * PRICE, 0)

    await world.withdraw(other, full)
    await world.tick()

    assert await world.states([placed]) == ["accepted"]
    await world.check()


async def test_who_may_not_acquire_is_not_funded_and_a_cancelled_issue_awaits_nothing(
    world: World, issuer: Person
) -> None:
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)
    placed = await awaiting(world, investor, issue_id, 2)
    await measure(world, investor, "held")
    await pay_in(world, investor, 2 * PRICE)
    await world.tick()
    assert await world.states([placed]) == ["awaiting_funds"]
    [kept] = await world.withdraw(investor, placed)
    assert refused(kept) == "participant_must_be_active"

    await world.app.cancel_issue(
        CancelIssue(command_id=key(), actor=issuer.actor, issue_id=issue_id, reason="передумали")
    )
    await world.tick()

    assert await world.states([placed]) == ["expired"]
    assert await money(world, investor) == (2 * PRICE, 0)
    await world.check()


class Between:
    """The ledger of a process that something happens to between an answer and its being written down, once."""

    def __init__(self, ledger: LedgerService, then: Any) -> None:
        self._ledger, self._then = ledger, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        answers = await self._ledger.post(transactions)
        then, self._then = self._then, None
        if then is not None:
            await then()
        return answers


@pytest.mark.parametrize("cut_off", [True, False])
async def test_a_reserve_that_two_processes_were_told_of_differently_is_not_lost(
    world: World, issuer: Person, cut_off: bool
) -> None:
    """One is refused by the ledger, money comes, the other reserves; the refused one writes first."""
    [investor] = await world.people(1)
    issue_id = await world.opened(issuer)
    reserved, written = asyncio.Event(), asyncio.Event()

    async def other_reserves() -> None:
        await world.top_up([investor], PRICE)
        resuming.append(asyncio.create_task(other.resume_orders()))
        await reserved.wait()

    async def wait_for_the_first() -> None:
        reserved.set()
        await written.wait()

    resuming: list[asyncio.Task[int]] = []
    other = world.another_process(ledger=Between(world.ledger, wait_for_the_first))
    refused_first = world.another_process(ledger=Between(world.ledger, other_reserves))
    until = world.clock.now() + HOUR if cut_off else None
    [placed] = await ask(refused_first, investor, issue_id, 1, until=until)
    written.set()
    await resuming[0]
    await world.tick()

    assert placed.outcome.value == ("awaiting_funds" if cut_off else "refused")
    assert await world.states([placed]) == ["accepted" if cut_off else "rejected"]
    assert await money(world, investor) == ((0, PRICE) if cut_off else (PRICE, 0))
    await world.check()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_races_the_books_agree_and_nobody_is_left_under_way(
    world: World, issuer: Person, seed: int
) -> None:
    """Money, ticks, withdrawals, orders and the cut-off itself, at once in three processes; some of them die."""
    draw = random.Random(seed)
    people = await world.people(6)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=60)
    end = (await world.issue(issue_id))["placement_end_at"]
    until = world.clock.now() + HOUR
    placed: list[tuple[Person, PlacedOrder]] = []
    paid = dict.fromkeys((person.wallet for person in people), 0)

    async def orders(app: TokenizationUseCases) -> None:
        person = draw.choice(people)
        units = [draw.randint(1, 5) for _ in range(draw.randint(1, 3))]
        asked = await ask(app, person, issue_id, *units, until=until)
        placed.extend((person, one) for one in asked if one.outcome.value != "refused")

    async def pays() -> None:
        person, kopecks = draw.choice(people), draw.randint(1, 8) * PRICE
        paid[person.wallet] += kopecks
        await pay_in(world, person, kopecks)

    async def withdraws(app: TokenizationUseCases) -> None:
        if placed:
            person, one = draw.choice(placed)
            ids = (UUID(str(one.order_id)),)
            await app.withdraw_orders(WithdrawOrders(command_id=key(), actor=person.actor, order_ids=ids))

    async def ticks(app: TokenizationUseCases) -> None:
        await app.run_schedule(world.clock.now())

    for step in range(8):
        if step == 6:
            world.clock.set(until)
        apps = [world.another_process() for _ in range(2)]
        world.mortal.die_after_post, world.mortal.die_before_post = draw.random() < 0.3, draw.random() < 0.2
        jobs = [
            *(orders(draw.choice(apps)) for _ in range(2)),
            *(pays() for _ in range(3)),
            *(withdraws(draw.choice(apps)) for _ in range(2)),
            *(ticks(app) for app in (*apps, world.app)),
        ]
        draw.shuffle(jobs)
        for died in await asyncio.gather(*jobs, return_exceptions=True):
            assert died is None or isinstance(died, ProcessDied), repr(died)
    world.mortal.die_after_post = world.mortal.die_before_post = False
    await world.app.resume_orders()
    await world.to(until)

    rows = await world.rows("SELECT * FROM subscription_order")
    assert {row["state"] for row in rows} <= {"accepted", "rejected", "withdrawn", "expired"}
    assert not any(row["reserve_asked"] or row["release_due"] for row in rows)
    issue = await world.issue(issue_id)
    live = [row for row in rows if row["state"] == "accepted"]
    assert issue["accepted_units"] == sum(row["units"] for row in live)
    assert all(row["reserved_at"] < until for row in live if row["awaited_at"] is not None)
    for person in people:
        reserved = sum(row["reserved_kopecks"] for row in live if row["wallet_id"] == person.wallet)
        assert await money(world, person) == (paid[person.wallet] - reserved, reserved)
    await world.to(end)
    assert await world.check() is None
