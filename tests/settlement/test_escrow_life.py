"""The escrow rail under deaths: at every step in turn, and at random among random answers and silences of the bank.

After each death another process goes on. Then both legs have moved or neither, once, and each step was of the table.
"""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.settlement.adapters.http_escrow import HttpEscrow
from kapital.settlement.domain.escrow import HoldOrder, HoldState, HoldStatus
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.domain.states import DVP, DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.ports.escrow import Escrow
from tests.sandbox.bank.serving import caller_of, http_bank_over, served_here
from tests.settlement.escrow_world import BUYER, FUNDS, SELLER, EscrowWorld
from tests.settlement.world import Faults, Mortal, MortalUnitOfWork, ProcessDied, World

LONGER_THAN_THE_BANK_WORKS = timedelta(minutes=1)
CALLS = ("hold", "status", "release", "cancel", "notices")


@pytest_asyncio.fixture
async def here(world: World) -> AsyncIterator[EscrowWorld]:
    app = served_here(world.bank)
    bank, counter = http_bank_over(app), caller_of(app)
    yield await EscrowWorld.create(world, HttpEscrow(bank), counter)
    await bank.close()
    await counter.client.aclose()


def mortal(parts: Parts, faults: Faults, bank: Escrow | None = None) -> Parts:
    reached: Any = Mortal(bank or parts.escrow.bank, faults, CALLS)
    return replace(
        parts,
        uow=MortalUnitOfWork(parts.uow, faults),
        ledger=Mortal(parts.ledger, faults, ("post",)),
        escrow=replace(parts.escrow, bank=reached),
    )


async def die(here: EscrowWorld, parts: Parts) -> bool:
    """A tick; whether the process died in it."""
    died = False
    try:
        await here.run(parts)
    except* ProcessDied:
        died = True
    return died


async def steps_of(here: EscrowWorld, *ids: UUID) -> None:
    """Every state that each went through, as its rows told it, is a step of the table."""
    for one in ids:
        rows = await here.world.rows(f"SELECT state FROM passed WHERE instruction_id = '{one}' ORDER BY place")
        passed = [DvpState(row["state"]) for row in rows]
        for source, target in pairwise(passed):
            assert any((step.source, step.target) == (source, target) for step in DVP.steps), passed


async def told_once(here: EscrowWorld, *ids: UUID) -> None:
    """Of each instruction its end was told once, as settled or as ended."""
    rows = await here.world.rows("SELECT type, data FROM outbox WHERE type LIKE 'kapital.settlement.dvp_%'")
    told = [UUID(line["instruction_id"]) for row in rows for line in row["data"]["lines"]]
    assert sorted(told) == sorted(ids)


async def watch_states(here: EscrowWorld) -> None:
    """Keep every state that an instruction enters."""
    async with here.world.database.engine.begin() as conn:
        for statement in (
            "CREATE TABLE passed (place bigint GENERATED ALWAYS AS IDENTITY, instruction_id uuid, state text)",
            """
            CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
                    INSERT INTO passed (instruction_id, state) VALUES (NEW.instruction_id, NEW.state);
                END IF;
                RETURN NEW;
            END $$
            """,
            """
            CREATE TRIGGER note_state AFTER INSERT OR UPDATE ON dvp_instruction
            FOR EACH ROW EXECUTE FUNCTION note_state()
            """,
        ):
            await conn.exec_driver_sql(statement)


@pytest.mark.parametrize("ends", ["settled", "rolled_back"])
async def test_death_at_any_step_leaves_no_leg_alone(here: EscrowWorld, ends: str) -> None:
    """Scenarios 18 and 19: after the record it goes forward, before it all is undone; settled and debited once."""
    await watch_states(here)
    ids, at, died = [], 0, True
    while died:
        at += 1
        one = await here.instruct(10, 700)
        ids.append(one)
        if ends == "rolled_back":
            await here.counter.play({"at": "place_escrow_hold", "do": "reject", "reason": "no_mandate"})
        died = await die(here, mortal(here.world.parts, Faults(die_at=at)))
        await here.run()
        if died:
            await here.run()
        assert await here.state(one) == ends, at
    await steps_of(here, *ids)
    await told_once(here, *ids)
    await here.require_no_leg_alone(*ids)
    settled = len(ids) if ends == "settled" else 0
    assert at > 20  # there are so many steps to die at
    assert await here.where_units_are() == (1_000 - 10 * settled, 0, 10 * settled)
    assert (await here.money(BUYER), await here.money(SELLER)) == (FUNDS - 700 * settled, 700 * settled)


