"""Breaks: each names the bank's line, the entry and the difference; ages, explains itself or is resolved by two.

Scenario 20. Real PostgreSQL, ledger and sandbox bank; statements signed and taken in as the bank hands them in.
"""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.ledger.api import Posting
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import REGISTRY
from kapital.sandbox.bank import Behaviour
from kapital.settlement.domain.bank_message import Party, Side
from kapital.settlement.domain.breaks import ageing_of, unexplained_kopecks
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.queries.list_breaks import list_breaks
from kapital.settlement.queries.reconciliation_report import reconciliation_report
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.entries import BANK_MIRROR
from kapital.settlement.use_cases.settle_due import settle_due
from tests.settlement.desk import Desk
from tests.settlement.dvp_world import DvpWorld
from tests.settlement.world import STAFF, World, held, line

RISK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))


@pytest_asyncio.fixture
async def desk(world, tmp_path) -> Desk:
    return Desk(world, tmp_path)


async def breaks(world: World, **asked: Any) -> list[contract.Break]:
    async with world.database.connect() as conn:
        page = await list_breaks(conn, STAFF, world.clock.now(), **asked)
    return list(reversed(page.breaks))


async def open_now(world: World) -> list[tuple[str, int]]:
    found = [*await breaks(world, state=contract.BreakState.open)]
    found += await breaks(world, state=contract.BreakState.resolution_proposed)
    return [(one.kind.value, one.difference_kopecks) for one in found]


async def code_of(work) -> str:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code


def gauge(name: str = "kapital_reconciliation_breaks_open") -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def next_day(desk: Desk) -> None:
    desk.world.clock.advance(timedelta(days=1))
    desk.day += timedelta(days=1)


class TestAStatementIsComparedLineByLine:
    async def test_each_kind_names_message_entry_and_difference_and_stops_withdrawals_at_once(self, world, desk):
        wallet = await world.funded(1_000_00)
        told = await world.bank.receive(100, top_up_code(wallet))
        await book_incoming(world.parts)
        paid = await world.ask(wallet, 300)
        await world.run()
        [first] = await world.rows("SELECT bank_id, amount_kopecks FROM incoming_payment ORDER BY payment_id LIMIT 1")
        lines = (
            desk.line(1, 1_000_00, bank_reference=first["bank_id"], purpose=top_up_code(wallet)),
            desk.line(2, 101, bank_reference=told, purpose=top_up_code(wallet)),
            desk.line(3, 300, side=Side.DEBIT, end_to_end_id=paid.withdrawal_id.hex),
            desk.line(4, 300, side=Side.DEBIT, end_to_end_id=paid.withdrawal_id.hex),
            desk.line(5, 7, side=Side.DEBIT, purpose="Комиссия"),
        )

        taken = await desk.hand_in(desk.statement(*lines))

        found = await breaks(world)
        assert [(one.kind.value, one.difference_kopecks, one.line) for one in found] == [
            ("amount_differs", 1, 2),
            ("doubled", -300, 4),
            ("at_bank_not_in_ledger", -7, 5),
        ]
        assert {one.message_id for one in found} == {taken.message.message_id}
        assert found[0].bank_id == told
        assert isinstance(found[0].entry_seq, int)
        assert found[1].withdrawal_id == paid.withdrawal_id
        assert gauge() == 3
        assert await code_of(world.ask(wallet, 1)) == "reconciliation_break_stops_withdrawals"

        await desk.hand_in(desk.statement())
        await world.reconcile()
        assert len(await breaks(world)) == 3, "the same break is not opened twice"

    async def test_what_the_statement_of_its_day_lacks_is_a_break_that_a_late_line_closes(self, world, desk):
        wallet = await world.funded(500)
        paid = await world.ask(wallet, 200)
        await world.run()
        await desk.hand_in(desk.statement())
        await world.reconcile()
        assert await open_now(world) == [], "the day is not over: lines may come"

        await next_day(desk)
        await world.reconcile()

        assert await open_now(world) == [("in_ledger_not_at_bank", -500), ("in_ledger_not_at_bank", 200)]
        [credit] = await world.rows("SELECT bank_id, payment_id FROM incoming_payment")
        late = (
            desk.line(1, 500, bank_reference=credit["bank_id"], purpose=top_up_code(wallet)),
            desk.line(2, 200, side=Side.DEBIT, end_to_end_id=paid.withdrawal_id.hex),
        )
        taken = await desk.hand_in(desk.statement(*late))
        assert await open_now(world) == []
        named = {one.explained_by for one in await breaks(world)}
        assert named == {f"line/{taken.message.message_id}/1/{number}" for number in (1, 2)}
        assert (await world.ask(wallet, 1)).outcome == "accepted"

    async def test_a_payout_that_the_statement_tells_first_is_no_break_once_the_bank_confirms_it(self, world, desk):
        wallet = await world.funded(500)
        paid = await world.ask(wallet, 200)
        await world.bank.script(Behaviour.PENDING)
        await world.run()

        await desk.hand_in(desk.statement(desk.line(1, 200, side=Side.DEBIT, end_to_end_id=paid.withdrawal_id.hex)))
        before = await open_now(world)
        await world.reconcile()
        while_pending = await open_now(world)
        await world.bank.work_off()
        await world.reconcile()

        assert before == []
        assert while_pending == [("at_bank_not_in_ledger", -200)]
        assert [one.state.value for one in await breaks(world)] == ["explained"]

    async def test_a_1c_debit_without_our_reference_is_found_by_sum_and_account(self, world, desk):
        wallet = await world.funded(500)
        await world.ask(wallet, 200)
        await world.run()
        [known] = await world.rows("SELECT account FROM withdrawal")
        payee = Party(name="Получатель", account=known["account"])

        taken = await desk.hand_in(desk.statement(desk.line(1, 200, side=Side.DEBIT, payee=payee)))

        assert {one.value: count for one, count in taken.results.items()} == {"withdrawal": 1}

    async def test_a_first_statement_opens_with_what_was_booked_before_it(self, world, desk):
        await world.funded(500)
        await next_day(desk)
        desk.balance = 501

        await desk.hand_in(desk.statement())

        assert await open_now(world) == [("balance_differs", 1)]


