"""A random walk over the queue, the register and PostgreSQL: whatever happens in whatever order, the books agree."""

import random
from collections import Counter, defaultdict
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.kernel.states import WrongState
from kapital.ledger.api import Position
from kapital.settlement.domain.dvp_problems import DvpLinkRefused
from kapital.settlement.use_cases.settle_due import settle_due
from tests.settlement.dvp_world import DvpWorld
from tests.settlement.world import Faults, ProcessDied, World, mortal

STEPS = 40


@pytest_asyncio.fixture
async def dvp(world: World) -> DvpWorld:
    return await DvpWorld.create(world)


async def books_agree(dvp: DvpWorld, wallets: list[UUID], credited: dict[UUID, list[int]]) -> None:
    """What every wallet has is what it was credited and what the parts of instructions moved, and no leg is alone."""
    rows = await dvp.world.rows("SELECT * FROM dvp_instruction")
    parts = await dvp.world.rows("SELECT * FROM dvp_part")
    named = {row["instruction_id"]: row for row in rows}
    have = {wallet: list(given) for wallet, given in credited.items()}
    moved: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for part in parts:
        one = named[part["instruction_id"]]
        for wallet, sign in ((one["seller_wallet_id"], -1), (one["buyer_wallet_id"], 1)):
            have[UUID(str(wallet))][0] += sign * part["units"]
            have[UUID(str(wallet))][1] -= sign * part["amount_kopecks"]
        moved[part["instruction_id"]][0] += part["units"]
        moved[part["instruction_id"]][1] += part["amount_kopecks"]
    for wallet in wallets:
        assert await dvp.holds(wallet) == tuple(have[wallet])
    for row in rows:
        assert moved[row["instruction_id"]] == [row["settled_units"], row["settled_kopecks"]]
        assert row["settled_kopecks"] == row["amount_kopecks"] * row["settled_units"] // row["units"]
        assert row["state"] in {"prechecked", "settled", "rolled_back"}
        assert (row["state"] == "rolled_back") <= (row["settled_units"] == 0)
        if row["state"] == "settled" and row["end_code"] is None:
            assert row["settled_units"] == row["units"]
    links = await dvp.world.rows("SELECT * FROM dvp_link")
    entries = defaultdict(set)
    for part in parts:
        entries[part["instruction_id"]].add(part["entry_seq"])
    whole = {row["instruction_id"] for row in rows if row["settled_units"] == row["units"]}
    for link in links:
        # Linked while it waited: a part may have been entered before that, the last one never is.
        one, other = link["instruction_id"], link["other_id"]
        if link["kind"] == "with":
            assert (one in whole) == (other in whole)
        if one in whole:
            assert named[other]["state"] == "settled"
            assert max(entries[other]) <= max(entries[one])
            assert link["kind"] == "after" or max(entries[other]) == max(entries[one])
    told = Counter(
        (line["instruction_id"], line["entry_seq"])
        for event in await dvp.world.events("dvp_settled")
        for line in event["lines"]
    )
    assert told == Counter((str(part["instruction_id"]), part["entry_seq"]) for part in parts)


@pytest.mark.parametrize("seed", [259, 115])
async def test_whatever_happens_in_whatever_order_the_books_agree(dvp: DvpWorld, seed: int) -> None:
    rng = random.Random(seed)
    wallets = [await dvp.party() for _ in range(4)]
    credited = {wallet: [0, 0] for wallet in wallets}
    ids: list[UUID] = []
    for _ in range(STEPS):
        act = rng.choice(["instruct", "instruct", "credit", "change", "link", "die", "settle", "time"])
        if act == "instruct":
            ids += await dvp.agreed(
                *(
                    dvp.item(
                        *rng.sample(wallets, 2),
                        rng.randint(1, 9),
                        rng.randint(1, 90),
                        is_partial_allowed=rng.random() < 0.5,
                        priority=rng.randint(1, 4),
                    )
                    for _ in range(rng.randint(1, 6))
                )
            )
        elif act == "credit":
            wallet, units, kopecks = rng.choice(wallets), rng.randint(0, 9), rng.randint(0, 90)
            await dvp.credit(wallet, units=units, kopecks=kopecks)
            credited[wallet] = [credited[wallet][0] + units, credited[wallet][1] + kopecks]
        elif act in {"change", "link"} and len(ids) > 1:
            one, other = rng.sample(ids, 2)
            try:
                if act == "link":
                    await dvp.link(one, rng.choice(["after", "before", "with"]), other)
                else:
                    await dvp.change(rng.choice(["hold", "release", "release", "cancel"]), one)
            except (WrongState, DvpLinkRefused):
                pass  # it has ended: the books must agree all the same
        elif act == "die":
            try:
                await settle_due(mortal(dvp.world.parts, Faults(die_at=rng.randint(1, 12))))
            except ProcessDied:
                await settle_due(dvp.world.parts)
        elif act == "time":
            dvp.world.clock.advance(timedelta(minutes=rng.randint(1, 45)))
        else:
            await settle_due(dvp.world.parts)

    await settle_due(dvp.world.parts)
    await books_agree(dvp, wallets, credited)
    dvp.world.clock.advance(timedelta(hours=5))
    await settle_due(dvp.world.parts)
    await books_agree(dvp, wallets, credited)
    assert (await dvp.world.ledger.check()).findings == []
    rows = await dvp.kept(ids)
    assert all(row["state"] in {"settled", "rolled_back"} for row in rows)  # none waits for ever, held or not
    assert sum(row["settled_units"] > 0 for row in rows) > 1
    assert await dvp.world.units(dvp.asset, dvp.asset, Position.ISSUED) == -sum(
        units for units, _ in credited.values()
    )
