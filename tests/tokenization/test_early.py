"""Early ends of an issue: call, put, offers to buy back. Money and units move in one entry; nothing is ended twice.

Scenarios 35, 38, 39, 40.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, Posting, Refused, Transaction
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.problems import IssueNotFound, ParticipantMustBeActive
from kapital.tokenization.domain.problems_early import (
    CallMustAllowPart,
    CallMustBeOnlyOne,
    CallNoticeMustBeInTime,
    EarlyOptionNotFound,
    InstructionMustBeRevocable,
    InstructionNotFound,
    InstructionWindowMustBeOpen,
    OfferWindowMustFit,
    UnitsMustBeAvailable,
)
from kapital.tokenization.domain.redemption_instruction import Instruction, InstructionState
from kapital.tokenization.use_cases.call_units import CallUnits, OfferBuyback, OfferTerms
from kapital.tokenization.use_cases.instruct_redemption import InstructRedemption
from kapital.tokenization.use_cases.withdraw_instruction import WithdrawInstruction
from tests.tokenization.world import RUB, Person, ProcessDied, World, key

PRICE = 100_000
COUPON = 5_125  # 20.5 % of 1,000.00 for a quarter of 30/360
_BASIS = Basis(kind=BasisKind.COURT_ACT, reference="test")


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    roles = frozenset({Role.ISSUER, Role.ISSUER_SIGNATORY})
    return Person(Actor(id=person.actor.id, participant_id=person.id, roles=roles), person.wallet)


async def circulating(
    world: World, issuer: Person, units: dict[Person, int], example: str = "put-call-buyback", **changes: Any
) -> UUID:
    given = {"quantity_min": 1, "quantity_max": 20_000, **changes}
    issue_id = await world.opened(issuer, example, **given)
    for holder, count in units.items():
        assert (await world.order(holder, issue_id, count)).outcome.value == "accepted"
    await world.closed(issue_id)
    for row in await world.rows("SELECT * FROM dead_letter"):
        raise AssertionError(row)
    assert await world.state(issue_id) == "circulating"
    return issue_id


async def the(world: World, issue_id: UUID, kind: str) -> dict[str, Any]:
    [found] = [action for action in await world.actions(issue_id) if action["kind"] == kind]
    return found


async def instruct(
    world: World, holder: Person, action_id: UUID, units: int, command: CommandId | None = None
) -> Instruction:
    return await world.app.instruct_redemption(
        InstructRedemption(command_id=command or key(), actor=holder.actor, action_id=action_id, units=units)
    )


async def call(
    world: World, issuer: Person, issue_id: UUID, units: int | None = None, option: int = 1
) -> CorporateAction:
    return await world.app.call_units(
        CallUnits(command_id=key(), actor=issuer.actor, issue_id=issue_id, option=option, units=units)
    )


async def everywhere(world: World, person: Person, issue_id: UUID) -> int:
    return sum([await world.units(person, issue_id, position) for position in (Position.AVAILABLE, Position.LOCKED)])


async def spend(world: World, issuer: Person) -> None:
    """The issuer takes its money away."""
    kopecks = await world.money(issuer)
    await world.post(
        Transaction(
            id=new_uuid7(),
            actor="test",
            basis=_BASIS,
            postings=(
                Posting(AccountKey(RUB, Position.AVAILABLE, issuer.wallet), -kopecks),
                Posting(AccountKey(RUB, Position.BANK, RUB), kopecks),
            ),
        )
    )
    world.bank["kopecks"] -= kopecks


def noon(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 9, tzinfo=UTC)


class TestCall:
    async def test_of_all_units_pays_and_extinguishes_on_the_day_and_ends_the_issue(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 60, b: 40})
        await world.top_up([issuer], 100 * PRICE)
        before = [await world.money(a), await world.money(b)]
        await world.to(noon(date(2027, 8, 2)))
        announced = await call(world, issuer, issue_id)

        await world.to(announced.pay_at + timedelta(minutes=1))

        action = await the(world, issue_id, "call")
        assert (action["state"], action["total_kopecks"]) == ("paid", 100 * 100_500)
        assert [await world.units(p, issue_id) for p in (a, b)] == [0, 0]
        gained = [await world.money(p) - had for p, had in zip((a, b), before, strict=True)]
        assert gained == [60 * (3 * COUPON + 100_500), 40 * (3 * COUPON + 100_500)]
        assert await world.state(issue_id) == "redeemed"
        states = {(row["kind"], row["nominal_on"]): row["state"] for row in await world.actions(issue_id)}
        assert states["coupon", date(2027, 12, 14)] == states["redemption", date(2027, 12, 14)] == "cancelled"
        [told] = await world.events("action_announced")
        assert (told["kind"], told["pay_on"], told["price"]) == ("call", "2027-09-14", "1.005")
        await world.check()

    async def test_of_a_part_falls_on_holders_by_the_largest_remainder_and_lets_the_rest_go(
        self, world: World, issuer: Person
    ) -> None:
        people = await world.people(3, kopecks=100 * PRICE)
        held = dict(zip(sorted(people, key=lambda person: person.wallet), (50, 33, 17), strict=True))
        issue_id = await circulating(world, issuer, held)
        await world.to(noon(date(2027, 8, 2)))
        announced = await call(world, issuer, issue_id, units=10)

        await world.to(announced.pay_at + timedelta(minutes=1))

        # 10 of 100: 5.0, 3.3, 1.7 → 5, 3, 2.
        assert [await world.units(p, issue_id) for p in held] == [45, 30, 15]
        assert await world.state(issue_id) == "circulating"
        [x, y] = list(held)[:2]
        await world.post(moved(issue_id, x, y, 45))
        await world.top_up([issuer], 100 * PRICE)
        await world.to(noon(date(2027, 12, 14)))
        assert await world.state(issue_id) == "redeemed"
        assert [await world.units(p, issue_id) for p in held] == [0, 0, 0]
        await world.check()

    async def test_who_has_no_share_of_a_part_is_free_at_once_also_when_the_issuer_cannot_pay(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 99, b: 1})
        await world.to(noon(date(2027, 8, 2)))
        announced = await call(world, issuer, issue_id, units=10)
        await spend(world, issuer)

        await world.to(announced.pay_at + timedelta(minutes=1))

        assert (await the(world, issue_id, "call"))["state"] == "underfunded"
        await world.post(moved(issue_id, b, a, 1))
        [answer] = await world.ledger.post([moved(issue_id, a, b, 1)])
        assert isinstance(answer, Refused)
        assert answer.code == "account_debits_stopped"
        await world.top_up([issuer], 100 * PRICE)
        await world.to(world.clock.now() + timedelta(minutes=1))
        assert await world.units(a, issue_id) == 90
        await world.post(moved(issue_id, a, b, 90))
        await world.check()

    async def test_a_notice_is_refused_when_it_is_late_or_not_of_the_decision(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})
        [other] = await world.people(1, role=Role.ISSUER_SIGNATORY)
        # Five business days before Tuesday 14 September: the whole of Tuesday the 7th is in time.
        await world.to(noon(date(2027, 9, 7)))

        for who, units, option, refused in (
            (other, None, 1, IssueNotFound),
            (a, None, 1, NotPermitted),
            (issuer, None, 2, EarlyOptionNotFound),
            (issuer, 100, 1, CallMustAllowPart),
        ):
            with pytest.raises(refused):
                await call(world, who, issue_id, units, option)
        world.clock.set(datetime(2027, 9, 7, 21, tzinfo=UTC))
        with pytest.raises(CallNoticeMustBeInTime) as late:
            await call(world, issuer, issue_id)
        assert late.value.facts == {"on": "2027-09-14", "last": "2027-09-07", "today": "2027-09-08"}
        assert [row["kind"] for row in await world.actions(issue_id)].count("call") == 0
        await world.check()

    async def test_two_notices_at_once_make_one_call_and_a_repeat_makes_none(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})

        answers = await asyncio.gather(*(call(world, issuer, issue_id) for _ in range(4)), return_exceptions=True)

        assert sorted(type(answer).__name__ for answer in answers) == ["CallMustBeOnlyOne"] * 3 + ["CorporateAction"]
        again = CallUnits(command_id=key(), actor=issuer.actor, issue_id=issue_id, option=1)
        with pytest.raises(CallMustBeOnlyOne):
            await world.app.call_units(again)
        await world.check()

    async def test_takes_what_was_put_for_a_later_day_and_never_a_unit_twice(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        calls = [{"on": "2027-03-14", "price": "1.005"}]
        options = {"calls": calls, "puts": [{"on": "2027-06-14", "price": "1"}], "offers": []}
        issue_id = await circulating(world, issuer, {a: 100}, early_redemption={"options": options})
        await world.top_up([issuer], 100 * PRICE)
        put = await the(world, issue_id, "put")
        instruction = await instruct(world, a, put["action_id"], 100)
        announced = await call(world, issuer, issue_id)

        await world.to(announced.pay_at + timedelta(minutes=1))

        assert await world.state(issue_id) == "redeemed"
        assert await everywhere(world, a, issue_id) == 0
        assert await state_of(world, instruction) == "lapsed"
        await world.check()

    @pytest.mark.parametrize("moment", ["die_before_post", "die_after_post"])
    async def test_a_process_killed_at_the_lock_is_followed_by_another(
        self, world: World, issuer: Person, moment: str
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 60, b: 40})
        await world.top_up([issuer], 100 * PRICE)
        announced = await call(world, issuer, issue_id, units=51)
        await world.to(announced.pay_at - timedelta(minutes=1))
        world.clock.set(announced.pay_at)
        for _ in range(4):
            setattr(world.mortal, moment, True)
            try:
                await world.tick()
            except ProcessDied:
                setattr(world.mortal, moment, False)
            await world.another_process().run_schedule(world.clock.now())
        setattr(world.mortal, moment, False)

        await world.to(announced.pay_at + timedelta(minutes=1))

        assert (await the(world, issue_id, "call"))["state"] == "paid"
        assert await world.units(a, issue_id) + await world.units(b, issue_id) == 49
        await world.check()


class TestPut:
    async def test_units_put_are_locked_at_once_and_paid_and_extinguished_on_the_day(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 60, b: 40})
        await world.top_up([issuer], 100 * PRICE)
        put = await the(world, issue_id, "put")

        instruction = await instruct(world, a, put["action_id"], 25)

        assert instruction.state is InstructionState.LOCKED
        assert [await world.units(a, issue_id, p) for p in (Position.AVAILABLE, Position.LOCKED)] == [35, 25]
        [sale] = await world.ledger.post([moved(issue_id, a, b, 36)])
        assert isinstance(sale, Refused)
        with pytest.raises(UnitsMustBeAvailable) as refused:
            await instruct(world, a, put["action_id"], 36)
        assert refused.value.facts == {"units": 36, "available": 35}
        had = await world.money(a)
        await world.to(put["pay_at"] + timedelta(minutes=1))
        assert await everywhere(world, a, issue_id) == 35
        assert await world.money(a) - had == 25 * PRICE + 60 * 2 * COUPON
        assert await state_of(world, instruction) == "performed"
        assert (await the(world, issue_id, "put"))["state"] == "paid"
        assert await world.state(issue_id) == "circulating"
        await world.check()

    async def test_is_withdrawn_until_the_window_closes_if_the_decision_allows(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        [stranger] = await world.people(1)
        issue_id = await circulating(world, issuer, {a: 100})
        put, offer = await the(world, issue_id, "put"), await the(world, issue_id, "buyback")
        first, second = [await instruct(world, a, put["action_id"], 30) for _ in range(2)]
        with pytest.raises(InstructionWindowMustBeOpen):
            await instruct(world, a, offer["action_id"], 1)
        with pytest.raises(InstructionNotFound):
            await withdraw(world, stranger, first)

        assert (await withdraw(world, a, first)).state is InstructionState.WITHDRAWN

        assert [await world.units(a, issue_id, p) for p in (Position.AVAILABLE, Position.LOCKED)] == [70, 30]
        world.clock.set(datetime(2027, 6, 7, 21, tzinfo=UTC))
        with pytest.raises(InstructionWindowMustBeOpen):
            await withdraw(world, a, second)
        with pytest.raises(InstructionWindowMustBeOpen):
            await instruct(world, a, put["action_id"], 1)
        await world.check()

    async def test_is_kept_where_the_decision_lets_nothing_be_withdrawn(self, world: World, issuer: Person) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        options = {"calls": [{"on": "2027-09-14", "price": "1"}], "puts": [{"on": "2027-06-14", "price": "1"}]}
        issue_id = await circulating(world, issuer, {a: 100}, early_redemption={"options": {**options, "offers": []}})
        put = await the(world, issue_id, "put")
        instruction = await instruct(world, a, put["action_id"], 30)

        with pytest.raises(InstructionMustBeRevocable):
            await withdraw(world, a, instruction)

        assert await world.units(a, issue_id, Position.LOCKED) == 30

    async def test_without_money_of_the_issuer_goes_to_grace_and_default_with_the_units_still_there(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})
        put = await the(world, issue_id, "put")
        await instruct(world, a, put["action_id"], 40)
        await world.to(put["pay_at"] - timedelta(minutes=1))
        # Enough for the coupon of the day, and not for the price.
        await spend(world, issuer)
        await world.top_up([issuer], 100 * COUPON + 40 * PRICE - 1)

        await world.to(put["pay_at"])
        seen = [(await the(world, issue_id, "put"))["state"], await world.state(issue_id)]
        await world.to(put["overdue_at"])
        seen += [(await the(world, issue_id, "put"))["state"], await world.state(issue_id)]
        await world.to(put["grace_until_at"])
        seen += [(await the(world, issue_id, "put"))["state"], await world.state(issue_id)]

        assert seen == ["underfunded", "circulating", "grace", "technical_default", "defaulted", "default"]
        assert await everywhere(world, a, issue_id) == 100
        await world.check()

    async def test_a_frozen_holder_is_told_nothing_but_the_neutral_refusal(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})
        put = await the(world, issue_id, "put")
        told = {"participant_id": str(a.id), "measure": "frozen", "measure_before": "free"}
        at = world.clock.now().isoformat()
        await world.hear(("identity.measure_changed", {**told, "effective_at": at}))

        with pytest.raises(ParticipantMustBeActive):
            await instruct(world, a, put["action_id"], 1)

        assert await world.units(a, issue_id, Position.LOCKED) == 0

    @pytest.mark.parametrize("moment", ["die_before_post", "die_after_post"])
    async def test_a_process_killed_between_its_steps_is_followed_by_the_repeat_or_the_schedule(
        self, world: World, issuer: Person, moment: str
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})
        put = await the(world, issue_id, "put")
        command, other = key(), key()
        setattr(world.mortal, moment, True)
        for one in (command, other):
            with pytest.raises(ProcessDied):
                await instruct(world, a, put["action_id"], 10, one)
        setattr(world.mortal, moment, False)

        answer = await instruct(world, a, put["action_id"], 10, command)
        world.clock.advance(timedelta(minutes=1))
        await world.tick()

        assert answer.state is InstructionState.LOCKED
        assert await world.units(a, issue_id, Position.LOCKED) == 20
        assert await instruct(world, a, put["action_id"], 10, other) is not None
        assert await world.units(a, issue_id, Position.LOCKED) == 20
        with pytest.raises(IdempotencyKeyReused):
            await instruct(world, a, put["action_id"], 11, command)
        await world.check()

    async def test_many_at_once_never_lock_more_than_there_is(self, world: World, issuer: Person) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await circulating(world, issuer, {a: 100})
        put = await the(world, issue_id, "put")

        answers = await asyncio.gather(
            *(instruct(world, a, put["action_id"], 30) for _ in range(5)), return_exceptions=True
        )

        assert sum(isinstance(answer, Instruction) for answer in answers) == 3
        assert [await world.units(a, issue_id, p) for p in (Position.AVAILABLE, Position.LOCKED)] == [10, 90]
        await world.check()


class TestBuyback:
    async def test_an_offer_of_the_decision_buys_up_to_its_cap_by_the_largest_remainder(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = sorted(await world.people(2, kopecks=1000 * PRICE), key=lambda person: person.wallet)
        issue_id = await circulating(world, issuer, {a: 600, b: 400})
        offer = await the(world, issue_id, "buyback")
        await world.to(noon(date(2027, 2, 15)))
        first = await instruct(world, a, offer["action_id"], 600)
        second = await instruct(world, b, offer["action_id"], 167)

        await world.to(offer["pay_at"] + timedelta(minutes=1))

        # 500 of 767: 391.1 and 108.9.
        assert [await world.units(p, issue_id) for p in (a, b)] == [209, 291]
        assert [await world.units(p, issue_id, Position.LOCKED) for p in (a, b)] == [0, 0]
        assert [await state_of(world, one) for one in (first, second)] == ["performed", "performed"]
        assert (await the(world, issue_id, "buyback"))["total_kopecks"] == 500 * 99_000
        await world.check()

    async def test_debt_bought_back_by_the_issuer_is_extinguished_in_the_entry_that_pays(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=1000 * PRICE)
        issue_id = await circulating(world, issuer, {a: 1000}, "debt-step-rate", quantity_max=2000)
        offered = await offer(world, issuer, issue_id, 98_000, 300, date(2027, 2, 1), date(2027, 2, 8))
        await instruct(world, a, offered.action_id, 300)
        size = await world.ledger.size()

        await world.to(offered.pay_at + timedelta(minutes=1))

        assert await everywhere(world, a, issue_id) == 700
        assert await world.units(issuer, issue_id) == 0
        entries = [entry.body.decode() for entry in await world.ledger.entries(size, await world.ledger.size())]
        [paid] = [body for body in entries if "extinguished" in body]
        assert str(RUB) in paid
        assert '"-300"' in paid
        [told] = await world.events("action_announced")
        assert (told["kind"], told["price_kopecks"], told["units_max"]) == ("buyback", 98_000, 300)
        await world.check()

    async def test_all_of_an_issue_bought_back_is_redeemed(self, world: World, issuer: Person) -> None:
        [a] = await world.people(1, kopecks=1000 * PRICE)
        issue_id = await circulating(world, issuer, {a: 1000}, "debt-step-rate", quantity_max=2000)
        await world.top_up([issuer], 1000 * PRICE)
        offered = await offer(world, issuer, issue_id, 101_000, 1000, date(2027, 2, 1), date(2027, 2, 8))
        await instruct(world, a, offered.action_id, 1000)

        await world.to(offered.pay_at + timedelta(minutes=1))

        assert await world.state(issue_id) == "redeemed"
        assert {row["state"] for row in await world.actions(issue_id)} == {"paid", "cancelled"}
        await world.check()

    @pytest.mark.parametrize(
        ("units", "to_on", "on"),
        [
            (1001, date(2027, 2, 1), date(2027, 2, 8)),
            (10, date(2027, 2, 8), date(2027, 2, 8)),
            (10, date(2026, 11, 1), date(2027, 2, 8)),
            (10, date(2027, 2, 1), date(2027, 2, 7)),
            (10, date(2027, 12, 1), date(2027, 12, 2)),
        ],
    )
    async def test_an_offer_that_does_not_fit_is_refused(
        self, world: World, issuer: Person, units: int, to_on: date, on: date
    ) -> None:
        [a] = await world.people(1, kopecks=1000 * PRICE)
        issue_id = await circulating(world, issuer, {a: 1000}, "debt-step-rate", quantity_max=2000)

        with pytest.raises(OfferWindowMustFit):
            await offer(world, issuer, issue_id, 98_000, units, to_on, on)


async def offer(
    world: World, issuer: Person, issue_id: UUID, price: int, units: int, to_on: date, on: date
) -> CorporateAction:
    given = OfferTerms(issue_id=issue_id, price_kopecks=price, units_max=units, accept_to_on=to_on, on=on)
    return await world.app.offer_buyback(OfferBuyback(command_id=key(), actor=issuer.actor, offer=given))


async def withdraw(world: World, holder: Person, one: Instruction) -> Instruction:
    return await world.app.withdraw_instruction(
        WithdrawInstruction(command_id=key(), actor=holder.actor, instruction_id=one.instruction_id)
    )


async def state_of(world: World, one: Instruction) -> str:
    query = "SELECT state FROM redemption_instruction WHERE instruction_id = :id"
    return str((await world.rows(query, id=one.instruction_id))[0]["state"])


def moved(issue_id: UUID, source: Person, target: Person, units: int) -> Transaction:
    return Transaction(
        id=new_uuid7(),
        actor="test",
        basis=_BASIS,
        postings=(
            Posting(AccountKey(issue_id, Position.AVAILABLE, source.wallet), -units),
            Posting(AccountKey(issue_id, Position.AVAILABLE, target.wallet), units),
        ),
    )
