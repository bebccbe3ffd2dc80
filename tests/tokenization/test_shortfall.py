"""Too little money for a payment, by a decision that shares it and charges for being late. Scenarios 35, 36.

What a decision without such clauses does stands in `test_actions`.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.tokenization.domain.record_list import cut_into_parts
from kapital.tokenization.use_cases import share_shortfall, take_record_lists
from tests.tokenization.test_actions import COUPON, PRICE, circulating, drained
from tests.tokenization.test_frozen import freeze
from tests.tokenization.world import Person, ProcessDied, World

SHARED = {"underfunded": "pro_rata"}
LATE = {"late_interest": {"rate": "0.2", "day_count": "act_365f"}}
DUE = 300 * COUPON
HAD = DUE * 6 // 10 + 1
"""60 % and a kopeck, which three equal holders cannot share."""
PAID_ON = datetime(2027, 3, 20, 9, tzinfo=UTC)
"""Five days after the last day to pay the first coupon, 15 March 2027."""


class Short:
    """An issue of three equal holders whose issuer has `money` for its first payment."""

    def __init__(self, world: World, issuer: Person, holders: list[Person], issue_id: UUID) -> None:
        self.world, self.issuer, self.holders, self.id = world, issuer, holders, issue_id
        self.payment: dict[str, Any] = {}

    @classmethod
    async def of(cls, world: World, money: int, **default: Any) -> "Short":
        [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
        holders = await world.people(3, kopecks=100 * PRICE)
        short = cls(world, issuer, holders, await circulating(world, issuer, holders, default=default))
        short.payment = (await world.actions(short.id))[0]
        await short.left_with(money)
        return short

    async def left_with(self, kopecks: int) -> None:
        """The issuer withdraws all but so much, or gets what it lacks."""
        more = kopecks - await self.world.money(self.issuer)
        if more > 0:
            await self.world.top_up([self.issuer], more)
        elif more:
            await self.world.post(drained(self.issuer, -more))
            self.world.bank["kopecks"] += more

    async def money(self) -> list[int]:
        return [await self.world.money(holder) for holder in self.holders]

    async def rest(self) -> dict[str, Any]:
        [row] = await self.world.rows(
            "SELECT * FROM corporate_action WHERE rest_of = :id", id=self.payment["action_id"]
        )
        return row

    async def must_be_shared(self) -> None:
        """60 % and a kopeck are with the holders; the rest is late."""
        assert sorted(await self.money()) == [HAD // 3, HAD // 3, HAD // 3 + 1]
        rest, shared = await self.rest(), (await self.world.actions(self.id))[0]
        assert (shared["total_kopecks"], shared["paid_kopecks"]) == (HAD, HAD)
        assert shared["state"] in ("paid", "closed")
        assert (rest["state"], rest["total_kopecks"], rest["paid_kopecks"]) == ("grace", DUE - HAD, 0)
        assert (rest["record_size"], rest["kind"]) == (shared["record_size"], shared["kind"])
        money = [await self.world.money(self.issuer, p) for p in (Position.AVAILABLE, Position.RESERVED)]
        assert money == [0, 0]
        assert await self.world.state(self.id) == "technical_default"
        assert [await self.world.units(holder, self.id) for holder in self.holders] == [100] * 3
        await self.world.check()


async def test_sixty_percent_are_shared_to_the_kopeck_and_the_cure_carries_the_interest_of_its_day(
    world: World,
) -> None:
    short = await Short.of(world, HAD, **SHARED, **LATE)
    await world.to(short.payment["pay_at"])
    assert (await world.actions(short.id))[0]["state"] == "underfunded"
    assert await short.money() == [0, 0, 0]

    await world.to(short.payment["overdue_at"])

    await short.must_be_shared()
    told = [(one["action_id"], one["state"]) for one in await world.events("payout_delayed")]
    rest = await short.rest()
    assert told == [(str(short.payment["action_id"]), "underfunded"), (str(rest["action_id"]), "grace")]
    # 2,050.00 at 20 % of 365 days for five days are 5.62 of each; the kopeck that one got more changes nothing.
    late = 3 * 562
    world.clock.set(PAID_ON)
    await short.left_with(DUE - HAD + late - 1)
    await world.to(PAID_ON)
    rest = await short.rest()
    assert (rest["state"], rest["late_kopecks"], rest["reserved_kopecks"]) == ("grace", late, None)
    await short.left_with(DUE - HAD + late)
    await world.to(PAID_ON + timedelta(minutes=1))
    rest = await short.rest()
    assert (rest["state"], rest["total_kopecks"]) == ("closed", DUE - HAD + late)
    assert await short.money() == [100 * COUPON + 562] * 3
    assert await world.state(short.id) == "circulating"
    await world.check()


@pytest.mark.parametrize("money", [1, DUE - 1])
async def test_what_is_left_of_parts_in_which_nobody_is_due_is_numbered_from_one_on(
    world: World, monkeypatch: pytest.MonkeyPatch, money: int
) -> None:
    """A kopeck that only one holder gets, or that only the last one still has to get; each holder is a part."""
    monkeypatch.setattr(take_record_lists, "cut_into_parts", partial(cut_into_parts, most=1))
    short = await Short.of(world, money, **SHARED)

    await world.to(short.payment["overdue_at"])

    shared, rest = (await world.actions(short.id))[0], await short.rest()
    for action in (shared, rest):
        rows = await world.rows(
            """
            SELECT part, p.amount_kopecks, sum(l.amount_kopecks)::bigint AS of_lines FROM payout_part AS p
            JOIN payout_line AS l USING (action_id, part)
            WHERE action_id = :id GROUP BY part, p.amount_kopecks ORDER BY part
            """,
            id=action["action_id"],
        )
        assert [row["part"] for row in rows] == list(range(1, action["parts"] + 1))
        assert all(row["amount_kopecks"] == row["of_lines"] for row in rows)
    assert {shared["parts"], rest["parts"]} == {1, 3}
    await short.left_with(DUE - money)
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert await short.money() == [100 * COUPON] * 3
    await world.check()


async def test_without_shares_the_whole_waits_and_carries_the_interest(world: World) -> None:
    short = await Short.of(world, HAD, **LATE)

    await world.to(short.payment["overdue_at"])
    assert await short.money() == [0, 0, 0]
    assert (await world.actions(short.id))[0]["state"] == "grace"
    world.clock.set(PAID_ON)
    await short.left_with(DUE)
    await world.to(PAID_ON)
    assert await short.money() == [0, 0, 0], "the interest is not there"
    # 5,125.00 at 20 % for five days of 365: 14.04.
    await short.left_with(DUE + 3 * 1404)
    await world.to(PAID_ON)

    assert await short.money() == [100 * COUPON + 1404] * 3
    assert await world.state(short.id) == "circulating"
    await world.check()


async def test_a_redemption_that_is_shared_ends_no_unit_until_its_rest_is_paid(world: World) -> None:
    short = await Short.of(world, 2 * DUE, **SHARED)
    *_, redemption = await world.actions(short.id)
    await world.to(short.payment["pay_at"])
    await world.to(redemption["record_at"])
    await short.left_with(100 * PRICE)
    before = await short.money()
    assert before == [2 * 100 * COUPON] * 3
    short.payment = (await world.actions(short.id))[-1]

    await world.to(redemption["overdue_at"])

    got = [after - had for after, had in zip(await short.money(), before, strict=True)]
    assert (sum(got), max(got) - min(got)) == (100 * PRICE, 1)
    assert [await world.units(holder, short.id) for holder in short.holders] == [100] * 3
    assert await world.state(short.id) == "technical_default"
    await short.left_with(200 * PRICE)
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert [after - had for after, had in zip(await short.money(), before, strict=True)] == [100 * PRICE] * 3
    assert [await world.units(holder, short.id) for holder in short.holders] == [0] * 3
    assert await world.state(short.id) == "redeemed"
    await world.check()


@pytest.mark.parametrize("dies_in", ["_share", "_split"])
async def test_a_process_that_dies_while_it_shares_is_gone_on_from_and_nothing_is_shared_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    """Before the ledger was asked for what was noted, and after it has set it aside."""
    short = await Short.of(world, HAD, **SHARED)
    await world.to(short.payment["pay_at"])
    world.clock.set(short.payment["overdue_at"])

    async def dying(*_: Any) -> int:
        raise ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(share_shortfall, dies_in, dying)
        with pytest.raises(ProcessDied):
            await world.app.run_schedule(world.clock.now())
    assert (await world.actions(short.id))[0]["share_kopecks"] == HAD
    assert await world.money(short.issuer, Position.RESERVED) == (HAD if dies_in == "_split" else 0)
    # What comes after the last day is the rest's.
    await world.top_up([short.issuer], 7)
    for _ in range(3):
        await asyncio.gather(*(world.another_process().run_schedule(world.clock.now()) for _ in range(3)))
        await world.bus.drain()

    assert await world.money(short.issuer) == 7
    await short.left_with(0)
    await short.must_be_shared()


async def test_what_the_issuer_takes_away_at_the_last_moment_is_not_shared_and_the_days_of_grace_begin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = await Short.of(world, HAD, **SHARED)
    await world.to(short.payment["pay_at"])
    world.clock.set(short.payment["overdue_at"])

    async def dying(*_: Any) -> int:
        raise ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(share_shortfall, "_share", dying)
        with pytest.raises(ProcessDied):
            await world.app.run_schedule(world.clock.now())
    await short.left_with(0)
    await world.to(world.clock.now())

    [coupon, *_] = await world.actions(short.id)
    assert (coupon["state"], coupon["share_kopecks"], coupon["total_kopecks"]) == ("grace", 0, DUE)
    assert await world.rows("SELECT 1 FROM corporate_action WHERE rest_of IS NOT NULL") == []
    await short.left_with(DUE)
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert await short.money() == [100 * COUPON] * 3
    await world.check()


async def test_money_that_a_freeze_holds_is_not_shared(world: World) -> None:
    short = await Short.of(world, HAD, **SHARED)
    await world.to(short.payment["pay_at"])
    await freeze(world, short.issuer)

    await world.to(short.payment["overdue_at"])

    [coupon, *_] = await world.actions(short.id)
    assert (coupon["state"], coupon["total_kopecks"]) == ("grace", DUE)
    assert (await world.money(short.issuer), await short.money()) == (HAD, [0, 0, 0])


@pytest.mark.parametrize("dies_in", ["reserve", "interest"])
async def test_a_process_that_dies_between_interest_and_payment_pays_the_sum_that_was_called_for(
    world: World, dies_in: str
) -> None:
    short = await Short.of(world, 0, **LATE)
    await world.to(short.payment["overdue_at"])
    world.clock.set(PAID_ON)
    await short.left_with(DUE + 3 * 1404)
    world.mortal.die_before_post, world.mortal.die_after_post = dies_in == "interest", dies_in == "reserve"
    with pytest.raises(ProcessDied):
        await world.app.run_schedule(world.clock.now())
    called = (await world.actions(short.id))[0]
    assert (called["state"], called["reserved_kopecks"]) == ("grace", DUE + 3 * 1404)

    # The next day would cost more, and is not asked for: the money was there on the day before.
    world.clock.set(PAID_ON + timedelta(days=1))
    for _ in range(3):
        await world.another_process().run_schedule(world.clock.now())
        await world.bus.drain()

    assert await short.money() == [100 * COUPON + 1404] * 3
    assert await world.money(short.issuer) == 0
    await world.check()
