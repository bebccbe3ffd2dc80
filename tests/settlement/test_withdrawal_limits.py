"""Approval limits of withdrawals: from a sum of the owner's day on two persons release the money or turn it down."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.kernel.actor import Actor
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.ids import new_uuid7
from kapital.platform.sbp_rules import SbpRule
from kapital.platform.telemetry import REGISTRY
from kapital.platform.withdrawal_rules import WithdrawalRule, WithdrawalRules
from kapital.sandbox.bank.payouts import Behaviour
from kapital.settlement.queries.list_withdrawals import list_withdrawals
from kapital.settlement.queries.reconciliation_report import reconciliation_report
from kapital.settlement.service import sbp_parts_of
from kapital.settlement.use_cases.request_withdrawals import request_withdrawals
from tests.settlement.test_freeze import freeze
from tests.settlement.test_money_decisions import CLERK, NEW_ACCOUNT, RISK, Desk, code_of
from tests.settlement.test_sbp_payouts import Till
from tests.settlement.world import STAFF, START, Faults, ProcessDied, World, item, mortal

TODAY = START.date()
RULE = WithdrawalRule(effective_from=TODAY, basis="order 12", approval_from_kopecks=1_000)
RELEASED, TURNED_DOWN = "withdrawal_released", "withdrawal_turned_down"


@pytest_asyncio.fixture
async def desk(world: World) -> Desk:
    world.parts = replace(world.parts, withdrawal_rules=WithdrawalRules([RULE]))
    return Desk(world)


async def money(world: World, wallet: UUID) -> tuple[int, int]:
    return await world.kopecks(wallet), await world.kopecks(wallet, Position.LOCKED)


async def in_transit(world: World) -> int:
    await world.reconcile()
    return (await reconciliation_report(world.parts, STAFF)).books.in_transit_kopecks


async def another_wallet_of(world: World, wallet: UUID) -> UUID:
    """A second wallet of the same owner, with money."""
    other, owner = await world.funded(5_000), world.owners[wallet]
    async with world.parts.uow.begin() as tx:
        await tx.conn.exec_driver_sql(
            f"UPDATE beneficiary SET participant_id = '{owner.participant_id}' WHERE wallet_id = '{other}'"
        )
    world.owners[other] = owner
    return other


async def test_the_sum_of_the_owners_moscow_day_decides_and_splitting_does_not_go_round_it(
    world: World, desk: Desk
) -> None:
    """Waits: what reaches the sum of the day, over all wallets of the owner. Refused and returned do not count."""
    wallet, stranger = await world.funded(10_000), await world.funded(10_000)
    other = await another_wallet_of(world, wallet)
    world.clock.advance(timedelta(hours=11))  # 23:00 in Moscow
    asked = [await world.ask(wallet, 500), await world.ask(wallet, 11_000), await world.ask(other, 499)]
    below = await world.states()
    asked.append(await world.ask(other, 1))
    asked.append(await world.ask(stranger, 999))
    at_the_sum = await world.states()
    world.clock.advance(timedelta(hours=2))  # the same day in UTC, the next one in Moscow
    asked.append(await world.ask(wallet, 999))

    assert [one.outcome for one in asked] == ["accepted", "refused", *["accepted"] * 4]
    assert below == ["checked", "refused", "checked"]
    assert at_the_sum[3:] == ["awaiting_approval", "checked"]
    assert (await world.states())[5:] == ["checked"]
    assert await money(world, other) == (4_500, 500)
    for _ in range(2):
        await world.run()
    assert (await world.states())[3] == "awaiting_approval"
    assert sorted((await world.bank.paid()).values()) == [499, 500, 999, 999]
    told = [one["state"] for one in await world.events("withdrawal_changed")]
    assert told.count("awaiting_approval") == 1


async def test_what_is_asked_for_together_waits_together(world: World, desk: Desk) -> None:
    """Items of one call and parts of the SBP, in one question of the sums whatever the number of wallets."""
    world.parts = replace(
        world.parts,
        sbp=sbp_parts_of([SbpRule(effective_from=TODAY, basis="agreement 7", payout_kopecks_max=400)]),
    )
    one, two = await world.funded(3_000), await world.funded(3_000)
    await request_withdrawals(world.command(*(item(one, 334) for _ in range(3))), world.parts)
    asked = await Till(world).ask(two, 1_000)
    await world.run()

    assert await world.states() == ["awaiting_approval"] * 6
    assert [part.state.value for part in asked.parts] == ["awaiting_approval"] * 3
    assert (await money(world, one), await money(world, two)) == ((1_998, 1_002), (2_000, 1_000))
    assert await world.bank.paid() == {}


async def test_without_a_rule_of_the_day_nothing_waits(world: World) -> None:
    past = RULE.model_copy(update={"effective_from": date(2026, 1, 1), "effective_to": TODAY - timedelta(days=1)})
    world.parts = replace(world.parts, withdrawal_rules=WithdrawalRules([past]))
    await world.ask(await world.funded(5_000), 5_000)

    assert await world.states() == ["checked"]
    with pytest.raises(InvariantBroken):
        WithdrawalRules([RULE, RULE])


async def test_two_persons_release_it_and_it_is_paid_once(world: World, desk: Desk) -> None:
    wallet = await world.funded(3_000)
    owner = world.owners[wallet]
    asked = await world.ask(wallet, 1_000)
    subject = {"withdrawal_id": asked.withdrawal_id}
    waiting = await in_transit(world)
    assert REGISTRY.get_sample_value("kapital_withdrawals_awaiting_approval") == 1

    proposed = await desk.propose(RELEASED, **subject)
    refusals = [
        await code_of(desk.propose(TURNED_DOWN, **subject)),
        await code_of(desk.decide(proposed, actor=CLERK)),
        await code_of(desk.decide(proposed, sha256="0" * 64)),
        await code_of(desk.propose(RELEASED, withdrawal_id=asked.withdrawal_id, wallet_id=wallet)),
        await code_of(desk.propose(RELEASED, actor=owner, **subject)),
    ]
    await desk.run()
    before = await world.states()
    await desk.decide(proposed, approve=False)
    both = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT, Role.RISK}))
    again = await desk.propose(RELEASED, actor=both, **subject)
    same_person = await code_of(desk.decide(again, actor=both))
    decided = await desk.decide(again)
    released, still = await world.states(), await in_transit(world)
    assert REGISTRY.get_sample_value("kapital_withdrawals_awaiting_approval") == 0
    for _ in range(3):
        await desk.run()

    assert refusals == [
        *("money_must_await_decision", "not_permitted", "money_decision_must_match", "money_decision_malformed"),
        "not_permitted",
    ]
    assert (before, same_person) == (["awaiting_approval"], "maker_and_checker_must_differ")
    assert (decided.state.value, released) == ("done", ["checked"])
    assert (waiting, still) == (1_000, 1_000)
    assert asked.withdrawal_id is not None
    assert await world.bank.paid() == {asked.withdrawal_id.hex: 1_000}
    assert await money(world, wallet) == (2_000, 0)
    assert (await world.states(), await desk.ends()) == (["confirmed"], [("rejected", None), ("done", None)])
    assert (await world.reconcile()).difference_kopecks == 0
    assert await code_of(desk.propose(TURNED_DOWN, **subject)) == "money_must_await_decision"


async def test_what_two_persons_turn_down_goes_back_once_and_no_longer_counts(world: World, desk: Desk) -> None:
    wallet = await world.funded(3_000)
    asked = await world.ask(wallet, 1_000)
    await desk.decide(await desk.propose(TURNED_DOWN, withdrawal_id=asked.withdrawal_id))
    for _ in range(3):
        await desk.run()
    await world.ask(wallet, 999)

    assert await world.states() == ["re_credited", "checked"]
    assert await money(world, wallet) == (2_001, 999)
    assert await world.bank.paid() == {}
    async with world.database.connect() as conn:
        shown = (await list_withdrawals(conn, world.owners[wallet])).withdrawals
    assert [one.reason for one in shown if one.withdrawal_id == asked.withdrawal_id] == ["approval_denied"]
    assert (await world.reconcile()).difference_kopecks == 0


async def test_what_is_released_under_a_freeze_goes_back_to_the_wallet(world: World, desk: Desk) -> None:
    wallet = await world.funded(1_000)
    asked = await world.ask(wallet, 1_000)
    await freeze(world, wallet)
    await desk.decide(await desk.propose(RELEASED, withdrawal_id=asked.withdrawal_id))
    for _ in range(2):
        await desk.run()

    assert await world.states() == ["re_credited"]
    assert (await money(world, wallet), await world.bank.paid()) == ((1_000, 0), {})


async def test_what_the_bank_rejects_after_the_release_is_paid_to_new_details_without_a_third_approval(
    world: World, desk: Desk
) -> None:
    wallet = await world.funded(1_000)
    asked = await world.ask(wallet, 1_000)
    subject = {"withdrawal_id": asked.withdrawal_id}
    await desk.decide(await desk.propose(RELEASED, **subject))
    await world.bank.script(Behaviour.REJECT, reason="account_closed")
    await desk.run()
    await desk.run()

    await desk.decide(await desk.propose("paid_again", payout_account=NEW_ACCOUNT, **subject))
    await desk.run()

    assert await world.states() == ["re_credited", "confirmed"]
    assert sum((await world.bank.paid()).values()) == 1_000


async def test_who_asked_for_the_money_decides_nothing_about_it(world: World, desk: Desk) -> None:
    """A member of the staff who is a participant as well."""
    wallet = await world.funded(2_000)
    participant = world.owners[wallet]
    asked = await world.ask(wallet, 1_000)
    clerk = Actor(id=participant.id, participant_id=None, roles=frozenset({Role.SETTLEMENT, Role.RISK}))

    assert await code_of(desk.propose(RELEASED, actor=clerk, withdrawal_id=asked.withdrawal_id)) == (
        "maker_and_checker_must_differ"
    )
    proposed = await desk.propose(RELEASED, withdrawal_id=asked.withdrawal_id)
    assert await code_of(desk.decide(proposed, actor=clerk)) == "maker_and_checker_must_differ"
    assert await world.states() == ["awaiting_approval"]


@pytest.mark.parametrize(
    ("kind", "ends"),
    [(RELEASED, ("confirmed", 0, 1_000)), (TURNED_DOWN, ("re_credited", 1_000, 0))],
)
async def test_wherever_the_process_dies_decision_and_step_are_kept_together(
    world: World, desk: Desk, kind: str, ends: Sequence[Any]
) -> None:
    """From the request on: the money is locked once, waits, and is paid or given back once."""
    state, left, paid = ends
    for die_at in itertools.count(1):
        wallet = await world.funded(1_000)
        faults = Faults(die_at)
        dying = mortal(world.parts, faults)
        command = world.command(item(wallet, 1_000))
        for parts in (dying, world.parts):
            try:
                (asked,) = await request_withdrawals(command, parts)
            except ProcessDied:
                await world.run()
        proposed = await desk.propose(kind, withdrawal_id=asked.withdrawal_id)
        try:
            await desk.decide(proposed, key=f"x-{die_at}", parts=dying)
        except ProcessDied:
            rows = await world.rows(
                "SELECT d.state AS decision, w.state FROM money_decision d JOIN withdrawal w USING (withdrawal_id)"
                f" WHERE decision_id = '{proposed.decision_id}'"
            )
            pair = (rows[0]["decision"], rows[0]["state"] == "awaiting_approval")
            assert pair in {("proposed", True), ("done", False)}
            await desk.decide(proposed, key=f"x-{die_at}", actor=RISK)
        for _ in range(2):
            await world.run()
        assert await money(world, wallet) == (left, 0)
        assert (await world.states())[-1] == state
        assert sum((await world.bank.paid()).values()) == paid * die_at
        if faults.steps < die_at:
            break
    assert die_at > 6
    assert (await world.reconcile()).difference_kopecks == 0
