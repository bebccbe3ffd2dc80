"""Corporate actions: list at the record moment, outside values by two persons, money, lock, arrears.

Scenarios 34–37, 69.
"""

import asyncio
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, Posting, Refused, Transaction
from kapital.platform.ids import new_uuid7
from kapital.platform.telemetry import STEPS_STOPPED
from kapital.tokenization.domain.problems import (
    FixingAlreadyRecorded,
    FixingDayMustBePast,
    FixingValueMustMatch,
    OutcomeMustBeListed,
)
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing, FixingDecision
from kapital.tokenization.use_cases.record_fixing import RecordFixing, RecordOutcome
from tests.tokenization.world import CLERK, MANAGER, RISK, RUB, Person, World, key, staff

PRICE = 100_000
COUPON = 5_125
"""Of one unit: 100,000 kopecks at 20.5 % for 90 of 360 days."""
_BASIS = Basis(kind=BasisKind.COURT_ACT, reference="test")


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def circulating(world: World, issuer: Person, holders: list[Person], **changes: Any) -> UUID:
    issue_id = await world.opened(issuer, **{"quantity_min": 1, "quantity_max": 1000, **changes})
    for holder in holders:
        assert (await world.order(holder, issue_id, 100)).outcome.value == "accepted"
    await world.closed(issue_id)
    assert await world.state(issue_id) == "circulating"
    return issue_id


def move_units(issue_id: UUID, source: AccountKey, target: AccountKey, units: int) -> Transaction:
    assert source.asset == target.asset == issue_id
    return Transaction(
        id=new_uuid7(), actor="test", basis=_BASIS, postings=(Posting(source, -units), Posting(target, units))
    )


async def test_the_coupon_goes_to_who_held_at_the_record_moment_and_frozen_units_pay_frozen_money(
    world: World, issuer: Person
) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a, b])
    [coupon, *_] = await world.actions(issue_id)
    at = {p: AccountKey(issue_id, Position.AVAILABLE, p.wallet) for p in (a, b)}
    frozen = AccountKey(issue_id, Position.FROZEN, b.wallet)
    await world.post(move_units(issue_id, at[b], frozen, 40))
    world.clock.set(coupon["record_at"] + timedelta(seconds=1))
    # After the record moment and before any tick: the list is not touched by it.
    await world.post(move_units(issue_id, at[a], at[b], 100))

    await world.to(coupon["pay_at"] + timedelta(days=1))

    [coupon, *_] = await world.actions(issue_id)
    assert (coupon["state"], coupon["holders"]) == ("closed", 2)
    unit = coupon["total_kopecks"] // 200
    assert coupon["total_kopecks"] == 200 * unit > 0
    assert [await world.money(p) for p in (a, b)] == [100 * unit, 60 * unit]
    assert await world.money(b, Position.FROZEN) == 40 * unit
    await world.check()


async def test_the_transfer_lock_holds_from_the_window_to_the_redemption_and_ends_with_it(
    world: World, issuer: Person
) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a, b])
    redemption = (await world.actions(issue_id))[-1]
    at = {p: AccountKey(issue_id, Position.AVAILABLE, p.wallet) for p in (a, b)}
    await world.post(move_units(issue_id, at[a], at[b], 10))
    await world.to(redemption["pay_at"])
    assert await world.state(issue_id) == "redeeming"
    assert (await world.actions(issue_id))[-1]["state"] == "underfunded"

    [answer] = await world.ledger.post([move_units(issue_id, at[a], at[b], 10)])

    assert isinstance(answer, Refused)
    assert answer.code == "account_debits_stopped"
    await world.top_up([issuer], 100 * PRICE)
    await world.to(world.clock.now() + timedelta(minutes=5))
    assert await world.state(issue_id) == "redeemed"
    assert [await world.units(p, issue_id) for p in (a, b)] == [0, 0]
    await world.check()


async def test_the_lock_of_the_window_is_set_in_a_technical_default_too(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a, b], default={"grace_business_days": 100})
    coupon, *_, redemption = await world.actions(issue_id)
    await world.post(drained(issuer, 200 * PRICE))
    world.bank["kopecks"] -= 200 * PRICE
    await world.to(coupon["overdue_at"])
    at = {p: AccountKey(issue_id, Position.AVAILABLE, p.wallet) for p in (a, b)}
    await world.post(move_units(issue_id, at[a], at[b], 10))

    await world.to(redemption["pay_at"])

    assert await world.state(issue_id) == "technical_default"
    [answer] = await world.ledger.post([move_units(issue_id, at[a], at[b], 10)])
    assert isinstance(answer, Refused)
    assert answer.code == "account_debits_stopped"
    await world.top_up([issuer], 1000 * PRICE)
    await world.to(world.clock.now() + timedelta(minutes=5))
    assert await world.state(issue_id) == "redeemed"
    assert [await world.units(p, issue_id) for p in (a, b)] == [0, 0]
    await world.check()


