"""book_incoming: every credit of the bank is booked once, whatever happens. Scenarios 10, 13, 14 of domain.md 4."""

import asyncio
import dataclasses
from contextlib import suppress

import msgspec
import pytest

from kapital.kernel.actor import NotPermitted
from kapital.ledger.api import BasisKind, Position
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET, BankCredit
from kapital.settlement.domain.problems import BankFeedMustAdvance, BankSilent
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.ports import Parts
from kapital.settlement.queries.list_incoming_payments import list_incoming_payments
from kapital.settlement.use_cases import book_incoming as module
from kapital.settlement.use_cases.book_incoming import book_incoming
from tests.settlement.world import STAFF, START, Faults, ProcessDied, World, mortal


async def money_everywhere(world: World) -> int:
    return -await world.kopecks(world.key(UNIDENTIFIED_WALLET).asset, Position.BANK)


async def test_money_with_a_code_becomes_its_wallets(world: World) -> None:
    wallet = await world.wallet()
    bank_id = await world.bank.receive(10_000_50, f"Пополнение счёта {top_up_code(wallet)}")

    assert await book_incoming(world.parts) == 1

    assert await world.kopecks(wallet) == 10_000_50
    ((seq, entry),) = world.ledger.last()
    assert entry.basis.kind is BasisKind.HOLDER_INSTRUCTION
    assert entry.basis.reference == f"bank_credit/{bank_id}"
    assert await world.events("top_up_booked") == [
        {"wallet_id": str(wallet), "amount_kopecks": 10_000_50, "entry_seq": seq}
    ]


async def test_money_without_an_owner_lies_on_the_operators_wallet_and_is_seen(world: World) -> None:
    await world.bank.receive(7_77, "Без назначения", payer_name="Вымышленный Пётр")

    await book_incoming(world.parts)

    assert await world.kopecks(UNIDENTIFIED_WALLET) == 7_77
    assert await world.events("top_up_booked") == []
    async with world.database.connect() as conn:
        (shown,) = (await list_incoming_payments(conn, STAFF)).incoming_payments
    assert (shown.state, shown.reason, shown.amount_kopecks) == ("unidentified", "no_code", 7_77)
    assert shown.wallet_id == UNIDENTIFIED_WALLET


async def test_only_staff_sees_who_paid(world: World) -> None:
    wallet = await world.wallet()
    async with world.database.connect() as conn:
        with pytest.raises(NotPermitted):
            await list_incoming_payments(conn, world.owners[wallet])


async def test_a_notice_told_again_is_booked_once(world: World) -> None:
    wallet = await world.wallet()
    bank_id = await world.bank.receive(500, top_up_code(wallet))
    await world.bank.tell_again(bank_id)
    await book_incoming(world.parts)
    await world.bank.tell_again(bank_id)

    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 500
    assert len(await world.events("top_up_booked")) == 1
    assert (await world.reconcile()).difference_kopecks == 0


async def test_the_same_payment_under_another_id_is_not_given_away_but_looked_at(world: World) -> None:
    wallet = await world.wallet()
    bank_id = await world.bank.receive(500, top_up_code(wallet))
    await world.bank.tell_again(bank_id, other_id="SB-OTHER")

    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 500
    assert await world.kopecks(UNIDENTIFIED_WALLET) == 500
    (row,) = await world.rows("SELECT reason FROM incoming_payment WHERE state = 'unidentified'")
    assert row["reason"] == "same_content_other_id"
    # The bank has the money once; so the comparison finds it.
    assert (await world.reconcile()).difference_kopecks == -500


async def test_an_altered_notice_is_refused_and_counted(world: World) -> None:
    wallet = await world.wallet()
    bank_id = await world.bank.receive(500, top_up_code(wallet))
    await world.bank.tell_again(bank_id, amount_kopecks=50_000)

    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 500
    async with world.database.connect() as conn:
        (shown,) = (await list_incoming_payments(conn, STAFF)).incoming_payments
    assert shown.altered_notices == 1
    (audited,) = await world.rows("SELECT after FROM audit_event WHERE action = 'settlement.notice_refused'")
    assert audited["after"] == {"reason": "altered"}


async def test_money_for_a_wallet_that_takes_no_credits_goes_to_the_operators_wallet(world: World) -> None:
    wallet = await world.wallet()
    await world.stop(world.key(wallet), credit=True)
    await world.bank.receive(900, top_up_code(wallet))

    await book_incoming(world.parts)

    assert await world.kopecks(UNIDENTIFIED_WALLET) == 900
    (row,) = await world.rows("SELECT state, reason FROM incoming_payment")
    assert row == {"state": "unidentified", "reason": "credit_refused"}


