"""A payment to many holders goes in pages and parts: each holder once, whatever dies in between. Scenarios 34, 68."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, OpenWallet, Position, Posting, Refused, Transaction
from kapital.platform.ids import new_uuid7
from kapital.tokenization.domain.record_list import cut_into_parts
from kapital.tokenization.use_cases import instruct_payouts, take_record_lists
from tests.tokenization.test_actions import _BASIS, PRICE, circulating, drained
from tests.tokenization.test_frozen import freeze
from tests.tokenization.world import RUB, ProcessDied, World

HOLDERS = 230
LINES = 30
UNDER_WAY = 2


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages, parts and the number of parts under way so small that a test needs many of each."""
    monkeypatch.setattr(take_record_lists, "ACCOUNTS_PER_PAGE", 100)
    monkeypatch.setattr(take_record_lists, "PAGES_PER_TICK", 2)
    monkeypatch.setattr(take_record_lists, "cut_into_parts", partial(cut_into_parts, most=LINES))
    monkeypatch.setattr(instruct_payouts, "PARTS_UNDER_WAY", UNDER_WAY)


class Spread:
    """An issue that many hold, on the eve of its coupon."""

    def __init__(self, world: World, issue_id: UUID, issuer: Any, coupon: dict[str, Any]) -> None:
        self.world, self.id, self.issuer, self.coupon = world, issue_id, issuer, coupon
        self.units: dict[UUID, int] = {}

    @classmethod
    async def of(cls, world: World) -> "Spread":
        [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
        [buyer] = await world.people(1, kopecks=1000 * PRICE)
        issue_id = await circulating(world, issuer, [buyer] * 10)
        spread = cls(world, issue_id, issuer, (await world.actions(issue_id))[0])
        spread.units = {new_uuid7(): n % 4 + 1 for n in range(HOLDERS)}
        await world.post(
            *(Transaction(id=new_uuid7(), actor="test", basis=_BASIS, opens=(OpenWallet(w),)) for w in spread.units)
        )
        source = AccountKey(issue_id, Position.AVAILABLE, buyer.wallet)
        target = partial(AccountKey, issue_id, Position.AVAILABLE)
        await world.post(
            *(
                Transaction(
                    id=new_uuid7(),
                    actor="test",
                    basis=_BASIS,
                    postings=(Posting(source, -n), Posting(target(w), n)),
                )
                for w, n in spread.units.items()
            )
        )
        spread.units[buyer.wallet] = 1000 - sum(spread.units.values())
        world.clock.set(spread.coupon["pay_at"] + timedelta(hours=1))
        return spread

    async def parts(self) -> Counter[str]:
        rows = await self.world.rows(
            "SELECT state, count(*) AS n FROM payout_part WHERE action_id = :id GROUP BY state",
            id=self.coupon["action_id"],
        )
        return Counter({row["state"]: row["n"] for row in rows})

    async def must_be_paid_once(self) -> None:
        [coupon, *_] = await self.world.actions(self.id)
        assert coupon["state"] == "paid"
        assert coupon["holders"] == len(self.units)
        unit = coupon["total_kopecks"] // 1000
        keys = [AccountKey(RUB, Position.AVAILABLE, wallet) for wallet in self.units]
        money = await self.world.ledger.balances(keys)
        assert money == [unit * n for n in self.units.values()]
        assert coupon["paid_kopecks"] == coupon["total_kopecks"] == sum(money)
        lines = await self.world.rows(
            "SELECT wallet_id FROM payout_line WHERE action_id = :id", id=coupon["action_id"]
        )
        assert Counter(row["wallet_id"] for row in lines) == Counter(list(self.units))
        await self.world.check()


async def test_the_list_goes_on_at_the_next_tick_and_few_parts_are_under_way_at_a_time(world: World) -> None:
    spread = await Spread.of(world)

    await world.app.run_schedule(world.clock.now())
    listed = (await world.actions(spread.id))[0]["state"], sum((await spread.parts()).values())
    await world.app.run_schedule(world.clock.now())

    assert listed == ("approved", 8)
    assert (await world.actions(spread.id))[0]["state"] == "paying"
    parts = await spread.parts()
    assert parts == {"instructed": UNDER_WAY, "waiting": parts.total() - UNDER_WAY}
    assert parts.total() == 10
    await world.bus.drain()
    assert await spread.parts() == {"settled": 10}
    assert len(await world.events("payouts_instructed")) == 10
    await spread.must_be_paid_once()


async def test_a_process_that_dies_at_any_page_is_gone_on_from(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    spread = await Spread.of(world)
    kept = take_record_lists._keep

    for die_before in (True, False):

        async def dying(*args: Any, before: bool = die_before) -> Any:
            if before:
                raise ProcessDied
            await kept(*args)
            raise ProcessDied

        monkeypatch.setattr(take_record_lists, "_keep", dying)
        with pytest.raises(ProcessDied):
            await world.app.run_schedule(world.clock.now())
    monkeypatch.setattr(take_record_lists, "_keep", kept)

    for _ in range(3):
        await world.another_process().run_schedule(world.clock.now())
    await world.bus.drain()

    await spread.must_be_paid_once()


async def test_a_page_that_another_process_kept_is_not_kept_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = await Spread.of(world)
    kept = take_record_lists._keep

    async def twice(*args: Any) -> Any:
        await kept(*args)
        return await kept(*args)

    monkeypatch.setattr(take_record_lists, "_keep", twice)
    for _ in range(3):
        await world.app.run_schedule(world.clock.now())
    await world.bus.drain()

    await spread.must_be_paid_once()


async def test_an_issuer_that_withdraws_between_the_parts_leaves_no_holder_unpaid(world: World) -> None:
    spread = await Spread.of(world)
    for _ in range(2):
        await world.app.run_schedule(world.clock.now())
    due = (await world.actions(spread.id))[0]["total_kopecks"]
    assert (await world.actions(spread.id))[0]["state"] == "paying"
    assert await world.money(spread.issuer, Position.RESERVED) == due
    money = await world.money(spread.issuer)
    [refused] = await world.ledger.post([drained(spread.issuer, money + 1)])
    assert isinstance(refused, Refused)
    await world.post(drained(spread.issuer, money))
    world.bank["kopecks"] -= money

    await world.bus.drain()

    assert await world.money(spread.issuer, Position.RESERVED) == 0
    await spread.must_be_paid_once()


async def test_a_payment_begins_only_with_the_money_for_all_its_parts(world: World) -> None:
    spread = await Spread.of(world)

    await _one_kopeck_short(world, spread)

    assert await spread.parts() == {"waiting": 10}
    assert await world.money(spread.issuer, Position.RESERVED) == 0
    await world.top_up([spread.issuer], 1)
    await world.app.run_schedule(world.clock.now())
    await world.bus.drain()
    await spread.must_be_paid_once()


@pytest.mark.parametrize("before", [True, False])
async def test_a_process_that_dies_while_it_sets_money_aside_sets_it_aside_once(world: World, before: bool) -> None:
    spread = await Spread.of(world)
    await world.app.run_schedule(world.clock.now())
    world.mortal.die_before_post, world.mortal.die_after_post = before, not before
    with pytest.raises(ProcessDied):
        await world.app.run_schedule(world.clock.now())
    assert (await world.actions(spread.id))[0]["state"] == "funding_called"
    money = await world.money(spread.issuer)
    if not before:
        # What the dead one had set aside is found again, whatever the issuer has done with the rest.
        await world.post(drained(spread.issuer, money))
        world.bank["kopecks"] -= money

    await world.another_process().run_schedule(world.clock.now())
    await world.bus.drain()

    await spread.must_be_paid_once()


async def test_a_payment_that_had_begun_without_a_reserve_gets_one_for_what_is_left(world: World) -> None:
    """As the version before left it: refused for want of money while it was being paid from free money."""
    spread = await Spread.of(world)
    await _one_kopeck_short(world, spread)
    await _was(world, spread, reserved_kopecks=None)

    await world.top_up([spread.issuer], 1)
    await world.app.run_schedule(world.clock.now())

    due = (await world.actions(spread.id))[0]["total_kopecks"]
    assert await world.money(spread.issuer, Position.RESERVED) == due
    await world.bus.drain()
    await spread.must_be_paid_once()


@pytest.mark.parametrize("paid_before", [0, 60])
async def test_money_set_aside_for_a_payment_that_a_freeze_ends_in_default_goes_back(
    world: World, paid_before: int
) -> None:
    spread = await Spread.of(world)
    total = await _one_kopeck_short(world, spread)
    # What the version before had paid is not in the reserve (migration 0016).
    await _was(world, spread, paid_kopecks=paid_before, reserved_kopecks=total - paid_before)
    await world.top_up([spread.issuer], 1)
    await world.app.run_schedule(world.clock.now())
    money, due = [await world.money(spread.issuer, p) for p in (Position.AVAILABLE, Position.RESERVED)]
    await freeze(world, spread.issuer)
    await world.bus.drain()
    assert (await world.actions(spread.id))[0]["state"] == "underfunded"
    assert await world.money(spread.issuer, Position.RESERVED) == due

    await world.to(spread.coupon["overdue_at"])
    await world.to(spread.coupon["grace_until_at"])

    assert (await world.actions(spread.id))[0]["state"] == "defaulted"
    both = [await world.money(spread.issuer, p) for p in (Position.AVAILABLE, Position.RESERVED)]
    assert both == [money + due, 0]
    await world.to(world.clock.now() + timedelta(days=1))
    assert [await world.money(spread.issuer, p) for p in (Position.AVAILABLE, Position.RESERVED)] == both
    await world.check()


async def test_an_issuer_that_has_the_money_is_in_no_default_while_the_ledger_is_on_hold(world: World) -> None:
    spread = await Spread.of(world)
    async with world.databases.get("ledger").engine.begin() as conn:
        held = (
            "INSERT INTO hold (asset, reason, held_at, generation) SELECT :a, 'test', now(), generation + 1 FROM head"
        )
        await conn.execute(text(held), {"a": RUB})
        await conn.execute(text("UPDATE head SET generation = generation + 1"))

    for at in (world.clock.now(), spread.coupon["overdue_at"], spread.coupon["grace_until_at"]):
        world.clock.set(at + timedelta(minutes=1))
        for _ in range(2):
            await world.app.run_schedule(world.clock.now())

    assert (await world.actions(spread.id))[0]["state"] == "funding_called"
    assert await world.state(spread.id) == "circulating"


async def _one_kopeck_short(world: World, spread: Spread) -> int:
    """The payment is due and the issuer has a kopeck too little; what is due in all."""
    await world.app.run_schedule(world.clock.now())
    money = await world.money(spread.issuer)
    due = 1000 * 5125  # 1,000 roubles at 20.5 % for 90 days of 360, each
    await world.post(drained(spread.issuer, money - due + 1))
    world.bank["kopecks"] -= money - due + 1
    await world.app.run_schedule(world.clock.now())
    await world.bus.drain()
    assert (await world.actions(spread.id))[0]["state"] == "underfunded"
    return due


async def _was(world: World, spread: Spread, **fields: Any) -> None:
    """Have the action be as another version of the program left it."""
    names = ", ".join(f"{name} = :{name}" for name in fields)
    async with world.databases.get("tokenization").engine.begin() as conn:
        await conn.execute(
            text(f"UPDATE corporate_action SET {names} WHERE action_id = :id"),
            {**fields, "id": spread.coupon["action_id"]},
        )
