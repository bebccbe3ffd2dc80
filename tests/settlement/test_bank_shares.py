"""A bank that keeps shares is told whose the money is: once, after the register, whatever dies or is silent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from pydantic import ValidationError

from kapital.contracts.settlement import BankScoring
from kapital.kernel.problems import Problem
from kapital.ledger.api import Basis, BasisKind, Posting, Transaction
from kapital.platform.ids import new_uuid7
from kapital.platform.settings import Settings
from kapital.settlement.adapters.http_shares import HttpShares
from kapital.settlement.domain.bank_shares import RESTS_REFUSED, OrderKind, Scoring, ShareLine, ShareOrder
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankSettingsUnusable, BankSilent
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.queries.list_bank_beneficiaries import list_bank_beneficiaries
from kapital.settlement.queries.list_breaks import list_breaks
from kapital.settlement.queries.list_withdrawals import list_withdrawals
from kapital.settlement.use_cases import compare_shares as comparing
from kapital.settlement.use_cases import tell_shares as telling
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.entries import BANK_MIRROR
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from kapital.settlement.use_cases.tell_shares import open_shares
from tests.kill_points import kill_points
from tests.sandbox.bank.serving import caller_of, http_bank_over, served_here
from tests.settlement.share_world import SCORED, ShareWorld
from tests.settlement.test_money_decisions import Desk
from tests.settlement.test_tax_paid import DUE
from tests.settlement.world import STAFF, Faults, ProcessDied, World, held, line


@pytest_asyncio.fixture
async def here(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShareWorld]:
    monkeypatch.setattr(telling, "ASKING_S", 600.0)  # a slow machine asks as much in a tick as a fast one
    app = served_here(world.bank)
    bank, counter = http_bank_over(app), caller_of(app)
    yield await ShareWorld.create(world, bank, counter)
    await bank.close()
    await counter.client.aclose()


async def move(here: ShareWorld, source: UUID, target: UUID, kopecks: int) -> None:
    """Money changes its owner by an entry."""
    key = here.world.key
    await here.world.enter(Posting(key(source), -kopecks), Posting(key(target), kopecks))


async def shares_agree(here: ShareWorld) -> None:
    """Every share at the bank is the register's to the kopeck, nothing is on hold there, and nothing is untold."""
    assert await here.at_bank() == await here.registered()
    assert await here.bank_rows("SELECT 1 FROM beneficiary WHERE on_hold_kopecks <> 0") == []
    assert await here.world.rows("SELECT 1 FROM bank_share_order WHERE state = 'waiting'") == []
    assert await here.world.rows("SELECT 1 FROM bank_share_holder WHERE owed_kopecks <> 0") == []


async def breaks(here: ShareWorld, state: str = "open") -> list[tuple[str, int]]:
    async with here.world.database.connect() as conn:
        page = await list_breaks(conn, STAFF, here.world.clock.now())
    return [(one.subject, one.difference_kopecks) for one in page.breaks if one.state.value == state]


async def test_the_bank_knows_each_share_before_it_pays_its_owner_and_nothing_of_who_it_is(here: ShareWorld) -> None:
    world = here.world
    buyer, issuer = await world.funded(10_000), await world.wallet()
    await world.bank.receive(700, "nobody knows whose")
    await book_incoming(world.parts)
    await here.settle_down()
    assert await here.at_bank() == {str(buyer): 10_000}

    # Units against money, in one entry; then the issuer's payout, which the bank could not pay before the deal.
    issue = await world.issue()
    await world.reserve(buyer, 6_000)
    await world.allocate(held(issue, issuer, line(buyer, units=5, pay=5_500, refund=500)))
    await world.ask(issuer, 5_500)
    await here.held_back(world.run)
    assert await world.states() == ["checked"]
    await here.tell()
    await world.run()
    assert await world.states() == ["confirmed"]

    await shares_agree(here)
    assert await here.at_bank() == {str(buyer): 4_500}
    [paid] = await here.bank_rows("SELECT beneficiary_id, amount_kopecks FROM payout WHERE state = 'executed'")
    assert paid == {"beneficiary_id": str(issuer), "amount_kopecks": 5_500}
    named = await here.bank_rows("SELECT beneficiary_id, kind, resident, name, inn FROM beneficiary")
    assert {row["beneficiary_id"] for row in named} == {str(one) for one in (buyer, issuer, TAX_WALLET)}
    assert {tuple(row.values())[1:] for row in named} == {("by_reference", None, None, None)}
    # Withheld tax is the operator's share.
    await move(here, buyer, TAX_WALLET, 13)
    await here.settle_down()
    await shares_agree(here)
    assert (await here.at_bank())[str(TAX_WALLET)] == 13
    desk = Desk(world)
    await desk.decide(await desk.propose("tax_paid", budget=msgspec.structs.replace(DUE, amount_kopecks=13)))
    await here.held_back(desk.run)  # what the lock entered is told first
    await here.tell()
    await desk.run()
    [tax] = await here.bank_rows("SELECT beneficiary_id, amount_kopecks FROM payout WHERE kind = 'tax'")
    assert (tax, await desk.ends()) == ({"beneficiary_id": str(TAX_WALLET), "amount_kopecks": 13}, [("done", None)])
    await shares_agree(here)
    # Quiet is quiet: no order twice, no deal of nothing, no difference.
    await here.settle_down()
    kinds = await world.rows(
        "SELECT kind, state, count(*) AS n FROM bank_share_order GROUP BY kind, state ORDER BY 1"
    )
    assert kinds == [{"kind": "deal", "state": "told", "n": 2}, {"kind": "distribution", "state": "told", "n": 1}]
    assert (await world.reconcile()).difference_kopecks == 0
    assert await breaks(here) == []