class TestSumsAndEntries:
    async def test_a_kopeck_without_a_line_is_a_break_until_a_statement_names_it(self, world, desk):
        await world.funded(1_000)
        await world.bank.take_fee(1)
        await world.reconcile()
        assert await open_now(world) == [("balance_differs", -1)]
        assert gauge() == 1
        [credit] = await world.rows("SELECT bank_id FROM incoming_payment")

        lines = (
            desk.line(1, 1_000, bank_reference=credit["bank_id"]),
            desk.line(2, 1, side=Side.DEBIT, purpose="Комиссия"),
        )
        taken = await desk.hand_in(desk.statement(*lines))
        await world.reconcile()

        assert await open_now(world) == [("at_bank_not_in_ledger", -1)]
        [explained] = await breaks(world, state=contract.BreakState.explained)
        assert explained.explained_by == f"line/{taken.message.message_id}/1/2"

    async def test_an_entry_of_bank_money_that_our_books_do_not_know_is_named(self, world):
        wallet = await world.funded(1_000)
        entry = await world.enter(Posting(BANK_MIRROR, -50), Posting(world.key(wallet), 50))
        world.clock.advance(timedelta(minutes=2))

        await world.reconcile()

        [found] = await breaks(world, state=contract.BreakState.open)
        assert (found.kind.value, found.entry_seq, found.difference_kopecks) == ("books_differ", entry.seq, -50)
        assert found.subject == f"entry/{entry.seq}"

    async def test_a_row_whose_sum_is_not_the_entrys_is_named_and_closes_when_it_is_again(self, world):
        wallet = await world.funded(1_000)
        asset, issuer = await world.issue(), await world.wallet(Role.ISSUER)
        await world.reserve(wallet, 600)
        await world.allocate(held(asset, issuer, line(wallet, 3, 500, 100)))
        changed = "UPDATE unit_lot SET units = 4 RETURNING entry_seq"
        async with world.parts.uow.begin() as tx:
            seq = (await tx.conn.execute(text(changed))).scalar_one()
            await tx.conn.execute(text("UPDATE incoming_payment SET amount_kopecks = 999"))
        world.clock.advance(timedelta(minutes=2))

        await world.reconcile()
        found = await open_now(world)
        async with world.parts.uow.begin() as tx:
            await tx.conn.execute(text("UPDATE unit_lot SET units = 3"))
            await tx.conn.execute(text("UPDATE incoming_payment SET amount_kopecks = 1000"))
        await world.reconcile()

        assert found == [("books_differ", -1), ("books_differ", 0)]
        assert await open_now(world) == []
        assert f"entry/{seq}" in {one.explained_by for one in await breaks(world)}

    async def test_a_deal_of_two_participants_is_compared_with_the_parts_that_its_entry_settled(self, world):
        dvp = await DvpWorld.create(world)
        seller, buyer = await dvp.party(units=5), await world.funded(700)
        await dvp.agreed(dvp.item(seller, buyer, 5, 600))
        await settle_due(world.parts)
        world.clock.advance(timedelta(minutes=2))
        await world.reconcile()
        before = await open_now(world)
        async with world.parts.uow.begin() as tx:
            await tx.conn.execute(text("UPDATE dvp_part SET amount_kopecks = 601"))
            await tx.conn.execute(text("UPDATE ledger_walk SET next_seq = 0"))

        await world.reconcile()

        assert before == []
        [found] = await breaks(world)
        assert (found.subject.partition("/")[0], found.difference_kopecks) == ("deal", 1)
        assert [row["entry_seq"] for row in await world.rows("SELECT entry_seq FROM dvp_part")] == [found.entry_seq]

    async def test_entries_are_walked_once(self, world):
        await world.funded(1_000)
        world.clock.advance(timedelta(minutes=2))
        await world.reconcile()
        size = await world.ledger.size()

        assert await world.rows("SELECT next_seq FROM ledger_walk") == [{"next_seq": size}]