async def test_the_last_coupon_goes_to_who_held_though_its_list_is_taken_late_on_the_day_of_redemption(
    world: World, issuer: Person
) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    late = {"record_business_days_before": 0, "record_at": "20:00"}
    issue_id = await circulating(world, issuer, [a, b], payments=late)
    await world.top_up([issuer], 200 * PRICE)
    *_, coupon, redemption = await world.actions(issue_id)
    assert (coupon["kind"], redemption["kind"]) == ("coupon", "redemption")
    assert coupon["pay_on"] == redemption["pay_on"]
    assert redemption["record_at"] < coupon["record_at"]  # the lock is at the start of the day

    await world.to(redemption["record_at"] + timedelta(minutes=1))
    assert await world.state(issue_id) == "redeeming"
    assert [await world.units(p, issue_id) for p in (a, b)] == [100, 100]
    before = [await world.money(p) for p in (a, b)]
    await world.to(coupon["record_at"])

    *_, coupon, redemption = await world.actions(issue_id)
    assert (coupon["state"], coupon["holders"], coupon["total_kopecks"] > 0) == ("paid", 2, True)
    assert redemption["state"] == "paid"
    due = (coupon["total_kopecks"] + redemption["total_kopecks"]) // 2
    assert [await world.money(p) - money for p, money in zip((a, b), before, strict=True)] == [due, due]
    assert await world.state(issue_id) == "redeemed"
    await world.check()


async def test_without_a_lock_in_the_terms_units_stay_free(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a, b], redemption={"transfer_lock": False})
    window = (await world.issue(issue_id))["window_at"]
    at = {p: AccountKey(issue_id, Position.AVAILABLE, p.wallet) for p in (a, b)}

    await world.to(window)

    assert await world.state(issue_id) == "redeeming"
    await world.post(move_units(issue_id, at[a], at[b], 10))
    assert [await world.units(p, issue_id) for p in (a, b)] == [90, 110]


async def test_units_that_the_issuer_holds_end_unpaid_with_the_others_at_redemption(
    world: World, issuer: Person
) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a])
    await world.top_up([issuer], 1000 * PRICE)
    *_, redemption = await world.actions(issue_id)
    await world.to((await world.issue(issue_id))["window_at"] - timedelta(days=1))
    at = {p: AccountKey(issue_id, Position.AVAILABLE, p.wallet) for p in (a, issuer)}
    await world.post(move_units(issue_id, at[a], at[issuer], 10))

    paid_before = await world.money(a), await world.money(issuer)

    await world.to(redemption["pay_at"])

    *_, coupon, redemption = await world.actions(issue_id)
    assert (redemption["state"], redemption["total_kopecks"]) == ("paid", 90 * PRICE)
    # The last coupon is of the same list: 90 units are paid for, and the issuer owes itself none for its 10.
    assert coupon["total_kopecks"] % 90 == 0
    due = 90 * PRICE + coupon["total_kopecks"]
    assert (await world.money(a) - paid_before[0], paid_before[1] - await world.money(issuer)) == (due, due)
    assert [await world.units(p, issue_id) for p in (a, issuer)] == [0, 0]
    assert await world.state(issue_id) == "redeemed"
    await world.check()


async def test_a_list_that_cannot_be_taken_is_counted_and_holds_up_no_other_issue(
    world: World, issuer: Person
) -> None:
    """The value that an action was calculated with is gone from the table: its list stands still, visibly."""
    [a] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    poor = await world.opened(issuer, "floating-key-rate")
    other = await world.opened(issuer, quantity_min=1, quantity_max=1000)
    units = max((await world.issue(poor))["quantity_min"], 1)
    for issue_id, of_each in ((poor, units), (other, 100)):
        assert (await world.order(a, issue_id, of_each)).outcome.value == "accepted"
    for issue_id in (poor, other):
        await world.closed(issue_id)
    await world.top_up([issuer], 10**12)
    first, second = (await world.actions(poor))[0], (await world.actions(other))[0]
    await world.to(first["fixing_at"])
    for need in (await shown(world, poor)).missing_fixings:
        recorded = await world.app.record_fixing(
            RecordFixing(
                command_id=key(),
                actor=CLERK,
                series=need.series,
                observed_on=need.observed_on,
                value="16.50",
                evidence="cbr.ru",
            )
        )
        await world.app.confirm_fixing(
            ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value="16.50")
        )
    await world.tick()
    assert (await world.actions(poor))[0]["state"] == "approved"
    database = world.databases.get("tokenization")
    async with database.engine.begin() as conn:
        await conn.execute(text("UPDATE fixing SET series = 'ruonia'"))

    await world.to(max(first["pay_at"], second["pay_at"]))

    assert (await world.actions(poor))[0]["state"] == "approved"
    assert (await world.actions(other))[0]["state"] in ("paid", "closed")
    assert STEPS_STOPPED.labels("record_list")._value.get() == 1

    # There is a value again, but another one: what was announced is not what would be paid.
    async with database.engine.begin() as conn:
        await conn.execute(text("UPDATE fixing SET series = 'cbr_key_rate', value = '17.50'"))
    await world.to(world.clock.now())
    assert (await world.actions(poor))[0]["state"] == "approved"
    assert STEPS_STOPPED.labels("record_list")._value.get() == 1

    async with database.engine.begin() as conn:
        await conn.execute(text("UPDATE fixing SET value = '16.50'"))
    await world.to(world.clock.now())
    assert (await world.actions(poor))[0]["state"] in ("paid", "closed")
    assert STEPS_STOPPED.labels("record_list")._value.get() == 0


