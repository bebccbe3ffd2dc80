"""The settlement queue over the real register: what is due settles once, whole or in parts, and the rest waits."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from kapital.ledger.api import SetFreeze
from kapital.platform.ids import new_uuid7
from kapital.settlement.domain.dvp import Rail
from kapital.settlement.domain.escrow import EscrowAccounts
from kapital.settlement.use_cases.dvp_schedule import DvpSchedule
from kapital.settlement.use_cases.settle_due import settle_due
from tests.settlement.dvp_world import DvpWorld
from tests.settlement.escrow_world import BUYER, SELLER, with_escrow
from tests.settlement.world import Faults, ProcessDied, World, mortal


@pytest_asyncio.fixture
async def dvp(world: World) -> DvpWorld:
    return await DvpWorld.create(world)


async def freeze(dvp: DvpWorld, wallet: UUID, *, name: UUID, stops: bool = True) -> None:
    change = SetFreeze(freeze=name, wallet=wallet, credits_stopped=stops, debits_stopped=stops)
    await dvp.world.enter(freezes=(change,))


async def test_units_and_money_change_hands_in_one_entry_and_it_is_told(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=5), await dvp.party(kopecks=700)
    (one,) = await dvp.agreed(dvp.item(seller, buyer, 5, 600))

    run = await settle_due(dvp.world.parts)

    assert (run.settled, await dvp.holds(seller), await dvp.holds(buyer)) == (1, (0, 600), (5, 100))
    ((seq, entry),) = dvp.world.ledger.last()
    (row,) = await dvp.kept([one])
    assert (row["state"], row["settled_units"], row["entry_seq"], row["reason"]) == ("settled", 5, seq, None)
    batch = (await dvp.world.rows("SELECT content_sha256 FROM dvp_batch"))[0]["content_sha256"]
    assert (entry.basis.reference, entry.basis.document_sha256) == (f"dvp/{one}", batch)
    (told,) = await dvp.world.events("dvp_settled")
    assert told["lines"][0] | {"reference": ""} == {
        "instruction_id": str(one),
        "reference": "",
        "state": "settled",
        "units": 5,
        "amount_kopecks": 600,
        "settled_units": 5,
        "settled_kopecks": 600,
        "settled_together": 1,
        "entry_seq": seq,
    }
    calls = dvp.world.ledger.calls
    assert ((await settle_due(dvp.world.parts)).settled, dvp.world.ledger.calls) == (0, calls)


async def test_what_cannot_settle_is_recycled_with_its_reason_and_rolled_back_at_its_cut_off(dvp: DvpWorld) -> None:
    seller, poor, frozen = await dvp.party(units=5), await dvp.party(), await dvp.party(kopecks=101)
    measured, rich = await dvp.party(kopecks=100), await dvp.party(kopecks=50)
    name = new_uuid7()
    await freeze(dvp, frozen, name=name)
    async with dvp.world.parts.uow.begin() as tx:
        owner = dvp.world.owners[measured].participant_id
        assert owner is not None
        await dvp.world.parts.measures.note(tx.conn, {owner: "held"}, tx.now)
    held, tomorrow = dvp.item(seller, frozen, 1, 1, is_held=True), dvp.world.clock.now() + timedelta(days=1)
    ids = await dvp.agreed(
        dvp.item(seller, poor, 1, 100),
        dvp.item(poor, rich, 1, 50),
        dvp.item(seller, frozen, 1, 100),
        dvp.item(seller, measured, 1, 100),
        held,
        dvp.item(seller, frozen, 1, 1, intended_on=tomorrow.date(), cut_off_at=tomorrow + timedelta(hours=1)),
    )

    await settle_due(dvp.world.parts)

    assert [(row["state"], row["reason"]) for row in await dvp.kept(ids)] == [
        ("prechecked", "money_insufficient"),
        ("prechecked", "units_insufficient"),
        ("prechecked", "wallet_debits_frozen"),
        ("prechecked", "owner_under_measure"),
        ("prechecked", None),
        ("prechecked", None),
    ]
    await dvp.credit(poor, kopecks=100)
    await freeze(dvp, frozen, name=name, stops=False)
    await settle_due(dvp.world.parts)
    assert (await dvp.states(ids))[:3] == ["settled", "settled", "settled"]  # the second by what the first brought

    dvp.world.clock.advance(timedelta(hours=5))
    await dvp.change("release", ids[5])
    run = await settle_due(dvp.world.parts)
    assert (run.settled, run.ended) == (0, 2)
    assert [(row["state"], row["end_code"]) for row in (await dvp.kept(ids))[3:]] == [
        ("rolled_back", "cut_off_passed"),
        ("rolled_back", "cut_off_passed"),
        ("prechecked", None),
    ]
    (told,) = await dvp.world.events("dvp_ended")
    assert [(one["end_code"], one.get("reason")) for one in told["lines"]] == [
        ("cut_off_passed", "owner_under_measure"),
        ("cut_off_passed", None),
    ]
    dvp.world.clock.advance(timedelta(hours=19))  # its day has come
    await settle_due(dvp.world.parts)
    assert (await dvp.states(ids))[5] == "settled"


async def test_priorities_links_and_circles(dvp: DvpWorld) -> None:
    seller, first, second = await dvp.party(units=3), await dvp.party(kopecks=100), await dvp.party(kopecks=100)
    late, early = await dvp.agreed(dvp.item(seller, first, 3, 100), dvp.item(seller, second, 3, 100))
    await dvp.change("set_priority", early, priority=1)
    await settle_due(dvp.world.parts)
    assert await dvp.states([early, late]) == ["settled", "prechecked"]
    await dvp.change("cancel", late)

    # AFTER waits for the entry of the other, in one run; WITH settles both in one entry, or none.
    after = dvp.item(second, first, 1, 1, reference="after", links=[("after", "before")])
    before = dvp.item(second, first, 1, 1, reference="before", is_held=True)
    ids = await dvp.agreed(before, after)
    await settle_due(dvp.world.parts)
    assert [row["reason"] for row in await dvp.kept(ids)] == [None, "linked_must_settle_before"]
    await dvp.change("release", ids[0])
    await settle_due(dvp.world.parts)
    entries = [row["entry_seq"] for row in await dvp.kept(ids)]
    assert (await dvp.states(ids), entries[0] < entries[1]) == (["settled", "settled"], True)

    third = await dvp.party()
    pair = await dvp.agreed(
        dvp.item(second, third, 1, 50, reference="leg-1"), dvp.item(first, seller, 2, 100, links=[("with", "leg-1")])
    )
    await settle_due(dvp.world.parts)
    assert await dvp.states(pair) == ["prechecked", "prechecked"]  # the third has no money: the other leg waits too
    await dvp.credit(third, kopecks=50)
    await settle_due(dvp.world.parts)
    rows = await dvp.kept(pair)
    assert [row["state"] for row in rows] == ["settled", "settled"]
    assert rows[0]["entry_seq"] == rows[1]["entry_seq"]

    # A sells to B, B to C, C to A; nobody has units, and of money only what one must pay more than he gets.
    a, b, c = await dvp.party(), await dvp.party(), await dvp.party(kopecks=5)
    circle = await dvp.agreed(dvp.item(a, b, 10, 1_000), dvp.item(b, c, 10, 1_005), dvp.item(c, a, 10, 1_000))
    await settle_due(dvp.world.parts)
    rows = await dvp.kept(circle)
    assert {(row["state"], row["entry_seq"]) for row in rows} == {("settled", rows[0]["entry_seq"])}
    assert [row["settled_kopecks"] for row in rows] == [1_000, 1_005, 1_000]
    assert [await dvp.holds(wallet) for wallet in (a, b, c)] == [(0, 0), (0, 5), (0, 0)]
    told = (await dvp.world.events("dvp_settled"))[-1]["lines"]
    assert [(one["amount_kopecks"], one["settled_together"]) for one in told] == [(1_000, 3), (1_005, 3), (1_000, 3)]
    # In the register each of them stands gross: a right passes with its record.
    (_, entry) = dvp.world.ledger.last()[0]
    assert len(entry.postings) == 12
    assert (await dvp.world.ledger.check()).findings == []


async def test_in_parts_as_units_come_and_what_is_left_at_the_cut_off_lapses(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=4), await dvp.party(kopecks=1_000)
    (one,) = await dvp.agreed(dvp.item(seller, buyer, 9, 100, is_partial_allowed=True))

    await settle_due(dvp.world.parts)
    await dvp.credit(seller, units=2)
    await settle_due(dvp.world.parts)

    (row,) = await dvp.kept([one])
    assert (row["state"], row["settled_units"], row["settled_kopecks"]) == ("prechecked", 6, 66)
    parts = await dvp.world.rows("SELECT units, amount_kopecks FROM dvp_part ORDER BY entry_seq")
    assert [tuple(part.values()) for part in parts] == [(4, 44), (2, 22)]
    dvp.world.clock.advance(timedelta(hours=5))
    await settle_due(dvp.world.parts)
    (row,) = await dvp.kept([one])
    assert (row["state"], row["settled_units"], row["end_code"]) == ("settled", 6, "cut_off_passed")
    assert (await dvp.holds(seller), await dvp.holds(buyer)) == ((0, 66), (6, 934))


async def test_killed_at_any_step_it_goes_on_and_doubles_nothing(dvp: DvpWorld) -> None:
    step = 0
    while True:
        step += 1
        seller, buyer = await dvp.party(units=6), await dvp.party(kopecks=60)
        a, b = await dvp.party(), await dvp.party()
        ids = await dvp.agreed(
            dvp.item(seller, buyer, 2, 20),
            dvp.item(a, b, 3, 30),
            dvp.item(b, a, 3, 30, priority=1),  # the queue has this one first, the ids have it second
            dvp.item(seller, buyer, 9, 90, is_partial_allowed=True),
        )
        faults = Faults(die_at=step)
        died = False
        try:
            await settle_due(mortal(dvp.world.parts, faults))
        except ProcessDied:
            died = True
        await settle_due(dvp.world.parts)

        assert await dvp.states(ids) == ["settled", "settled", "settled", "prechecked"], step
        assert await dvp.holds(seller) == (0, 60), step
        assert await dvp.holds(buyer) == (6, 0), step
        parts = await dvp.world.rows(f"SELECT sum(units) AS units FROM dvp_part WHERE instruction_id = '{ids[3]}'")
        assert parts[0]["units"] == 4, step
        await dvp.change("cancel", ids[3])
        if not died:
            break
    assert step > 8
    told = [line["entry_seq"] for event in await dvp.world.events("dvp_settled") for line in event["lines"]]
    rows = await dvp.world.rows("SELECT entry_seq FROM dvp_part")
    assert sorted(told) == sorted(row["entry_seq"] for row in rows)  # each part told once


async def test_a_person_who_holds_or_cancels_between_reading_and_marking_is_heeded(dvp: DvpWorld) -> None:
    a, b = await dvp.party(), await dvp.party()
    seller, buyer = await dvp.party(units=2), await dvp.party(kopecks=2)
    circle = await dvp.agreed(dvp.item(a, b, 3, 30), dvp.item(b, a, 3, 30))
    (alone,) = await dvp.agreed(dvp.item(seller, buyer, 2, 2))
    parts = dvp.world.parts

    class Interrupted:
        def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
            found: Callable[..., Awaitable[object]] = getattr(parts.ledger, name)
            if name == "balances" and not seen:
                seen.append(name)

                async def hold_first(*args: object) -> object:
                    await dvp.change("hold", circle[0])
                    return await found(*args)

                return hold_first
            return found

    seen: list[str] = []
    await settle_due(replace(parts, ledger=Interrupted()))  # type: ignore[arg-type]

    assert await dvp.states([*circle, alone]) == ["prechecked", "prechecked", "settled"]
    await dvp.change("release", circle[0])
    await settle_due(parts)
    assert await dvp.states(circle) == ["settled", "settled"]


async def test_one_process_works_on_the_queue_at_a_time(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=2), await dvp.party(kopecks=2)
    (one,) = await dvp.agreed(dvp.item(seller, buyer, 2, 2))
    async with dvp.world.other_process().queue.turn() as is_theirs:
        assert is_theirs
        assert (await settle_due(dvp.world.parts)).settled == 0
    assert (await settle_due(dvp.world.parts)).settled == 1
    assert await dvp.states([one]) == ["settled"]


async def test_a_queue_that_stands_still_is_left_alone_until_it_is_recycled(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=2), await dvp.party()
    (one,) = await dvp.agreed(dvp.item(seller, buyer, 2, 2))
    dvp.world.clock.advance(timedelta(seconds=1))
    tick, clock = DvpSchedule(dvp.world.parts), dvp.world.clock
    await tick(clock.now())
    await dvp.credit(buyer, kopecks=2)
    clock.advance(timedelta(seconds=1))
    await tick(clock.now())
    assert await dvp.states([one]) == ["prechecked"]
    clock.advance(timedelta(seconds=30))
    await tick(clock.now())
    assert await dvp.states([one]) == ["settled"]
    (other,) = await dvp.agreed(dvp.item(buyer, seller, 2, 2))  # a change is seen at once
    await tick(clock.now())
    assert await dvp.states([other]) == ["settled"]


async def test_the_queue_leaves_the_escrow_rail_to_itself_until_its_cut_off(dvp: DvpWorld) -> None:
    seller, buyer = await dvp.party(units=2), await dvp.party(kopecks=2)
    bank: Any = object()  # there is one, and the queue never asks it
    dvp.world.parts = with_escrow(dvp.world.parts, bank)
    accounts = EscrowAccounts(buyer_account=BUYER, seller_account=SELLER)
    ids = await dvp.agreed(dvp.item(seller, buyer, 2, 2, rail=Rail.ESCROW, escrow=accounts))
    assert (await settle_due(dvp.world.parts)).settled == 0
    assert await dvp.states(ids) == ["prechecked"]
