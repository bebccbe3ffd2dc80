"""DvP, refunds, payouts: exact shapes, derived ids, no second effect, no guess. Scenarios 1-5, 18, 19, 35, 37, 68."""

from uuid import UUID

import msgspec
import pytest

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import InvariantBroken
from kapital.ledger.api import BasisKind, OpenWallet, Position, Posting
from kapital.platform.bus import EmbeddedBus
from kapital.platform.database import Databases
from kapital.platform.events import Event
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.domain.instructions import AllocationLine
from kapital.settlement.domain.problems import SettlementLineRefused
from kapital.settlement.reactions import subscriptions
from tests.conftest import MakeDatabase
from tests.settlement.world import Faults, ProcessDied, World, action, due, failed, held, line, mortal

PRICE = 100_00


async def buyer(world: World, reserved: int) -> UUID:
    wallet = await world.funded(reserved)
    await world.reserve(wallet, reserved)
    return wallet


async def test_units_and_money_pass_in_one_entry_and_the_rest_goes_back_in_it(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, 500_00)
    order = line(wallet, 3, 300_00, 200_00)

    await world.allocate(held(issue, issuer, order))

    ((seq, entry),) = world.ledger.last()
    assert entry.id == derive_uuid7(order.order_id, "dvp")
    assert (entry.basis.kind, entry.basis.reference) == (BasisKind.SMART_CONTRACT, f"order/{order.order_id}")
    assert set(entry.postings) == {
        Posting(world.key(wallet, Position.RESERVED), -500_00),
        Posting(world.key(issuer), 300_00),
        Posting(world.key(wallet), 200_00),
        Posting(world.key(issue, Position.ISSUED, issue), -3),
        Posting(world.key(wallet, Position.AVAILABLE, issue), 3),
    }
    assert await world.events("allocation_settled") == [
        {
            "issue_id": str(issue),
            "outcome": "held",
            "part": 1,
            "parts": 1,
            "lines": [
                {
                    "order_id": str(order.order_id),
                    "entry_seq": seq,
                    "units": 3,
                    "pay_kopecks": 300_00,
                    "refund_kopecks": 200_00,
                }
            ],
        }
    ]


async def test_a_full_order_has_four_postings(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, PRICE)

    await world.allocate(held(issue, issuer, line(wallet, 1, PRICE, 0)))

    assert len(world.ledger.last()[0][1].postings) == 4


@pytest.mark.parametrize("make", [held, failed])
async def test_an_order_without_units_gets_its_whole_reserve_back(world: World, make: object) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, 500_00)
    order = line(wallet, 0, 0, 500_00)

    await world.allocate(make(issue, issuer, order))  # type: ignore[operator]

    ((_, entry),) = world.ledger.last()
    assert entry.id == derive_uuid7(order.order_id, "release")
    assert set(entry.postings) == {
        Posting(world.key(wallet, Position.RESERVED), -500_00),
        Posting(world.key(wallet), 500_00),
    }


async def test_a_repeat_has_no_second_effect(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, 2 * PRICE)
    decided = held(issue, issuer, line(wallet, 1, PRICE, 0))
    await world.allocate(decided)

    await world.allocate(decided)

    assert await world.units(issue, wallet) == 1
    assert len(await world.events("allocation_settled")) == 1
    with pytest.raises(InvariantBroken, match="other content"):
        await world.allocate(held(issue, issuer, line(wallet, 1, PRICE, 0)))
    assert await world.units(issue, wallet) == 1


async def test_a_placement_without_orders_is_settled_at_once(world: World) -> None:
    issue, issuer = await world.issue(), await world.wallet()

    await world.allocate(failed(issue, issuer))

    (told,) = await world.events("allocation_settled")
    assert (told["outcome"], told["lines"]) == ("failed", [])