async def test_an_issuer_without_money_is_underfunded_then_late_then_in_default(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a])
    await world.post(drained(issuer, await world.money(issuer)))
    world.bank["kopecks"] -= 100 * PRICE
    [coupon, *_] = await world.actions(issue_id)

    await world.to(coupon["pay_at"])
    states = [(await world.actions(issue_id))[0]["state"], await world.state(issue_id)]
    await world.to(coupon["overdue_at"])
    states += [(await world.actions(issue_id))[0]["state"], await world.state(issue_id)]
    await world.to(coupon["grace_until_at"])
    states += [(await world.actions(issue_id))[0]["state"], await world.state(issue_id)]

    assert states == ["underfunded", "circulating", "grace", "technical_default", "defaulted", "default"]
    assert await world.units(a, issue_id) == 100
    told = await world.events("payout_delayed")
    assert [(one["kind"], one["state"]) for one in told] == [
        ("coupon", "underfunded"), ("coupon", "grace"), ("coupon", "defaulted"),
    ]  # fmt: skip
    assert {one["action_id"] for one in told} == {str(coupon["action_id"])}
    await world.check()


async def test_money_that_comes_in_the_days_of_grace_cures(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a])
    await world.post(drained(issuer, await world.money(issuer)))
    world.bank["kopecks"] -= 100 * PRICE
    [coupon, *_] = await world.actions(issue_id)
    await world.to(coupon["overdue_at"])

    await world.top_up([issuer], 100 * PRICE)
    await world.to(world.clock.now() + timedelta(minutes=1))

    paid = (await world.actions(issue_id))[0]
    assert paid["state"] in ("paid", "closed")
    assert await world.state(issue_id) == "circulating"
    # What was due, to the kopeck: cured late carries no interest, and nothing is paid twice.
    assert (await world.money(a), await world.money(issuer)) == (
        paid["total_kopecks"],
        100 * PRICE - paid["total_kopecks"],
    )
    assert paid["total_kopecks"] == 100 * COUPON
    await world.check()


async def test_a_missing_value_leaves_the_action_in_fixing_for_all_to_see_until_two_persons_gave_it(
    world: World, issuer: Person
) -> None:
    [a] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "floating-key-rate")
    minimum = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(a, issue_id, max(minimum, 1))).outcome.value == "accepted"
    await world.closed(issue_id)
    [first, *_] = await world.actions(issue_id)
    await world.top_up([issuer], 10**12)

    await world.to(first["pay_at"])

    waiting = await shown(world, issue_id)
    assert waiting.state == "fixing"
    assert waiting.missing_fixings
    for need in waiting.missing_fixings:
        recorded = await world.app.record_fixing(
            RecordFixing(
                command_id=key(),
                actor=CLERK,
                series=need.series,
                observed_on=need.observed_on,
                value="16.50",
                evidence="cbr.ru",
            )
        )
        await world.tick()
        assert (await shown(world, issue_id)).state == "fixing"
        await world.app.confirm_fixing(
            ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value="16.50")
        )
    await world.to(world.clock.now() + timedelta(minutes=1))
    done = await shown(world, issue_id)
    assert (done.state, done.missing_fixings) == ("paid", [])
    assert minimum == 1000
    # 1,000 units of 1,000 roubles at 16.50 % + 2.5 % for 31 of 365 days, rounded down to the kopeck.
    assert await world.money(a) == 10**12 - 1000 * PRICE + 1_613_698
    await world.check()