async def test_wherever_a_process_dies_the_bank_is_told_everything_once(here: ShareWorld) -> None:
    world = here.world
    first, second = await here.funded(1_000_000, 1_000_000)
    deaths = 0
    for step in kill_points(5):
        # Each round has all of it: a new beneficiary, a payment, a change of owner, a payout.
        third = await world.funded(50)
        await move(here, first, second, 100)
        await move(here, second, third, 30)
        await world.ask(first, 10)
        faults = Faults(die_at=step)
        parts = here.mortal(faults)
        try:
            await here.tell(parts)
            world.clock.advance(SCORED)
            await here.tell(parts)
            await run_withdrawals(parts)
        except ProcessDied:
            deaths += 1
        else:
            break
        world.clock.advance(SCORED)
        await here.tell()
        await world.run()
    await here.settle_down()
    await world.run()
    await shares_agree(here)
    assert step > 30
    assert set(await world.states()) == {"confirmed"}
    assert len(await world.bank.paid()) == deaths + 1


COMMANDS = ("add_beneficiary", "distribute_incoming", "open_deal", "accept_deal", "complete_deal")
QUESTIONS = ("get_bank_beneficiary", "get_deal")
WRONG = [
    *((at, do) for at in COMMANDS for do in ("request_lost", "answer_lost")),
    *((at, "unavailable") for at in QUESTIONS),
    ("complete_deal", "bad_signature"),
]


async def test_what_the_bank_did_in_silence_is_asked_and_never_done_again(here: ShareWorld) -> None:
    world = here.world
    first, second = await here.funded(10_000, 10_000)
    for at, do in WRONG:
        await here.counter.play({"at": at, "do": do, "seconds": 0})
        third = await world.funded(50)
        await move(here, first, second, 100)
        await move(here, second, third, 30)
        await here.settle_down()
        await shares_agree(here)
        [played] = (await here.counter.get("/sandbox/faults")).json()["steps"]
        assert played["met"] == 1, (at, do)
    assert (await world.reconcile()).difference_kopecks == 0
    assert await breaks(here) == []


async def test_a_bank_that_asks_to_wait_long_is_waited_for_and_one_that_is_down_is_left_alone(
    here: ShareWorld,
) -> None:
    world = here.world
    first, second = await here.funded(10_000, 10_000)
    await move(here, first, second, 100)
    await here.counter.play({"at": "any", "do": "too_many_requests", "times": 3, "seconds": 3600})
    await here.tell()
    assert await here.at_bank() == {str(first): 10_000, str(second): 10_000}
    await here.counter.play()
    await here.settle_down()
    await shares_agree(here)

    await move(here, second, first, 7)
    for _ in range(3):
        await move(here, first, await world.wallet(), 1)
    await world.bank.go_down()
    with pytest.raises(BankSilent):
        await here.tell()
    await world.bank.come_up()
    await here.settle_down()
    await shares_agree(here)


async def test_who_the_bank_does_not_serve_is_seen_and_paid_nothing_and_nobody_else_waits(here: ShareWorld) -> None:
    world = here.world
    bad, good, other = await here.funded(1_000, 1_000, 1_000)
    await world.bank.score(str(bad), "blocked_by_115", "no_documents")
    await move(here, good, bad, 300)
    await move(here, good, other, 200)
    await world.ask(bad, 500)
    await world.ask(other, 1_200)
    await here.settle_down()
    await world.run()
    await here.settle_down()
    await world.run()

    # The other got its money and was paid; what is between the good and the bad one waits, untold.
    assert await here.at_bank() == {str(bad): 1_000, str(good): 800}
    async with world.database.connect() as conn:
        [failed] = (await list_bank_beneficiaries(conn, STAFF, scoring=BankScoring.failed)).beneficiaries
        untold = (await list_bank_beneficiaries(conn, STAFF, untold=True)).beneficiaries
        mine = {one.wallet_id: one for one in (await list_withdrawals(conn, STAFF)).withdrawals}
        own = (await list_withdrawals(conn, world.owners[bad])).withdrawals
    assert failed.wallet_id == bad
    assert failed.scoring_reasons == ["blocked_by_115", "no_documents"]
    assert {one.wallet_id: one.untold_kopecks for one in untold} == {bad: 300, good: -300}
    assert (mine[bad].state.value, mine[bad].reason) == ("checked", "bank_scoring_failed")
    assert mine[other].state.value == "confirmed"
    assert [one.reason for one in own] == ["bank_scoring_failed"]
    # It is no difference: the register says more, and the bank was not told.
    await world.reconcile()
    assert await breaks(here) == []

    await world.bank.score(str(bad))
    await world.reconcile()
    await here.settle_down()
    await world.run()
    assert set(await world.states()) == {"confirmed"}
    await shares_agree(here)