async def test_an_allocation_that_died_anywhere_is_settled_once_by_its_repeat(world: World) -> None:
    issuer, died = await world.wallet(), 0
    for die_at in range(1, 20):
        issue, wallet = await world.issue(), await buyer(world, 3 * PRICE)
        decided = held(issue, issuer, line(wallet, 1, PRICE, 0), line(wallet, 0, 0, 2 * PRICE))
        try:
            await world.allocate(decided, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        await world.allocate(decided)
        assert await world.units(issue, wallet) == 1
        assert (await world.kopecks(wallet), await world.kopecks(wallet, Position.RESERVED)) == (2 * PRICE, 0)
        assert len(await world.events("allocation_settled")) == die_at
        if die_at > died:
            break
    assert died >= 4


W = UUID(int=5)
BROKEN: dict[str, AllocationLine] = {
    "too little": line(W, 1, 100, 0, reserved=101),
    "too much": line(W, 1, 100, 2, reserved=101),
    "units for nothing": line(W, 1, 0, 100),
    "money for nothing": line(W, 0, 100, 0),
    "nothing": line(W, 0, 0, 0),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_line_that_does_not_add_up_stops_all_before_anything_is_done(world: World, name: str) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, PRICE)
    calls = world.ledger.calls

    with pytest.raises(InvariantBroken):
        await world.allocate(held(issue, issuer, line(wallet, 1, PRICE, 0), BROKEN[name]))

    assert world.ledger.calls == calls
    assert await world.rows("SELECT * FROM settlement_job") == []


async def test_units_of_a_failed_placement_are_an_invariant_broken(world: World) -> None:
    with pytest.raises(InvariantBroken):
        await world.allocate(failed(UUID(int=1), UUID(int=2), line(W, 1, 100, 0)))


async def test_a_line_the_ledger_refuses_is_told_and_the_rest_stays(world: World) -> None:
    issue, issuer = await world.issue(), await world.wallet()
    good, poor = await buyer(world, PRICE), await world.wallet()
    decided = held(issue, issuer, line(poor, 1, PRICE, 0), line(good, 1, PRICE, 0))

    with pytest.raises(SettlementLineRefused) as told:
        await world.allocate(decided)
    await world.bank.receive(PRICE, "?")
    assert told.value.facts == {"ledger_code": "balance_insufficient", "line": 0, "refused": 1, "lines": 2}
    assert await world.units(issue, good) == 1

    # Once the cause is gone the same event goes on with what is missing.
    await world.enter(Posting(world.key(issuer), -PRICE), Posting(world.key(poor, Position.RESERVED), PRICE))
    await world.allocate(decided)
    assert (await world.units(issue, good), await world.units(issue, poor)) == (1, 1)


async def test_a_thousand_lines_are_one_call_and_a_handful_of_statements(world: World) -> None:
    issue, issuer, wallet = await world.issue(), await world.wallet(), await buyer(world, 1000 * PRICE)
    calls, counted = world.ledger.calls, world.count_statements()

    await world.allocate(held(issue, issuer, *(line(wallet, 1, PRICE, 0) for _ in range(1000))))

    assert world.ledger.calls - calls == 1
    assert counted() <= 5
    assert await world.units(issue, wallet) == 1000


async def held_issue(world: World, holders: int, units: int = 10) -> tuple[UUID, UUID, list[UUID]]:
    issue, issuer = await world.issue(), await world.wallet()
    wallets = [await buyer(world, units * PRICE) for _ in range(holders)]
    await world.allocate(held(issue, issuer, *(line(wallet, units, units * PRICE, 0) for wallet in wallets)))
    return issue, issuer, wallets


async def test_a_coupon_is_two_postings_per_holder(world: World) -> None:
    issue, issuer, (one, two) = await held_issue(world, 2)
    coupon = action(issue, issuer, due(one, 10, 50), due(two, 10, 70))

    await world.pay(coupon)

    (first, entry), (second, _) = world.ledger.last(2)
    assert entry.id == derive_uuid7(coupon.action_id, f"payout/{one}")
    assert entry.postings == (Posting(world.key(issuer), -50), Posting(world.key(one), 50))
    (told,) = await world.events("payouts_settled")
    assert told["lines"] == [
        {"wallet_id": str(one), "entry_seq": first, "amount_kopecks": 50},
        {"wallet_id": str(two), "entry_seq": second, "amount_kopecks": 70},
    ]


async def test_a_thousand_payouts_stand_or_fall_together(world: World) -> None:
    issue, issuer = await world.issue(), await world.wallet()
    wallets = [derive_uuid7(issuer, f"holder/{n}") for n in range(1000)]
    await world.enter(opens=tuple(OpenWallet(wallet) for wallet in wallets))
    bank = world.key(world.key(issuer).asset, Position.BANK)
    await world.enter(Posting(bank, -999), Posting(world.key(issuer), 999))
    coupon = action(issue, issuer, *(due(wallet, 1, 1) for wallet in wallets))

    await world.pay(coupon)
    unpaid = await world.kopecks(wallets[0])
    await world.enter(Posting(bank, -1), Posting(world.key(issuer), 1))
    calls, counted = world.ledger.calls, world.count_statements()
    await world.pay(coupon)

    assert unpaid == 0
    assert [event["available_kopecks"] for event in await world.events("payouts_refused")] == [999]
    assert world.ledger.calls - calls == 1
    assert counted() <= 10
    assert (await world.kopecks(wallets[0]), await world.kopecks(wallets[-1]), await world.kopecks(issuer)) == (
        1,
        1,
        0,
    )


@pytest.mark.parametrize("position", ["frozen", "arrested"])
async def test_money_for_units_that_are_held_back_is_held_back_too(world: World, position: str) -> None:
    issue, issuer, (wallet,) = await held_issue(world, 1)
    where = Position(position)
    await world.enter(
        Posting(world.key(wallet, Position.AVAILABLE, issue), -4), Posting(world.key(wallet, where, issue), 4)
    )
    coupon = action(issue, issuer, due(wallet, 6, 60), due(wallet, 4, 40, position=position))

    await world.pay(coupon)

    assert (await world.kopecks(wallet), await world.kopecks(wallet, where)) == (60, 40)


@pytest.mark.parametrize("locked", [True, False])
async def test_a_redemption_pays_and_extinguishes_in_one_entry(world: World, locked: bool) -> None:
    issue, issuer, (wallet,) = await held_issue(world, 1)
    units = world.key(wallet, Position.AVAILABLE, issue)
    if locked:
        await world.stop(units, debits=True)
    redemption = action(issue, issuer, due(wallet, 10, 10 * PRICE, extinguish=10), kind="redemption", locked=locked)

    await world.pay(redemption)

    ((_, entry),) = world.ledger.last()
    assert set(entry.postings) == {
        Posting(world.key(issuer), -10 * PRICE),
        Posting(world.key(wallet), 10 * PRICE),
        Posting(units, -10),
        Posting(world.key(issue, Position.EXTINGUISHED, issue), 10),
    }
    assert await world.units(issue, wallet) == 0


async def test_a_payer_without_the_money_pays_nobody_and_may_be_asked_again(world: World) -> None:
    issue, issuer, wallets = await held_issue(world, 3)
    too_much = 3 * 10 * PRICE
    redemption = action(
        issue, issuer, *(due(wallet, 10, too_much // 2, extinguish=10) for wallet in wallets), kind="redemption"
    )

    await world.pay(redemption)

    (told,) = await world.events("payouts_refused")
    assert told == {
        "action_id": str(redemption.action_id),
        "issue_id": str(issue),
        "part": 1,
        "needed_kopecks": too_much // 2 * 3,
        "available_kopecks": too_much,
        "code": "balance_insufficient",
    }
    assert [await world.units(issue, wallet) for wallet in wallets] == [10, 10, 10]
    assert [await world.kopecks(wallet) for wallet in wallets] == [0, 0, 0]

    await world.enter(
        Posting(world.key(world.key(issuer).asset, Position.BANK), -too_much), Posting(world.key(issuer), too_much)
    )
    await world.pay(redemption)
    await world.pay(redemption)
    assert [await world.units(issue, wallet) for wallet in wallets] == [0, 0, 0]
    assert len(await world.events("payouts_settled")) == 1
    assert await world.rows("SELECT state, attempts FROM settlement_job WHERE kind = 'payouts'") == [
        {"state": "settled", "attempts": 2}
    ]


async def test_units_of_the_payers_own_end_without_a_kopeck(world: World) -> None:
    issue, issuer, (one,) = await held_issue(world, 1)
    issued = world.key(issue, Position.ISSUED, issue)
    await world.enter(Posting(issued, -4), Posting(world.key(issuer, asset=issue), 4))
    before = await world.kopecks(issuer)
    redemption = action(
        issue, issuer, due(one, 10, 5, extinguish=10), due(issuer, 4, 0, extinguish=4), kind="redemption"
    )

    await world.pay(redemption)

    assert [await world.units(issue, wallet) for wallet in (one, issuer)] == [0, 0]
    assert (await world.kopecks(one), before - await world.kopecks(issuer)) == (5, 5)
    (told,) = await world.events("payouts_settled")
    assert {line["wallet_id"]: line["amount_kopecks"] for line in told["lines"]} == {str(one): 5, str(issuer): 0}


async def test_a_holder_without_the_units_is_not_taken_for_a_poor_payer(world: World) -> None:
    issue, issuer, (one, two) = await held_issue(world, 2)
    redemption = action(
        issue, issuer, due(one, 10, 5, extinguish=10), due(two, 11, 5, extinguish=11), kind="redemption"
    )

    with pytest.raises(SettlementLineRefused) as told:
        await world.pay(redemption)

    assert (told.value.facts["ledger_code"], told.value.facts["line"]) == ("balance_insufficient", 1)
    assert await world.units(issue, one) == 10
    assert await world.events("payouts_refused") == []


async def test_payouts_that_died_anywhere_are_paid_once_by_their_repeat(world: World) -> None:
    issue, issuer, wallets = await held_issue(world, 2)
    died = 0
    for die_at in range(1, 20):
        coupon = action(issue, issuer, *(due(wallet, 10, 5) for wallet in wallets))
        try:
            await world.pay(coupon, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        await world.pay(coupon)
        assert [await world.kopecks(wallet) for wallet in wallets] == [5 * die_at] * 2
        assert len(await world.events("payouts_settled")) == die_at
        if die_at > died:
            break
    assert died >= 4


@pytest.mark.parametrize(
    "lines",
    [
        (due(W, 1, 5), due(W, 1, 5)),
        (due(UUID(int=2), 1, 5),),
        (due(W, 1, 0),),
        (due(W, 1, 5, extinguish=1),),
    ],
    ids=["twice", "payer pays itself", "nothing", "coupon extinguishes"],
)
async def test_payouts_that_make_no_sense_stop(world: World, lines: tuple[object, ...]) -> None:
    with pytest.raises(InvariantBroken):
        await world.pay(action(UUID(int=1), UUID(int=2), *lines))  # type: ignore[arg-type]


async def test_a_poisoned_event_waits_in_the_dead_letters_and_other_issues_go_on(
    world: World, make_database: MakeDatabase
) -> None:
    tokenization = await make_database("tokenization")
    registry = await make_database("registry")
    identity = await make_database("identity")
    bus = EmbeddedBus(
        Databases(
            {"settlement": world.database, "tokenization": tokenization, "registry": registry, "identity": identity}
        ),
        world.clock,
    )
    for types, handler in subscriptions(world.parts):
        bus.subscribe("settlement", types, handler)
    issuer, wallet = await world.wallet(), await buyer(world, PRICE)
    broken, sound = await world.issue(), await world.issue()
    opened = {"wallet_id": str(new_uuid7()), "participant_id": str(new_uuid7()), "profile": "client_self"}
    async with UnitOfWork(registry, world.clock).begin() as tx:
        await tx.outbox.add(Event(type="kapital.registry.wallet_opened.v1", aggregate_id="w", data=opened))
    async with UnitOfWork(tokenization, world.clock).begin() as tx:
        for decided in (
            held(broken, issuer, line(wallet, 1, PRICE, 1, reserved=PRICE)),
            held(sound, issuer, line(wallet, 1, PRICE, 0)),
        ):
            await tx.outbox.add(
                Event(
                    type="kapital.tokenization.allocation_decided.v1",
                    aggregate_id=str(decided.issue_id),
                    data=msgspec.to_builtins(decided),
                )
            )

    await bus.drain()

    assert await world.units(sound, wallet) == 1
    assert await world.units(broken, wallet) == 0
    (letter,) = await world.rows("SELECT aggregate_id, code, state FROM dead_letter")
    assert letter == {"aggregate_id": str(broken), "code": "invariant_broken", "state": "failed"}
    assert opened["wallet_id"] in {
        str(row["wallet_id"]) for row in await world.rows("SELECT wallet_id FROM beneficiary")
    }