async def test_a_value_needs_another_person_who_saw_the_same(world: World) -> None:
    both = staff(Role.SETTLEMENT, Role.RISK)
    value: dict[str, Any] = {
        "series": "cbr_key_rate",
        "observed_on": date(2026, 11, 20),
        "value": "16.5",
        "evidence": "cbr.ru",
    }
    recorded = await world.app.record_fixing(RecordFixing(command_id=key(), actor=both, **value))

    with pytest.raises(MakerAndCheckerMustDiffer):
        await world.app.confirm_fixing(
            ConfirmFixing(command_id=key(), actor=both, fixing_id=recorded.fixing_id, value="16.5")
        )
    with pytest.raises(FixingValueMustMatch):
        await world.app.confirm_fixing(
            ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value="16.50")
        )
    with pytest.raises(FixingAlreadyRecorded):
        await world.app.record_fixing(RecordFixing(command_id=key(), actor=CLERK, **value))
    with pytest.raises(FixingDayMustBePast):
        await world.app.record_fixing(
            RecordFixing(command_id=key(), actor=CLERK, **{**value, "observed_on": date(2027, 1, 1)})
        )
    rejected = await world.app.confirm_fixing(
        ConfirmFixing(
            command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value="16.5", verdict=FixingDecision.REJECT
        )
    )
    assert rejected.state.value == "rejected"
    assert (
        await world.app.record_fixing(RecordFixing(command_id=key(), actor=CLERK, **value))
    ).state.value == "recorded"


async def test_an_event_pays_by_the_outcome_that_two_persons_gave(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=10**12, category="qualified", kind="legal_entity")
    issue_id = await world.opened(issuer, "event-satellite")
    minimum = (await world.issue(issue_id))["quantity_min"]
    assert (await world.order(a, issue_id, max(minimum, 1))).outcome.value == "accepted"
    await world.closed(issue_id)
    [redemption] = await world.actions(issue_id)
    await world.top_up([issuer], 10**12)
    await world.to(redemption["pay_at"])
    assert (await shown(world, issue_id)).outcome_missing
    with pytest.raises(OutcomeMustBeListed):
        await world.app.record_outcome(
            RecordOutcome(command_id=key(), actor=CLERK, issue_id=issue_id, outcome="nothing_of_this", evidence="x")
        )
    payoff = (await listed_outcomes(world, issue_id))[0]

    recorded = await world.app.record_outcome(
        RecordOutcome(
            command_id=key(),
            actor=CLERK,
            issue_id=issue_id,
            outcome=payoff["code"],
            evidence="press",
            document_sha256="ab" * 32,
        )
    )
    await world.to(world.clock.now() + timedelta(minutes=1))
    assert (await shown(world, issue_id)).state == "fixing"
    await world.app.confirm_fixing(
        ConfirmFixing(command_id=key(), actor=RISK, fixing_id=recorded.fixing_id, value=payoff["code"])
    )
    await world.to(world.clock.now() + timedelta(minutes=1))

    assert await world.state(issue_id) == "redeemed"
    [redemption] = await world.actions(issue_id)
    assert redemption["paid_kopecks"] == max(minimum, 1) * payoff["amount_kopecks"]
    await world.check()


async def test_many_processes_at_once_pay_once(world: World, issuer: Person) -> None:
    holders = await world.people(3, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, holders)
    [coupon, *_] = await world.actions(issue_id)
    world.clock.set(coupon["pay_at"])

    for _ in range(3):
        await asyncio.gather(
            *(world.another_process().run_schedule(world.clock.now()) for _ in range(4)), return_exceptions=False
        )
    await world.bus.drain()

    assert len(await world.events("payouts_instructed")) == 1
    assert (await world.actions(issue_id))[0]["state"] == "paid"
    await world.check()


def drained(issuer: Person, kopecks: int) -> Transaction:
    """The issuer withdraws its money to the bank."""
    return Transaction(
        id=new_uuid7(),
        actor="test",
        basis=_BASIS,
        postings=(
            Posting(AccountKey(RUB, Position.AVAILABLE, issuer.wallet), -kopecks),
            Posting(AccountKey(RUB, Position.BANK, RUB), kopecks),
        ),
    )


async def shown(world: World, issue_id: UUID) -> Any:
    async with world.databases.get("tokenization").connect() as conn:
        return (await list_actions(conn, world.app.parts, MANAGER, issue_id)).items[0]


async def listed_outcomes(world: World, issue_id: UUID) -> list[dict[str, Any]]:
    rows = await world.rows("SELECT terms FROM decision_version WHERE issue_id = :id", id=issue_id)
    return list(json.loads(bytes(rows[0]["terms"]))["payoff"]["outcomes"])
