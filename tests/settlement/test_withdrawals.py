"""Withdrawals: money is locked first, the bank pays once, silence decides nothing. Scenarios 11, 12, 17, 20."""

import asyncio
import dataclasses

import msgspec
import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.ids import CommandId, derive_uuid7
from kapital.kernel.roles import Role
from kapital.ledger.api import Position, Posting, money_asset
from kapital.platform.problems import IdempotencyKeyReused
from kapital.sandbox.bank import Behaviour
from kapital.settlement.domain.problems import (
    BankSilent,
    LedgerRefusedBankFact,
    ReconciliationBreakStopsWithdrawals,
    WithdrawalBatchMalformed,
    WithdrawalNotFound,
)
from kapital.settlement.queries.list_withdrawals import get_withdrawal, list_withdrawals
from kapital.settlement.use_cases.request_withdrawals import RequestWithdrawals, request_withdrawals
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from tests.kill_points import kill_points
from tests.settlement.test_book_incoming import NoEdge
from tests.settlement.world import ACCOUNT, STAFF, Faults, ProcessDied, World, item, mortal


async def test_the_money_is_locked_and_the_bank_not_called(world: World) -> None:
    wallet = await world.funded(1_000_00)

    answer = await world.ask(wallet, 300_00)

    assert answer.outcome == "accepted"
    assert await world.kopecks(wallet) == 700_00
    assert await world.kopecks(wallet, Position.LOCKED) == 300_00
    assert await world.states() == ["checked"]
    assert await world.bank.paid() == {}
    assert [told["state"] for told in await world.events("withdrawal_changed")] == ["requested", "checked"]


async def test_the_entries_have_the_shape_and_ids_that_were_agreed(world: World) -> None:
    wallet = await world.funded(1_000_00)
    answer = await world.ask(wallet, 300_00)

    await world.run()

    (_, lock), (_, paid) = world.ledger.last(2)
    assert answer.withdrawal_id is not None
    assert lock.id == derive_uuid7(answer.withdrawal_id, "lock")
    assert paid.id == derive_uuid7(answer.withdrawal_id, "paid")
    available, locked = world.key(wallet), world.key(wallet, Position.LOCKED)
    bank = world.key(money_asset(), Position.BANK)
    assert set(lock.postings) == {Posting(available, -300_00), Posting(locked, 300_00)}
    assert set(paid.postings) == {Posting(locked, -300_00), Posting(bank, 300_00)}


async def test_a_paid_withdrawal_leaves_the_register_when_the_bank_says_so(world: World) -> None:
    wallet = await world.funded(1_000_00)
    answer = await world.ask(wallet, 300_00)

    await world.run()

    assert answer.withdrawal_id is not None
    assert await world.states() == ["confirmed"]
    assert await world.bank.paid() == {answer.withdrawal_id.hex: 300_00}
    assert await world.kopecks(wallet, Position.LOCKED) == 0
    assert (await world.reconcile()).difference_kopecks == 0
    told = [event["state"] for event in await world.events("withdrawal_changed")]
    assert told == ["requested", "checked", "sent", "confirmed"]


async def test_an_answer_that_was_lost_after_the_payment_is_found_by_asking(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.SILENT_AFTER)

    await world.run()
    unknown = await world.states()
    await world.run()

    assert unknown == ["unknown"]
    assert await world.states() == ["confirmed"]
    assert list((await world.bank.paid()).values()) == [300_00]
    assert (await world.reconcile()).difference_kopecks == 0


async def test_a_request_that_was_lost_on_its_way_is_sent_again_under_the_same_reference(world: World) -> None:
    wallet = await world.funded(1_000_00)
    answer = await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.SILENT_BEFORE)

    await world.run()
    unknown = await world.states()
    await world.run()

    assert answer.withdrawal_id is not None
    assert unknown == ["unknown"]
    assert await world.states() == ["confirmed"]
    assert await world.bank.paid() == {answer.withdrawal_id.hex: 300_00}