async def forgotten(here: ShareWorld, wallet: UUID) -> None:
    """The bank knows a beneficiary no more, and never heard of it."""
    await here.bank_rows("DELETE FROM beneficiary WHERE beneficiary_id = :id", id=str(wallet))
    await here.bank_rows("DELETE FROM reply WHERE key LIKE '%' || :key", key=f"b-{wallet}")


async def test_a_deal_that_the_bank_does_not_take_keeps_only_those_waiting_for_whose_sake(here: ShareWorld) -> None:
    world = here.world
    giver, *others = await here.funded(10_000, 1, 1, 1)
    lost = await world.wallet()
    await here.settle_down()
    await forgotten(here, lost)
    for target in (*others, lost):
        await move(here, giver, target, 100)
    await world.ask(others[0], 50)

    await here.settle_down()
    await world.run()

    assert await here.at_bank() == {str(giver): 9_700, str(others[0]): 51, str(others[1]): 101, str(others[2]): 101}
    assert await world.states() == ["confirmed"]
    assert await world.rows("SELECT 1 FROM bank_share_order WHERE state = 'waiting'") == []
    # The bank was asked about both again, named the lost one anew, and is told when they have rested.
    world.clock.advance(RESTS_REFUSED)
    await here.settle_down()
    await shares_agree(here)
    assert (await here.at_bank())[str(lost)] == 100


async def test_a_payment_that_the_bank_does_not_find_is_a_break_and_a_forgotten_owner_is_named_anew(
    here: ShareWorld,
) -> None:
    world = here.world
    first, second, lost = await here.funded(1_000, 1_000, 1_000)
    for reference, wallet in (("bank_credit/L-0a-1", first), ("bank_credit/GHOST", second)):
        came = (Posting(BANK_MIRROR, -5), Posting(world.key(wallet), 5))
        basis = Basis(kind=BasisKind.HOLDER_INSTRUCTION, reference=reference)
        await world.ledger.post([Transaction(id=new_uuid7(), actor="machine:test", basis=basis, postings=came)])
    await forgotten(here, lost)
    await world.bank.receive(7, f"Пополнение {top_up_code(lost)}")
    await book_incoming(world.parts)
    await here.settle_down()

    # What the statement alone has named the bank cannot be told; of the other it may hear yet.
    waiting = await world.rows("SELECT incoming_id, reason FROM bank_share_order WHERE state = 'waiting'")
    assert waiting == [{"incoming_id": "GHOST", "reason": "bank_object_not_found"}]
    assert (await here.at_bank())[str(lost)] == 7
    await world.reconcile()
    assert (f"share/{first}", -5) in await breaks(here)
    assert (f"share/{second}", -5) not in await breaks(here)

    world.clock.advance(telling.NOT_FOUND_FOR + SCORED)
    await here.settle_down()
    await world.reconcile()
    assert await world.rows("SELECT 1 FROM bank_share_order WHERE state = 'waiting'") == []
    assert (f"share/{second}", -5) in await breaks(here)


async def test_money_of_an_unknown_owner_is_distributed_when_two_persons_have_found_it(here: ShareWorld) -> None:
    world = here.world
    [owner] = await here.funded(10)
    desk = Desk(world)
    found, sent_back = await desk.unknown(700), await desk.unknown(20)
    await here.settle_down()
    assert await here.at_bank() == {str(owner): 10}

    await desk.decide(await desk.propose("owner_found", payment_id=found, wallet_id=owner))
    await desk.decide(await desk.propose("sent_back", payment_id=sent_back))
    await desk.run()
    await here.settle_down()
    await desk.run()
    # What goes back was nobody's share at the bank.
    assert await here.at_bank() == {str(owner): 710}
    assert await world.bank.balance_kopecks() == 710
    await shares_agree(here)


