"""A frozen wallet is frozen in the ledger itself: from its entry on, for what is there and for what comes later."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Committed,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    Refused,
    SetFlags,
    Transaction,
)
from kapital.ledger.service import LedgerService
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.verify.verifier import verify
from tests.ledger.conftest import MakeLedger, build
from tests.ledger.words import AVAILABLE, LOCKED, RESERVED, RUB, at, freeze, issue, lift, move, top_up, tx, units

FROZEN = Position.FROZEN


def bank(kopecks: int) -> Posting:
    return Posting(AccountKey(RUB, Position.BANK, RUB), kopecks)


def within(wallet: UUID, source: Position, target: Position, amount: int, asset: UUID = RUB) -> tuple[Posting, ...]:
    return (Posting(at(asset, wallet, source), -amount), Posting(at(asset, wallet, target), amount))


class World:
    """Two wallets with 1,000 kopecks and 10 units each, and the name of a freeze."""

    def __init__(self, ledger: LedgerService) -> None:
        self.ledger = ledger
        self.frozen, self.other, self.units, self.freeze = (new_uuid7() for _ in range(4))

    async def prepare(self) -> "World":
        await self.post(tx(OpenWallet(self.frozen), OpenWallet(self.other), units(self.units)))
        for wallet in (self.frozen, self.other):
            await self.post(tx(*top_up(wallet, 1_000), *issue(self.units, wallet, 10)))
        return self

    async def ask(self, transaction: Transaction) -> Committed | Refused:
        return (await self.ledger.post([transaction]))[0]

    async def post(self, transaction: Transaction) -> Committed:
        answer = await self.ask(transaction)
        assert isinstance(answer, Committed), answer
        return answer

    async def refused(self, transaction: Transaction) -> str:
        answer = await self.ask(transaction)
        assert isinstance(answer, Refused), answer
        return answer.code

    async def money(self, *places: Position) -> list[int]:
        return await self.ledger.balances([at(RUB, self.frozen, place) for place in places])

    def coupon(self, kopecks: int) -> Transaction:
        return tx(*move(RUB, self.other, self.frozen, kopecks), income_of=self.units)

    def redemption(self, kopecks: int, count: int) -> Transaction:
        return tx(
            *move(RUB, self.other, self.frozen, kopecks),
            Posting(at(self.units, self.frozen), -count),
            Posting(AccountKey(self.units, Position.EXTINGUISHED, self.units), count),
            income_of=self.units,
        )


@pytest.fixture
async def world(ledger: LedgerService) -> World:
    return await World(ledger).prepare()


@pytest.mark.parametrize(
    ("stops", "out", "into"),
    [
        ("debits", "wallet_debits_frozen", None),
        ("credits", None, "wallet_credits_frozen"),
        ("both", "wallet_debits_frozen", "wallet_credits_frozen"),
    ],
)
async def test_a_freeze_stops_the_directions_that_it_names(world, stops, out, into):
    await world.post(tx(freeze(world.frozen, world.freeze, stops=stops)))
    for transaction, code in (
        (tx(*move(RUB, world.frozen, world.other, 5)), out),
        (tx(*move(RUB, world.other, world.frozen, 5)), into),
        (tx(*move(world.units, world.frozen, world.other, 1)), out),
        (tx(*move(world.units, world.other, world.frozen, 1)), into),
    ):
        answer = await world.ask(transaction)
        assert (answer.code if isinstance(answer, Refused) else None) == code


@pytest.mark.parametrize(
    ("scope", "money_moves", "units_move"),
    [
        ({}, False, False),
        ({"kind": AssetKind.MONEY}, False, True),
        ({"kind": AssetKind.UNITS}, True, False),
        ({"asset": RUB}, False, True),
        ({"asset": None}, True, False),
    ],
)
async def test_a_freeze_stops_the_assets_that_it_names(world, scope, money_moves, units_move):
    scope = {name: value or world.units for name, value in scope.items()}
    await world.post(tx(freeze(world.frozen, world.freeze, **scope)))
    for transaction, moves in (
        (tx(*move(RUB, world.frozen, world.other, 5)), money_moves),
        (tx(*move(world.units, world.frozen, world.other, 1)), units_move),
    ):
        assert isinstance(await world.ask(transaction), Committed) is moves


async def test_what_is_credited_after_the_freeze_is_frozen_too(world):
    later = new_uuid7()
    await world.post(tx(freeze(world.frozen, world.freeze, stops="debits")))
    await world.post(tx(units(later), *issue(later, world.frozen, 3)))
    assert await world.refused(tx(*move(later, world.frozen, world.other, 1))) == "wallet_debits_frozen"


async def test_a_wallet_frozen_before_it_opens_is_frozen_from_its_first_moment(world, make_ledger: MakeLedger):
    wallet = new_uuid7()
    await world.post(tx(freeze(wallet, world.freeze, stops="debits")))
    # In the transaction that opens it, in the next one, and in a process that has seen neither.
    both = tx(OpenWallet(wallet), *top_up(wallet, 100), *move(RUB, wallet, world.other, 1))
    assert await world.refused(both) == "wallet_debits_frozen"
    await world.post(tx(OpenWallet(wallet), *top_up(wallet, 100)))
    for ledger in (world.ledger, await make_ledger()):
        [answer] = await ledger.post([tx(*move(RUB, wallet, world.other, 1))])
        assert isinstance(answer, Refused)
        assert answer.code == "wallet_debits_frozen"


async def test_the_id_of_a_frozen_wallet_does_not_become_an_asset(world, make_ledger: MakeLedger):
    taken = new_uuid7()
    await world.post(tx(freeze(taken, world.freeze)))
    for ledger in (world.ledger, await make_ledger()):
        [answer] = await ledger.post([tx(OpenAsset(taken, AssetKind.UNITS, "X", 0))])
        assert isinstance(answer, Refused)
        assert answer.code == "asset_exists"
    assert await world.refused(tx(freeze(world.units, world.freeze))) == "mirror_position_misused"


async def test_income_of_a_frozen_wallet_goes_to_the_blocked_position_and_stays(world):
    await world.post(tx(freeze(world.frozen, world.freeze)))
    answer = await world.post(world.coupon(70))
    assert await world.money(AVAILABLE, FROZEN) == [1_000, 70]
    assert await world.refused(tx(*within(world.frozen, FROZEN, AVAILABLE, 70))) == "wallet_debits_frozen"
    [entry] = await world.ledger.entries(answer.seq, answer.seq + 1)
    [_, told] = msgspec.json.decode(entry.body)["postings"]
    assert (told["account"]["position"], told["instead_of"]) == ("frozen", "available")
    # The release, and only it, brings the money back.
    await world.post(tx(lift(world.frozen, world.freeze), *within(world.frozen, FROZEN, AVAILABLE, 70)))
    assert await world.money(AVAILABLE, FROZEN) == [1_070, 0]


async def test_blocked_income_grows_also_in_a_process_that_has_never_seen_it(world, make_ledger: MakeLedger):
    await world.post(tx(freeze(world.frozen, world.freeze)))
    await world.post(world.coupon(70))
    await (await make_ledger()).post([world.coupon(5)])
    await world.post(tx(lift(world.frozen, world.freeze)))
    # Here the freeze itself comes in the same call, before the income.
    answers = await (await make_ledger()).post([tx(freeze(world.frozen, new_uuid7())), world.coupon(3)])

    assert all(isinstance(answer, Committed) for answer in answers)
    assert await world.money(AVAILABLE, FROZEN) == [1_000, 78]
    assert (await world.ledger.check()).clean


async def test_income_on_frozen_units_is_blocked_though_money_is_free(world):
    await world.post(tx(freeze(world.frozen, world.freeze, asset=world.units)))
    await world.post(world.coupon(70))
    assert await world.money(AVAILABLE, FROZEN) == [1_000, 70]
    other = new_uuid7()
    await world.post(tx(units(other)))
    await world.post(tx(*move(RUB, world.other, world.frozen, 5), income_of=other))
    assert await world.money(AVAILABLE, FROZEN) == [1_005, 70]


async def test_frozen_units_are_extinguished_for_their_income_and_for_nothing_else(world):
    await world.post(tx(freeze(world.frozen, world.freeze)))
    plain = msgspec.structs.replace(world.redemption(100, 4), income_of=None)
    assert await world.refused(plain) == "wallet_credits_frozen"
    stolen = msgspec.structs.replace(
        plain, id=new_uuid7(), income_of=world.units, postings=(*move(world.units, world.frozen, world.other, 4),)
    )
    assert await world.refused(stolen) == "wallet_debits_frozen"
    await world.post(world.redemption(100, 4))
    assert await world.money(FROZEN) == [100]
    assert await world.ledger.balances([at(world.units, world.frozen)]) == [6]


async def test_a_payout_asked_for_again_meets_itself_whatever_was_frozen_or_released_since(world):
    before, under = world.coupon(1), world.coupon(2)
    first = await world.post(before)
    await world.post(tx(freeze(world.frozen, world.freeze)))
    second = await world.post(under)
    for again, entered in ((before, first), (under, second)):
        assert (await world.post(again)).seq == entered.seq
    await world.post(tx(lift(world.frozen, world.freeze)))
    for again, entered in ((before, first), (under, second)):
        repeated = await world.post(again)
        assert (repeated.seq, repeated.replayed) == (entered.seq, True)
    assert await world.money(AVAILABLE, FROZEN) == [1_001, 2]


async def test_what_was_bound_comes_back_and_goes_nowhere_else(world):
    await world.post(
        tx(*within(world.frozen, AVAILABLE, RESERVED, 300), *within(world.frozen, AVAILABLE, LOCKED, 0 + 200))
    )
    await world.post(tx(freeze(world.frozen, world.freeze)))
    dvp = tx(Posting(at(RUB, world.frozen, RESERVED), -300), Posting(at(RUB, world.other), 300))
    assert await world.refused(dvp) == "wallet_debits_frozen"
    assert await world.refused(tx(*within(world.frozen, AVAILABLE, RESERVED, 1))) == "wallet_debits_frozen"
    assert await world.refused(tx(*within(world.frozen, RESERVED, LOCKED, 1))) == "wallet_debits_frozen"
    await world.post(tx(*within(world.frozen, RESERVED, AVAILABLE, 300)))
    await world.post(tx(*within(world.frozen, LOCKED, AVAILABLE, 50)))
    assert await world.money(AVAILABLE, RESERVED, LOCKED) == [850, 0, 150]


async def test_money_that_the_bank_had_been_told_to_pay_is_recorded_as_paid(world):
    await world.post(tx(*within(world.frozen, AVAILABLE, LOCKED, 200)))
    await world.post(tx(freeze(world.frozen, world.freeze)))
    await world.post(tx(Posting(at(RUB, world.frozen, LOCKED), -200), bank(200)))
    assert await world.refused(tx(Posting(at(RUB, world.frozen), -5), bank(5))) == "wallet_debits_frozen"
    assert await world.money(AVAILABLE, LOCKED) == [800, 0]


async def test_an_allowance_lets_so_much_money_leave_and_no_more(world, make_ledger: MakeLedger):
    allowed = freeze(world.frozen, world.freeze, stops="debits", debit_allowance=100)
    await world.post(tx(allowed))
    await world.post(tx(*within(world.frozen, AVAILABLE, LOCKED, 60)))
    assert await world.refused(tx(*within(world.frozen, AVAILABLE, LOCKED, 41))) == "wallet_debits_frozen"
    for ledger in (world.ledger, await make_ledger()):
        assert [left.freeze.debit_allowance for left in await ledger.freezes([world.frozen])] == [40]
    other = await make_ledger()
    assert isinstance((await other.post([tx(*move(RUB, world.frozen, world.other, 40))]))[0], Committed)
    assert await world.refused(tx(*move(RUB, world.frozen, world.other, 1))) == "wallet_debits_frozen"
    assert await world.refused(tx(*move(world.units, world.frozen, world.other, 1))) == "wallet_debits_frozen"
    assert (await world.ledger.check()).clean


async def test_each_freeze_of_a_wallet_ends_by_itself(world):
    second = new_uuid7()
    await world.post(tx(freeze(world.frozen, world.freeze), freeze(world.frozen, second, asset=world.units)))
    await world.post(world.coupon(10))
    await world.post(tx(lift(world.frozen, world.freeze)))
    # Money is free, but not the income of units that still are frozen.
    await world.post(tx(*move(RUB, world.frozen, world.other, 1)))
    assert await world.refused(tx(*within(world.frozen, FROZEN, AVAILABLE, 10))) == "wallet_debits_frozen"
    assert await world.refused(tx(lift(world.frozen, world.freeze))) == "freeze_not_in_force"
    await world.post(tx(lift(world.frozen, second), *within(world.frozen, FROZEN, AVAILABLE, 10)))
    assert await world.ledger.freezes([world.frozen]) == []
    again = await world.post(tx(freeze(world.frozen, second, debit_allowance=9)))
    await world.post(tx(*within(world.frozen, AVAILABLE, RESERVED, 9)))
    assert [one.since for one in await world.ledger.freezes([world.frozen])] == [again.seq]


async def test_a_freeze_of_a_broken_set_is_not_in_force(world):
    broken = new_uuid7()
    answers = await world.ledger.post(
        [
            tx(freeze(world.frozen, world.freeze), linked=broken),
            tx(*move(RUB, world.other, world.frozen, 10**9), linked=broken),
        ]
    )
    assert [isinstance(answer, Refused) for answer in answers] == [True, True]
    await world.post(tx(*move(RUB, world.frozen, world.other, 5)))
    assert await world.ledger.freezes([world.frozen]) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"asset": RUB, "kind": AssetKind.MONEY}, "transaction_malformed"),
        ({"debit_allowance": -1}, "transaction_malformed"),
        ({"debit_allowance": 2**53}, "transaction_malformed"),
        ({"debit_allowance": 1, "kind": AssetKind.UNITS}, "transaction_malformed"),
        ({"debit_allowance": 1, "stops": "credits"}, "transaction_malformed"),
        ({"asset": UUID(int=5)}, "asset_unknown"),
    ],
)
async def test_a_freeze_that_cannot_be_is_refused(world, change, code):
    assert await world.refused(tx(freeze(world.frozen, world.freeze, **change))) == code


async def test_a_wallet_has_no_more_freezes_than_are_read(world):
    await world.post(tx(*(freeze(world.frozen, new_uuid7()) for _ in range(100))))
    assert await world.refused(tx(freeze(world.frozen, world.freeze))) == "freezes_exceed_limit"
    twice = freeze(world.other, world.freeze)
    assert await world.refused(tx(twice, twice)) == "transaction_malformed"
    unknown = tx(*move(RUB, world.other, world.frozen, 1), income_of=UUID(int=5))
    assert await world.refused(unknown) == "asset_unknown"


async def test_a_hold_does_not_keep_anybody_from_freezing(world, sql: asyncpg.Connection):
    await sql.execute("UPDATE account SET balance = balance + 1 WHERE wallet = $1 AND asset = $2", world.other, RUB)
    assert await world.ledger.follow_check(await world.ledger.check())
    await world.post(tx(freeze(world.frozen, world.freeze)))


async def test_a_freeze_removed_from_the_table_is_found_held_and_made_again(world, sql: asyncpg.Connection):
    await world.post(tx(freeze(world.frozen, world.freeze)))
    await sql.execute("DELETE FROM wallet_freeze")
    report = await world.ledger.check()
    assert {(finding.code, finding.asset) for finding in report.findings} == {
        ("freeze_differs", RUB),
        ("freeze_differs", world.units),
    }
    assert {hold.asset for hold in await world.ledger.follow_check(report)} == {RUB, world.units}
    assert await world.refused(tx(*move(RUB, world.frozen, world.other, 5))) == "asset_held"
    await world.ledger.rebuild()
    assert (await world.ledger.check()).clean
    assert [one.freeze.freeze for one in await world.ledger.freezes([world.frozen])] == [world.freeze]


async def test_an_entry_that_a_freeze_forbids_is_found(world, sql: asyncpg.Connection):
    """Who writes an entry past the rules, hashes and all, is found by playing the log again."""
    await world.post(tx(freeze(world.frozen, world.freeze)))
    paid = await world.post(world.coupon(70))
    await sql.execute("ALTER TABLE entry DISABLE TRIGGER USER")
    await sql.execute(
        "UPDATE entry SET body = convert_to(replace(replace(convert_from(body, 'UTF8'), "
        "',\"instead_of\":\"available\"', ''), '\"frozen\"', '\"available\"'), 'UTF8') WHERE seq = $1",
        paid.seq,
    )
    assert ("entry_breaks_rule", f"entry seq={paid.seq}") in {f[:2] for f in (await world.ledger.check()).findings}


async def test_a_statement_names_the_freeze_and_proves_that_none_is_left_out(world):
    await world.post(tx(freeze(world.frozen, world.freeze, stops="debits", debit_allowance=1_000_000)))
    await world.post(world.coupon(70))
    await world.post(tx(lift(world.frozen, world.freeze)))
    package = await world.ledger.statement_evidence(world.frozen)
    report = verify(package, trusted_keys=world.ledger.verifier_keys)
    assert report.accepted
    assert report.complete
    russian, english = report.to_text("ru"), report.to_text("en")
    assert (
        "заморожено, списания: всё, что есть в кошельке; из денег ещё может быть списано, руб. 10\u00a0000,00"
        in russian
    )
    assert "замораживание снято" in russian
    assert "доход по замороженному кошельку" in russian
    assert "frozen, debits: everything in the wallet; of money may still leave, RUB 10,000.00" in english
    assert "income of a frozen wallet" in english
    assert verify(await world.ledger.entry_evidence(3)).accepted


async def test_a_freeze_among_a_thousand_dvps_and_payouts_has_one_place(database: Database, make_ledger: MakeLedger):
    """After the entry of the freeze no entry takes anything from the wallet; before it, all may."""
    ledger, elsewhere = await make_ledger(writer=WriterProcess), await make_ledger()
    world = await World(ledger).prepare()
    await world.post(tx(*top_up(world.frozen, 10**6), *issue(world.units, world.frozen, 10_000)))
    await world.post(tx(*top_up(world.other, 10**6), *issue(world.units, world.other, 10_000)))

    def dvp() -> Transaction:
        return tx(*move(world.units, world.frozen, world.other, 1), *move(RUB, world.other, world.frozen, 10))

    def purchase() -> Transaction:
        return tx(*move(world.units, world.other, world.frozen, 1), *move(RUB, world.frozen, world.other, 10))

    calls = [[dvp(), purchase(), world.coupon(3), world.redemption(7, 1)] for _ in range(250)]
    frozen = asyncio.Event()

    async def caller(at_ledger: LedgerService, call: Sequence[Transaction], number: int) -> list[Any]:
        if number == 125:
            frozen.set()
        return await at_ledger.post(call)

    async def officer() -> Committed:
        await frozen.wait()
        return await world.post(tx(freeze(world.frozen, world.freeze)))

    placed, *answers = await asyncio.gather(
        officer(), *(caller((ledger, elsewhere)[n % 2], call, n) for n, call in enumerate(calls))
    )
    assert isinstance(placed, Committed)
    flat = [answer for call in answers for answer in call]
    for number, answer in enumerate(flat):
        kind = number % 4
        if isinstance(answer, Refused):
            # Payouts are never refused; they only go elsewhere.
            assert kind < 2
            assert answer.code in ("wallet_debits_frozen", "wallet_credits_frozen")
        elif answer.seq > placed.seq:
            assert kind >= 2
    assert any(isinstance(answer, Refused) for answer in flat)
    assert any(isinstance(answer, Committed) and answer.seq < placed.seq for answer in flat)
    after = [
        (posting["account"]["position"], int(posting["amount"]))
        for entry in await ledger.entries(placed.seq, await ledger.size())
        for posting in msgspec.json.decode(entry.body).get("postings", ())
        if posting["account"]["wallet"] == str(world.frozen) and posting["account"]["asset"] == str(RUB)
    ]
    assert all(amount > 0 and position == "frozen" for position, amount in after)
    assert (await elsewhere.check()).clean


async def test_flags_still_hold_in_a_frozen_wallet(world):
    await world.post(tx(freeze(world.frozen, world.freeze), SetFlags(at(RUB, world.frozen, FROZEN), True, False)))
    assert await world.refused(world.coupon(1)) == "account_credits_stopped"


async def test_a_process_that_did_not_see_the_freeze_obeys_it(database: Database, world):
    fresh = build(database)
    try:
        # It has planned on the wallet before, so that what it remembers says: free.
        assert isinstance((await fresh.post([tx(*move(RUB, world.frozen, world.other, 1))]))[0], Committed)
        await world.post(tx(freeze(world.frozen, world.freeze)))
        [answer] = await fresh.post([tx(*move(RUB, world.frozen, world.other, 1))])
        assert isinstance(answer, Refused)
    finally:
        await fresh.close()