async def test_silence_alone_never_ends_a_withdrawal(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.SILENT_AFTER)
    await world.run()
    await world.bank.go_down()

    for _ in range(5):
        await world.run()

    assert await world.states() == ["unknown"]
    assert await world.kopecks(wallet, Position.LOCKED) == 300_00
    await world.bank.come_up()
    await world.run()
    assert await world.states() == ["confirmed"]


@pytest.mark.parametrize("behaviour", [Behaviour.REJECT, Behaviour.REJECT_SILENTLY])
async def test_a_rejection_gives_the_money_back_once(world: World, behaviour: Behaviour) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(behaviour, reason="account_closed")

    for _ in range(4):
        await world.run()

    assert await world.kopecks(wallet) == 1_000_00
    assert await world.kopecks(wallet, Position.LOCKED) == 0
    (row,) = await world.rows("SELECT state, reason FROM withdrawal")
    assert row == {"state": "re_credited", "reason": "account_closed"}
    told = [event["state"] for event in await world.events("withdrawal_changed")]
    assert (told.count("rejected"), told.count("re_credited")) == (1, 1)
    assert (await world.reconcile()).difference_kopecks == 0


async def test_a_payout_that_takes_its_time_stays_in_transit(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 300_00)
    await world.bank.script(Behaviour.PENDING)
    await world.run()
    await world.run()
    waiting, compared = await world.states(), await world.reconcile()

    await world.bank.work_off()
    await world.run()

    assert waiting == ["sent"]
    assert (compared.in_transit_kopecks, compared.difference_kopecks) == (300_00, 0)
    assert await world.states() == ["confirmed"]


async def test_money_that_is_not_there_is_the_ledgers_refusal(world: World) -> None:
    wallet = await world.funded(1_000_00)

    answer = await world.ask(wallet, 1_000_01)
    await world.run()

    assert (answer.outcome, answer.code) == ("refused", "balance_insufficient")
    assert await world.states() == ["refused"]
    assert await world.bank.paid() == {}


async def test_a_refused_item_spoils_nobody_else(world: World) -> None:
    wallet, others = await world.funded(1_000_00), await world.funded(5_00)
    wrong_key = msgspec.structs.replace(ACCOUNT, account=ACCOUNT.account[:-1] + "9")
    malformed = msgspec.structs.replace(ACCOUNT, bic="4")
    items = (
        item(others, 1),
        item(wallet, 0),
        item(wallet, 100, malformed),
        item(wallet, 100, wrong_key),
        item(wallet, 1_000_01),
        item(wallet, 600_00),
        item(wallet, 600_00),
        item(wallet, 400_00),
    )

    answers = await request_withdrawals(world.command(*items, wallet=wallet), world.parts)

    assert [answer.code or answer.outcome for answer in answers] == [
        "withdrawal_wallet_must_be_own",
        "withdrawal_amount_must_be_positive",
        "payout_account_malformed",
        "payout_account_key_must_match",
        "balance_insufficient",
        "accepted",
        "balance_insufficient",
        "accepted",
    ]
    assert await world.kopecks(wallet) == 0
    assert await world.kopecks(others) == 5_00


async def test_batches_have_a_limit_and_roles_a_meaning(world: World) -> None:
    wallet = await world.funded(10)
    with pytest.raises(WithdrawalBatchMalformed):
        await request_withdrawals(world.command(wallet=wallet), world.parts)
    with pytest.raises(WithdrawalBatchMalformed):
        await request_withdrawals(world.command(*[item(wallet, 1)] * 1001), world.parts)
    staff = RequestWithdrawals(command_id=CommandId("x"), actor=STAFF, items=(item(wallet, 1),))
    with pytest.raises(NotPermitted):
        await request_withdrawals(staff, world.parts)


async def test_the_same_command_has_one_effect_and_one_answer(world: World) -> None:
    wallet = await world.funded(1_000_00)
    command = world.command(item(wallet, 100_00), item(wallet, 5_000_00))

    first = await request_withdrawals(command, world.parts)
    await world.run()
    second = await request_withdrawals(command, world.parts)

    assert first == second
    assert await world.kopecks(wallet) == 900_00
    with pytest.raises(IdempotencyKeyReused):
        await request_withdrawals(dataclasses.replace(command, items=(item(wallet, 200_00),)), world.parts)