class Moody:
    """The bank as a bad line shows it: requests and answers get lost, in an order that a seed decides."""

    def __init__(self, bank: Escrow, chance: random.Random) -> None:
        self._bank, self._chance = bank, chance

    async def _ask(self, name: str, order: HoldOrder) -> HoldStatus:
        mood = self._chance.random()
        if mood < 0.2:
            raise BankSilent
        answer: HoldStatus = await getattr(self._bank, name)(order)
        if mood < 0.4:
            raise BankSilent
        if name == "status" and mood < 0.43:
            return HoldStatus(HoldState.UNCLEAR)
        return answer

    async def hold(self, order: HoldOrder) -> HoldStatus:
        return await self._ask("hold", order)

    async def status(self, order: HoldOrder) -> HoldStatus:
        return await self._ask("status", order)

    async def release(self, order: HoldOrder) -> HoldStatus:
        return await self._ask("release", order)

    async def cancel(self, order: HoldOrder) -> HoldStatus:
        return await self._ask("cancel", order)

    async def notices(self, after_cursor: int, limit: int) -> Any:
        if self._chance.random() < 0.3:
            raise BankSilent
        return await self._bank.notices(after_cursor, limit)


async def test_random_silences_refusals_and_deaths_end_with_both_legs_or_none(here: EscrowWorld) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    await watch_states(here)
    await here.counter.play(
        *(
            {"at": at, "do": do, "skip": chance.randrange(3), "enquiries": chance.randrange(3), "reason": reason}
            for at, do, reason in (
                ("place_escrow_hold", "pending", None),
                ("place_escrow_hold", "reject", "no_mandate"),
                ("release_escrow_hold", "pending", None),
                ("place_escrow_hold", "pending", "no_mandate"),
            )
        ),
        {"at": "escrow_notice", "do": "reorder", "skip": 4, "times": 3},
    )
    # Two of them want more units than there are: they wait for them until they are cancelled.
    ids = [await here.instruct(chance.choice([30, 60, 90]), chance.randrange(1, 5_000)) for _ in range(10)]
    ids += [await here.instruct(2_000, 1) for _ in range(2)]
    bank = here.world.parts.escrow.bank
    assert bank is not None
    moody = Moody(bank, chance)

    for _ in range(25):
        faults = Faults(die_at=chance.choice([None, chance.randrange(1, 40)]))
        await die(here, mortal(here.world.parts, faults, moody))
        for one in ids:
            if (state := await here.state(one)).startswith("review"):
                told = await here.at_bank(one)
                outcome = {
                    "review_before_record": "reserve_found" if told == "held" else "reserve_absent",
                    "review_after_record": "release_found" if told == "released" else "release_again",
                }[state]
                await here.decide(await here.propose(one, outcome))
    if waiting := [one for one in ids if await here.state(one) == "prechecked"]:
        await here.dvp.change("cancel", *waiting)

    for _ in range(6):
        here.world.clock.advance(LONGER_THAN_THE_BANK_WORKS)
        await here.run()

    await here.require_no_leg_alone(*ids)
    await steps_of(here, *ids)
    await told_once(here, *ids)
    rows = await here.world.rows("SELECT sum(amount_kopecks) AS paid FROM dvp_instruction WHERE state = 'settled'")
    paid = int(rows[0]["paid"] or 0)
    assert (await here.money(BUYER), await here.money(SELLER)) == (FUNDS - paid, paid)
    assert sum(await here.where_units_are()) == here.units