async def test_a_break_ages_in_business_days_and_the_report_shows_the_past_as_it_was(world):
    await world.funded(1_000)
    await world.bank.take_fee(7)
    await world.reconcile()
    opened_at = world.clock.now()
    world.clock.advance(timedelta(days=7))
    await world.reconcile()
    assert gauge("kapital_reconciliation_break_oldest_seconds") >= timedelta(days=7).total_seconds()

    [one] = await breaks(world, min_age_business_days=5)
    report = await reconciliation_report(world.parts, STAFF)
    await world.bank.take_fee(-7)
    await world.reconcile()
    past = await reconciliation_report(world.parts, STAFF, at=opened_at + timedelta(days=1))
    now = await reconciliation_report(world.parts, STAFF)

    assert (one.age_business_days, one.ageing.value) == (5, "3_5")
    assert await breaks(world, min_age_business_days=6) == []
    assert {one.ageing.value: one.breaks for one in report.ageing if one.breaks} == {"3_5": 1}
    assert [(one.state.value, one.age_business_days) for one in past.breaks] == [("open", 1)]
    assert past.comparison.difference_kopecks == -7
    assert (now.open_breaks, now.breaks, now.comparison.difference_kopecks) == (0, [], 0)
    assert gauge("kapital_reconciliation_break_oldest_seconds") == 0
    assert (now.comparison.books_kopecks, now.books.booked_kopecks) == (1_000, 1_000)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, "same_day"), (1, "1_2"), (2, "1_2"), (5, "3_5"), (6, "6_10"), (10, "6_10"), (11, "over_10")],
)
def test_ageing_buckets(days: int, bucket: str) -> None:
    assert ageing_of(days) == bucket


@pytest.mark.parametrize(("difference", "of_rows", "resolved", "left"), [(0, 5, 2, 0), (-8, -7, 0, -1), (3, 0, 3, 0)])
def test_what_rows_leave_unexplained(difference: int, of_rows: int, resolved: int, left: int) -> None:
    assert unexplained_kopecks(difference, of_rows=of_rows, resolved=resolved) == left