async def test_a_share_that_differs_is_a_break_that_stops_payouts_until_it_agrees_again(here: ShareWorld) -> None:
    world = here.world
    first, second = await here.funded(1_000, 1_000)
    change = "UPDATE beneficiary SET amount_kopecks = amount_kopecks + :by WHERE beneficiary_id = :id"
    await here.bank_rows(change, by=-40, id=str(first))
    await here.bank_rows(change, by=40, id=str(second))
    assert (await world.reconcile()).difference_kopecks == 0
    assert sorted(await breaks(here)) == sorted([(f"share/{first}", -40), (f"share/{second}", 40)])
    with pytest.raises(Problem) as stopped:
        await world.ask(first, 10)
    assert stopped.value.code == "reconciliation_break_stops_withdrawals"

    # Found again it is the same break; changed, it says so.
    await here.bank_rows(change, by=1, id=str(first))
    await here.bank_rows(change, by=-1, id=str(second))
    await world.reconcile()
    assert sorted(await breaks(here)) == sorted([(f"share/{first}", -39), (f"share/{second}", 39)])

    await here.bank_rows(change, by=39, id=str(first))
    await here.bank_rows(change, by=-39, id=str(second))
    await world.reconcile()
    assert await breaks(here) == []
    assert len(await breaks(here, "explained")) == 2
    await world.ask(first, 10)
    await here.tell()
    await world.run()
    assert await world.states() == ["confirmed"]


async def test_shares_are_compared_a_stretch_at_a_time_and_another_stretch_explains_nothing(
    here: ShareWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = here.world
    wallets = sorted(await here.funded(*[1_000] * 5))
    monkeypatch.setattr(comparing, "PAGE", 2)
    monkeypatch.setattr(comparing, "PAGES_MAX", 1)
    change = "UPDATE beneficiary SET amount_kopecks = amount_kopecks + :by WHERE beneficiary_id = :id"
    first, last = str(wallets[0]), str(wallets[-1])
    await here.bank_rows(change, by=-40, id=first)
    await here.bank_rows(change, by=40, id=last)
    both = sorted([(f"share/{first}", -40), (f"share/{last}", 40)])

    found = []
    for _ in range(7):  # five of these and the wallet of tax, two at a time, and once more
        await world.reconcile()
        found.append(sorted(await breaks(here)))
    assert found[0] != both
    assert found[3:] == [both] * 4

    await here.bank_rows(change, by=40, id=first)
    await here.bank_rows(change, by=-40, id=last)
    for _ in range(4):
        await world.reconcile()
    assert await breaks(here) == []
    assert len(await breaks(here, "explained")) == 2


async def test_an_entry_that_no_call_can_tell_is_a_break_and_not_a_guess(here: ShareWorld) -> None:
    world = here.world
    [first] = await here.funded(1_000)
    await world.enter(Posting(BANK_MIRROR, 5), Posting(world.key(first), -5))
    await here.settle_down()
    assert await here.at_bank() == {str(first): 1_000}
    await world.reconcile()
    assert (f"share/{first}", 5) in await breaks(here)


async def test_a_bank_is_told_from_before_the_first_payout_and_for_ever(world: World) -> None:
    app = served_here(world.bank)
    bank = http_bank_over(app)
    off = world.parts
    on = replace(off, bank=bank, shares=replace(off.shares, bank=HttpShares(bank)))
    await open_shares(off)
    wallet = await world.funded(1_000)
    await world.ask(wallet, 10)
    await world.run()
    with pytest.raises(BankSettingsUnusable, match="payouts without a beneficiary"):
        await open_shares(on)
    # Nothing is half done by it: without the setting all goes on.
    await open_shares(off)

    async with world.database.engine.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM withdrawal")
    await open_shares(on)
    await open_shares(on)
    with pytest.raises(BankSettingsUnusable, match="told further"):
        await open_shares(off)
    await bank.close()


def test_the_sandbox_bank_of_this_process_keeps_no_shares() -> None:
    with pytest.raises(ValidationError, match="bank_shares needs bank http"):
        Settings(bank_shares=True)


async def test_what_the_bank_says_of_something_else_is_not_believed(here: ShareWorld) -> None:
    first, second = await here.funded(1_000, 1_000)
    shares = here.world.parts.shares.bank
    assert shares is not None
    lines = (ShareLine(first, -5), ShareLine(second, 5))
    order = ShareOrder(order_id=UUID(int=7), kind=OrderKind.DEAL, lines=lines)
    await shares.open(order)
    with pytest.raises(BankAnswerNotTrusted):
        await shares.deal(
            ShareOrder(order_id=order.order_id, kind=order.kind, lines=(*lines[:1], ShareLine(second, 6)))
        )
    assert (await shares.scoring(str(UUID(int=9)))).scoring is Scoring.UNNAMED
    page, after = await shares.list(None, 1)
    assert len(page) == 1
    assert after == page[0].beneficiary_id