async def test_the_same_command_at_once_has_one_effect(world: World) -> None:
    wallet = await world.funded(1_000_00)
    command = world.command(item(wallet, 100_00), item(wallet, 200_00))

    answers = await asyncio.gather(*(request_withdrawals(command, world.other_process()) for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    assert await world.kopecks(wallet, Position.LOCKED) == 300_00
    assert len(await world.states()) == 2


async def test_a_command_that_died_anywhere_is_finished_by_its_repeat(world: World) -> None:
    wallet = await world.funded(1_000_00)
    died = 0
    for die_at in range(1, 100):
        command = world.command(item(wallet, 10), item(wallet, 10**12))
        try:
            await request_withdrawals(command, mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        else:
            break

        answers = await request_withdrawals(command, world.parts)

        assert [answer.outcome for answer in answers] == ["accepted", "refused"]
        assert await world.kopecks(wallet, Position.LOCKED) == 10 * died
    assert died >= 5


async def test_a_command_that_died_and_never_came_back_is_finished_by_the_tick(world: World) -> None:
    wallet = await world.funded(1_000_00)
    died = 0
    for die_at in range(1, 100):
        try:
            await request_withdrawals(world.command(item(wallet, 10)), mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            died += 1
        else:
            break
    await world.run()

    states = await world.states()
    assert set(states) == {"confirmed"}
    assert len(states) == len(await world.bank.paid())
    assert await world.kopecks(wallet) == 1_000_00 - 10 * len(states)
    assert await world.kopecks(wallet, Position.LOCKED) == 0


@pytest.mark.parametrize(
    "behaviour", [None, Behaviour.REJECT, Behaviour.SILENT_BEFORE, Behaviour.SILENT_AFTER, Behaviour.REJECT_SILENTLY]
)
async def test_the_bank_pays_once_wherever_the_process_dies(world: World, behaviour: Behaviour | None) -> None:
    wallet = await world.funded(1_000_00)
    # A round leaves its withdrawal to the next, which has so many steps more.
    for die_at in kill_points(3):
        await world.ask(wallet, 10)
        if behaviour:
            await world.bank.script(behaviour)
        try:
            await run_withdrawals(mortal(world.parts, Faults(die_at=die_at)))
        except ProcessDied:
            continue
        break
    for _ in range(40):
        await world.run()
        if set(states := await world.states()) <= {"confirmed", "re_credited"}:
            break

    paid = await world.bank.paid()
    assert die_at > 12
    assert set(states) <= {"confirmed", "re_credited"}
    assert len(paid) == states.count("confirmed")
    assert await world.kopecks(wallet) == 1_000_00 - 10 * len(paid)
    assert await world.kopecks(wallet, Position.LOCKED) == 0
    assert (await world.reconcile()).difference_kopecks == 0


@pytest.mark.parametrize("with_edge", [True, False])
async def test_two_processes_at_once_pay_each_withdrawal_once(world: World, with_edge: bool) -> None:
    wallet = await world.funded(1_000_00)
    await request_withdrawals(world.command(*[item(wallet, 10)] * 20), world.parts)
    processes = [world.other_process() for _ in range(3)]
    if not with_edge:
        processes = [dataclasses.replace(parts, edge=NoEdge()) for parts in processes]

    await asyncio.gather(*(run_withdrawals(parts) for parts in processes))
    await world.run()

    assert set(await world.states()) == {"confirmed"}
    assert len(await world.bank.paid()) == 20
    assert await world.kopecks(wallet) == 1_000_00 - 200
    told = [event["state"] for event in await world.events("withdrawal_changed")]
    assert (told.count("sent"), told.count("confirmed")) == (20, 20)


@pytest.mark.parametrize("reject", [None, "account_closed"])
async def test_what_two_processes_learn_at_once_is_recorded_and_told_once(world: World, reject: str | None) -> None:
    wallet = await world.funded(1_000_00)
    await request_withdrawals(world.command(*[item(wallet, 10)] * 20), world.parts)
    await world.bank.script(Behaviour.PENDING, times=20)
    await world.run()
    await world.bank.work_off(reject_with=reject)

    await asyncio.gather(
        *(run_withdrawals(dataclasses.replace(world.other_process(), edge=NoEdge())) for _ in range(3))
    )

    end = "re_credited" if reject else "confirmed"
    assert set(await world.states()) == {end}
    assert await world.kopecks(wallet) == 1_000_00 - (0 if reject else 200)
    assert [event["state"] for event in await world.events("withdrawal_changed")].count(end) == 20


async def test_a_break_stops_withdrawals_until_it_is_gone(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 100_00)
    await world.bank.take_fee(1)
    assert (await world.reconcile()).difference_kopecks == -1

    with pytest.raises(ReconciliationBreakStopsWithdrawals) as refused:
        await world.ask(wallet, 100_00)
    await world.run()
    stopped = await world.states(), await world.bank.paid()
    await world.bank.take_fee(-1)
    await world.reconcile()
    await world.run()

    assert refused.value.facts == {"difference_kopecks": -1, "breaks": 1}
    assert stopped == (["checked"], {})
    assert await world.states() == ["confirmed"]


async def test_a_break_does_not_stop_the_enquiry(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await world.ask(wallet, 100_00)
    await world.bank.script(Behaviour.SILENT_AFTER)
    await world.run()
    await world.bank.take_fee(1)
    await world.reconcile()

    await world.run()

    assert await world.states() == ["confirmed"]


async def test_a_bank_that_is_down_leaves_all_resumable(world: World) -> None:
    wallet = await world.funded(1_000_00)
    await request_withdrawals(world.command(*[item(wallet, 10)] * 10), world.parts)
    await world.bank.go_down()
    await world.run()
    with pytest.raises(BankSilent):
        await world.reconcile()
    down = await world.states()

    await world.bank.come_up()
    await world.run()

    # After three silences in a row the others are not even tried.
    assert (down.count("unknown"), down.count("sent")) == (3, 7)
    assert await world.states() == ["confirmed"] * 10
    assert len(await world.bank.paid()) == 10


async def test_what_the_bank_has_done_and_the_ledger_refuses_is_told_and_tried_again(world: World) -> None:
    stopped, free = await world.funded(1_000), await world.funded(1_000)
    await world.ask(stopped, 10)
    await world.ask(free, 10)
    await world.stop(world.key(stopped, Position.LOCKED), debits=True)

    with pytest.raises(LedgerRefusedBankFact) as told:
        await world.run()
    in_between = sorted(await world.states())
    await world.stop(world.key(stopped, Position.LOCKED), debits=False)
    await world.run()

    assert told.value.facts == {"ledger_code": "account_debits_stopped", "refused": 1}
    assert in_between == ["confirmed", "sent"]
    assert await world.states() == ["confirmed", "confirmed"]


async def test_nobody_sees_anothers_withdrawals(world: World) -> None:
    mine, others = await world.funded(100), await world.funded(100)
    await world.ask(mine, 10)
    answer = await world.ask(others, 20)
    me = world.owners[mine]

    async with world.database.connect() as conn:
        seen = (await list_withdrawals(conn, me)).withdrawals
        by_staff = (await list_withdrawals(conn, STAFF)).withdrawals
        with pytest.raises(WithdrawalNotFound):
            await get_withdrawal(conn, me, answer.withdrawal_id)  # type: ignore[arg-type]

    assert [one.wallet_id for one in seen] == [mine]
    assert [one.wallet_id for one in by_staff] == [others, mine]
    assert Role.INVESTOR in me.roles


async def test_a_thousand_withdrawals_are_one_entry_call_and_a_handful_of_statements(world: World) -> None:
    wallet = await world.funded(1_000_00)
    calls, counted = world.ledger.calls, world.count_statements()

    await request_withdrawals(world.command(*[item(wallet, 10)] * 1000), world.parts)

    assert world.ledger.calls - calls == 1
    assert counted() < 40
