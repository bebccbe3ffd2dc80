"""reconcile: beneficiaries + unidentified + in transit = bank, to the kopeck, or a break. Scenario 20, I2."""

import asyncio
import dataclasses
import itertools
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from kapital.kernel.actor import NotPermitted
from kapital.kernel.problems import Problem
from kapital.ledger.api import Position
from kapital.sandbox.bank import Behaviour
from kapital.settlement.domain.problems import BankMoves, BankSilent
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.queries.list_reconciliations import list_reconciliations
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.reconcile import reconcile
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from tests.settlement.world import STAFF, Faults, ProcessDied, World, mortal


async def test_the_parts_of_the_sum(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.bank.receive(50, "?")
    await world.ask(wallet, 100_00)
    await world.bank.script(Behaviour.PENDING)
    await world.run()
    await world.ask(wallet, 1_00)

    found = await world.reconcile()

    assert found.bank_kopecks == 1_000_50
    assert found.unidentified_kopecks == 50
    assert found.in_transit_kopecks == 101_00
    assert found.beneficiaries_kopecks == 899_00
    assert found.difference_kopecks == 0


@pytest.mark.parametrize("difference", [-1, 1])
async def test_one_kopeck_is_a_break_that_is_audited(world: World, difference: int) -> None:
    await world.funded(1_000_00)
    await world.bank.take_fee(-difference)

    found = await reconcile(STAFF, world.parts)

    assert found.difference_kopecks == difference
    (audited,) = await world.rows(
        "SELECT actor_id, before, after FROM audit_event WHERE action LIKE '%break_changed'"
    )
    assert audited == {
        "actor_id": STAFF.id,
        "before": {"difference_kopecks": 0, "breaks": {}},
        "after": {"difference_kopecks": difference, "breaks": {"balance_differs": 1}},
    }
    async with world.database.connect() as conn:
        shown = (await list_reconciliations(conn, STAFF)).reconciliations
    assert [one.difference_kopecks for one in shown] == [difference]


async def test_a_comparison_is_never_changed(world: World) -> None:
    await world.reconcile()

    with pytest.raises(DBAPIError, match="append-only"):
        await world.rows("UPDATE reconciliation SET bank_kopecks = 1 RETURNING 1")


async def test_only_settlement_and_the_scheduler_compare(world: World) -> None:
    wallet = await world.wallet()

    with pytest.raises(NotPermitted):
        await reconcile(world.owners[wallet], world.parts)


class Busy:
    """A bank where something happens at each look at the balance."""

    def __init__(self, world: World, what: Any, times: int) -> None:
        self._world, self._what, self._times = world, what, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.bank, name)

    async def balance_kopecks(self) -> int:
        before = await self._world.bank.balance_kopecks()
        if self._times:
            self._times -= 1
            await self._what()
        return before


async def test_money_that_comes_while_comparing_is_no_break(world: World) -> None:
    await world.funded(1_000_00)

    async def somebody_pays() -> None:
        await world.bank.receive(5, "?")

    parts = dataclasses.replace(world.parts, bank=Busy(world, somebody_pays, 2))
    found = await reconcile(STAFF, parts)

    assert found.difference_kopecks == 0
    assert found.unidentified_kopecks == 10


async def test_a_payout_that_ends_while_comparing_is_no_break(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 100_00)
    await world.bank.script(Behaviour.PENDING)
    await world.run()

    found = await reconcile(STAFF, dataclasses.replace(world.parts, bank=Busy(world, world.bank.work_off, 1)))

    assert (found.difference_kopecks, found.in_transit_kopecks) == (0, 0)
    assert await world.states() == ["confirmed"]


async def test_a_bank_that_never_rests_is_not_judged(world: World) -> None:
    async def somebody_pays() -> None:
        await world.bank.receive(5, "?")

    with pytest.raises(BankMoves):
        await reconcile(STAFF, dataclasses.replace(world.parts, bank=Busy(world, somebody_pays, 100)))

    assert await world.rows("SELECT * FROM reconciliation") == []