async def test_a_crash_after_such_a_booking_does_not_book_again_when_credits_are_allowed(world: World) -> None:
    wallet = await world.wallet()
    await world.stop(world.key(wallet), credit=True)
    await world.bank.receive(900, top_up_code(wallet))
    for die_at in range(1, 40):
        with suppress(ProcessDied):
            await book_incoming(mortal(world.parts, Faults(die_at=die_at)))
        if await world.rows("SELECT state FROM incoming_payment"):
            break
    for die_at in range(1, 40):
        with suppress(ProcessDied):
            await book_incoming(mortal(world.parts, Faults(die_at=die_at)))
        if await world.kopecks(UNIDENTIFIED_WALLET):
            break
    assert await world.rows("SELECT state FROM incoming_payment") == [{"state": "verified"}]
    await world.stop(world.key(wallet), credit=False)

    await book_incoming(world.parts)

    assert await world.kopecks(UNIDENTIFIED_WALLET) == 900
    assert await world.kopecks(wallet) == 0
    assert await world.rows("SELECT state, reason FROM incoming_payment") == [
        {"state": "unidentified", "reason": "credit_refused"}
    ]


async def test_each_credit_is_booked_once_wherever_the_process_dies(world: World) -> None:
    wallets = [await world.wallet() for _ in range(3)]
    died = 0
    for die_at in range(1, 200):
        await world.bank.receive_many([(100, top_up_code(wallet)) for wallet in wallets] + [(1, "?")])
        faults = Faults(die_at=die_at)
        try:
            await book_incoming(mortal(world.parts, faults))
        except ProcessDied:
            died += 1
        else:
            break

    await book_incoming(world.parts)

    rounds = died + 1
    assert died > 10
    assert [await world.kopecks(wallet) for wallet in wallets] == [100 * rounds] * 3
    assert await world.kopecks(UNIDENTIFIED_WALLET) == rounds
    assert len(await world.events("top_up_booked")) == 3 * rounds
    assert (await world.reconcile()).difference_kopecks == 0


class NoEdge:
    """The lock between processes taken away: nothing may rest on it but the exactness of the comparison."""

    def hold(self) -> "NoEdge":
        return self

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("with_edge", [True, False])
async def test_two_processes_at_once_book_each_credit_once(
    world: World, with_edge: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    wallets = [await world.wallet() for _ in range(10)]
    await world.bank.receive_many([(10**n, top_up_code(wallet)) for wallet in wallets for n in range(4)])

    def process() -> Parts:

        parts = world.other_process()
        return parts if with_edge else dataclasses.replace(parts, edge=NoEdge())

    counts = await asyncio.gather(*(book_incoming(process()) for _ in range(3)))

    assert sum(counts) == 40
    assert [await world.kopecks(wallet) for wallet in wallets] == [1111] * 10
    assert len(await world.events("top_up_booked")) == 40


async def test_a_bank_that_is_down_leaves_all_for_later(world: World) -> None:
    wallet = await world.wallet()
    await world.bank.receive(500, top_up_code(wallet))
    await world.bank.go_down()
    with pytest.raises(BankSilent):
        await book_incoming(world.parts)

    await world.bank.come_up()
    await book_incoming(world.parts)

    assert await world.kopecks(wallet) == 500


class TellsNonsense:
    def __init__(self, *page: BankCredit) -> None:
        self._page = page

    async def incoming(self, after_cursor: int, limit: int) -> list[BankCredit]:
        return [credit for credit in self._page if credit.cursor > after_cursor or credit.cursor < 0]


def credit(cursor: int, **changes: object) -> BankCredit:
    sound = BankCredit(
        cursor=cursor,
        bank_id=f"B{cursor}",
        amount_kopecks=1,
        purpose="",
        payer_account="",
        payer_name="",
        credited_at=START,
    )
    return msgspec.structs.replace(sound, **changes)


@pytest.mark.parametrize("cursors", [(2, 1), (1, 1), (-1,)])
async def test_a_list_out_of_order_is_not_read(world: World, cursors: tuple[int, ...]) -> None:

    parts = dataclasses.replace(world.parts, bank=TellsNonsense(*(credit(cursor) for cursor in cursors)))

    with pytest.raises(BankFeedMustAdvance):
        await book_incoming(parts)

    assert await world.rows("SELECT * FROM incoming_payment") == []


async def test_a_malformed_notice_is_kept_aside_and_stops_nobody(world: World) -> None:

    wallet = await world.wallet()
    page = (
        credit(1, amount_kopecks=0),
        credit(2, amount_kopecks=-5),
        credit(3, purpose="x" * 211),
        credit(4, purpose="a\x00b"),
        credit(5, payer_name="\ud800"),
        credit(6, bank_id=""),
        credit(7, amount_kopecks=2**53),
        credit(8, purpose=top_up_code(wallet), amount_kopecks=12),
    )

    await book_incoming(dataclasses.replace(world.parts, bank=TellsNonsense(*page)))

    assert await world.kopecks(wallet) == 12
    refused = await world.rows("SELECT bank_cursor, reason FROM refused_notice ORDER BY bank_cursor")
    assert [(row["bank_cursor"], row["reason"]) for row in refused] == [(n, "malformed") for n in range(1, 8)]


async def test_a_thousand_credits_take_a_handful_of_statements(world: World) -> None:
    wallets = [await world.wallet() for _ in range(5)]
    await world.bank.receive_many([(100 + n, top_up_code(wallets[n % 5])) for n in range(1000)])
    before, counted = world.ledger.calls, world.count_statements()

    assert await book_incoming(world.parts) == 1000

    assert world.ledger.calls - before == 2
    assert counted() < 60