async def test_comparing_while_money_moves_finds_no_break(world: World) -> None:
    wallets = [await world.funded(100_00) for _ in range(4)]
    stop = asyncio.Event()

    async def life() -> None:
        draw = random.Random(7)
        while not stop.is_set():
            wallet = draw.choice(wallets)
            await world.bank.receive(draw.randrange(1, 1000), top_up_code(wallet))
            with suppress(Problem):
                await world.ask(wallet, draw.randrange(1, 1000))
            with suppress(Problem):
                await draw.choice((book_incoming, run_withdrawals))(world.other_process())

    living = asyncio.create_task(life())
    found = []
    for _ in range(10):
        with suppress(BankMoves):
            found.append((await world.reconcile()).difference_kopecks)
    stop.set()
    await living

    assert found
    assert set(found) == {0}


@pytest.mark.parametrize("seed", range(6))
async def test_no_kopeck_is_made_or_lost_whatever_fails(world: World, seed: int) -> None:
    """Payments, withdrawals, scripted misbehaviour, a bank that goes away and deaths at any step, in any order."""
    draw = random.Random(seed)
    wallets = [await world.wallet() for _ in range(3)]
    came, told = 0, []
    for _ in range(60):
        wallet, amount = draw.choice(wallets), draw.randrange(1, 100_00)
        parts = mortal(world.parts, Faults(die_at=draw.choice([None, draw.randrange(1, 30)])))
        act = draw.choice(["pay in", "unknown", "ask", "book", "run", "run", "script", "down", "up", "up", "tell"])
        with suppress(ProcessDied, BankSilent):
            match act:
                case "pay in" | "unknown":
                    told.append(await world.bank.receive(amount, top_up_code(wallet) if act == "pay in" else ""))
                    came += amount
                case "ask":
                    await world.ask(wallet, amount, parts)
                case "book":
                    await book_incoming(parts)
                case "run":
                    await run_withdrawals(parts)
                case "script":
                    await world.bank.script(draw.choice(list(Behaviour)))
                case "down":
                    await world.bank.go_down()
                case "up":
                    await world.bank.come_up()
                case "tell" if told:
                    await world.bank.tell_again(draw.choice(told))
    await world.bank.come_up()
    for _ in range(6):
        await world.run()
        await world.bank.work_off()

    found = await world.reconcile()

    paid = sum((await world.bank.paid()).values())
    assert found.difference_kopecks == 0
    assert found.bank_kopecks == came - paid
    assert set(await world.states()) <= {"confirmed", "re_credited", "refused"}
    assert sum([await world.kopecks(wallet, Position.LOCKED) for wallet in wallets]) == 0
    assert await world.rows(
        "SELECT sum(amount_kopecks)::bigint AS paid FROM withdrawal WHERE state = 'confirmed'"
    ) == [{"paid": paid or None}]


async def test_an_entry_whose_row_waits_for_a_silent_bank_is_no_break(world: World) -> None:
    wallet = await world.funded(1_000_00)
    entered_only = 0
    for die_at in itertools.count(1):
        await world.ask(wallet, 1_00)
        try:
            await run_withdrawals(mortal(world.parts, Faults(die_at=die_at)))
            break
        except ProcessDied:
            [(_, last)] = world.ledger.last()
            is_paid = any(posting.account.position is Position.BANK for posting in last.postings)
            entered_only += is_paid and "sent" in await world.states()
        world.clock.advance(timedelta(minutes=2))
        await world.bank.go_down()

        with pytest.raises(BankSilent):
            await world.reconcile()

        assert await world.rows("SELECT * FROM reconciliation_break") == []
        await world.bank.come_up()
        await world.run()
    assert entered_only


async def test_who_waits_at_the_bank_does_not_wait_for_the_walk_through_the_register(world: World) -> None:
    """Ten minutes of orders leave millions of entries: who waited for a walk to end was told of a busy database."""
    await world.funded(1_000_00)
    entries, walked = world.ledger.entries, []

    async def look(start: int, stop: int) -> Any:
        async with world.parts.edge.hold():
            walked.append(start)
        return await entries(start, stop)

    world.ledger.entries = look
    assert (await world.reconcile()).difference_kopecks == 0
    assert walked
