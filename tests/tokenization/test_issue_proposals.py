"""Steps of an issue that two persons make: suspension, cancellation, writing off, restructuring by a new issue."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.ledger.api import Basis, BasisKind, Position, SetFreeze, Transaction
from kapital.platform.ids import new_uuid7
from kapital.tokenization.domain.issue_proposal import (
    ExchangeConsent,
    IssueProposal,
    OrderRejectionReason,
    ProposalKind,
)
from kapital.tokenization.domain.problems import (
    OrderMustBeAccepted,
    OrderNotFound,
    ParticipantMustBeActive,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.problems_early import ActionNotFound
from kapital.tokenization.domain.problems_life import (
    ActionMustBeIssuersOwn,
    HolderMustHaveUnits,
    IssuerMustConsent,
    NewIssueMustFit,
    ProposalMustFitKind,
    ProposalMustMatch,
    ProposalNotFound,
)
from kapital.tokenization.queries.list_proposals import list_issue_proposals
from kapital.tokenization.use_cases.exchange_units import ConsentToExchange
from kapital.tokenization.use_cases.issue_proposals import (
    ConsentToCancellation,
    DecideIssueStep,
    ProposeIssueStep,
)
from tests.tokenization.test_early import PRICE, call, circulating, instruct, offer, spend, the
from tests.tokenization.world import CLERK, LAWYER, Person, ProcessDied, World, key, staff

COMPLIANCE, OTHER_COMPLIANCE = staff(Role.COMPLIANCE), staff(Role.COMPLIANCE)
OTHER_CLERK, OTHER_LAWYER = staff(Role.SETTLEMENT), staff(Role.LEGAL)
ACT = "ac" * 32


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    roles = frozenset({Role.ISSUER, Role.ISSUER_SIGNATORY})
    return Person(Actor(id=person.actor.id, participant_id=person.id, roles=roles), person.wallet)


async def propose(world: World, who: Actor, issue_id: UUID, kind: ProposalKind, **given: Any) -> IssueProposal:
    return await world.app.propose_issue_step(
        ProposeIssueStep(command_id=key(), actor=who, issue_id=issue_id, kind=kind, reason="why", **given)
    )


async def decide(world: World, who: Actor, proposal: IssueProposal, *, approve: bool = True) -> IssueProposal:
    return await world.app.decide_issue_step(
        DecideIssueStep(
            command_id=key(),
            actor=who,
            proposal_id=proposal.proposal_id,
            proposal_sha256=proposal.proposal_sha256,
            approve=approve,
        )
    )


async def exchange(world: World, holder: Person, proposal: IssueProposal, command: Any = None) -> ExchangeConsent:
    return await world.app.consent_to_exchange(
        ConsentToExchange(
            command_id=command or key(),
            actor=holder.actor,
            proposal_id=proposal.proposal_id,
            proposal_sha256=proposal.proposal_sha256,
        )
    )


async def in_default(world: World, issuer: Person, units: dict[Person, int]) -> UUID:
    """An issue whose first coupon was never paid."""
    issue_id = await circulating(world, issuer, units)
    await spend(world, issuer)
    [coupon, *_] = [row for row in await world.actions(issue_id) if row["kind"] == "coupon"]
    await world.to(coupon["pay_at"])
    await world.to(coupon["overdue_at"])
    await world.to(coupon["grace_until_at"])
    assert await world.state(issue_id) == "default"
    return issue_id


async def test_a_placement_that_two_stopped_does_not_reopen_by_itself(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=100)
    placed = await world.order(a, issue_id, 10)
    proposal = await propose(world, COMPLIANCE, issue_id, ProposalKind.SUSPEND_PLACEMENT)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await decide(world, COMPLIANCE, proposal)
    with pytest.raises(NotPermitted):
        await decide(world, LAWYER, proposal)

    await decide(world, OTHER_COMPLIANCE, proposal)

    await world.withdraw(a, placed)
    assert await world.state(issue_id) == "placement_suspended"
    refused = await world.order(a, issue_id, 10)
    assert (refused.outcome.value, refused.refusal.code) == ("refused", "placement_must_be_open")
    assert "two persons" in refused.refusal.detail
    assert "whole quantity" not in refused.refusal.detail
    back = await propose(world, COMPLIANCE, issue_id, ProposalKind.RESUME_PLACEMENT)
    await decide(world, OTHER_COMPLIANCE, back)
    assert (await world.order(a, issue_id, 100)).outcome.value == "accepted"
    assert await world.state(issue_id) == "placement_suspended"
    with pytest.raises(WrongState):
        await propose(world, COMPLIANCE, issue_id, ProposalKind.RESUME_PLACEMENT)
    await world.check()


async def test_a_continuous_placement_that_two_stopped_fills_nothing_until_two_resume_it(
    world: World, issuer: Person
) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    mode = {"continuous": {"every_s": 600, "text": "ЦФА зачисляются каждые 10 минут."}}
    issue_id = await world.opened(issuer, quantity_min=1, quantity_max=100, placement_mode=mode, when_full="accept")
    placed = await world.order(a, issue_id, 10)
    await decide(world, OTHER_COMPLIANCE, await propose(world, COMPLIANCE, issue_id, ProposalKind.SUSPEND_PLACEMENT))

    await world.to(world.clock.now() + timedelta(seconds=601))
    assert await world.states([placed]) == ["accepted"]

    await decide(world, OTHER_COMPLIANCE, await propose(world, COMPLIANCE, issue_id, ProposalKind.RESUME_PLACEMENT))
    await world.to(world.clock.now() + timedelta(seconds=1))
    assert await world.states([placed]) == ["settled"]
    await world.check()


async def test_what_the_decision_promises_is_nobodys_to_cancel(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, {a: 100})
    coupon, put, given = (await world.actions(issue_id))[0], await the(world, issue_id, "put"), "action_id"

    for action_id, refused in (
        (coupon["action_id"], ActionMustBeIssuersOwn),
        (put["action_id"], ActionMustBeIssuersOwn),
        (new_uuid7(), ActionNotFound),
        (None, ProposalMustFitKind),
    ):
        with pytest.raises(refused):
            await propose(world, CLERK, issue_id, ProposalKind.CANCEL_ACTION, **{given: action_id})

    with pytest.raises(NotPermitted):
        await propose(world, LAWYER, issue_id, ProposalKind.CANCEL_ACTION, action_id=coupon["action_id"])


async def test_a_cancelled_call_leaves_the_units_free(world: World, issuer: Person) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, {a: 60, b: 40})
    announced = await call(world, issuer, issue_id)
    proposal = await propose(world, CLERK, issue_id, ProposalKind.CANCEL_ACTION, action_id=announced.action_id)
    with pytest.raises(IssuerMustConsent):
        await decide(world, OTHER_CLERK, proposal)
    with pytest.raises(NotPermitted):
        await consent(world, a, proposal)
    await consent(world, issuer, proposal)

    await decide(world, OTHER_CLERK, proposal)

    await world.top_up([issuer], 100 * PRICE)
    await world.to(announced.pay_at + timedelta(minutes=1))
    assert (await the(world, issue_id, "call"))["state"] == "cancelled"
    assert await world.units(a, issue_id) == 60
    await world.check()


async def consent(world: World, who: Person, proposal: IssueProposal) -> IssueProposal:
    return await world.app.consent_to_cancellation(
        ConsentToCancellation(
            command_id=key(),
            actor=who.actor,
            proposal_id=proposal.proposal_id,
            proposal_sha256=proposal.proposal_sha256,
        )
    )


async def test_an_offer_that_somebody_accepted_is_not_cancelled(world: World, issuer: Person) -> None:
    [a] = await world.people(1, kopecks=1000 * PRICE)
    issue_id = await circulating(world, issuer, {a: 100})
    offered = await offer(world, issuer, issue_id, 98_000, 50, date(2027, 2, 1), date(2027, 2, 8))
    proposal = await propose(world, CLERK, issue_id, ProposalKind.CANCEL_ACTION, action_id=offered.action_id)
    await consent(world, issuer, proposal)
    await instruct(world, a, offered.action_id, 10)

    with pytest.raises(ActionMustBeIssuersOwn):
        await decide(world, OTHER_CLERK, proposal)

    await world.to(offered.pay_at + timedelta(minutes=1))
    assert await world.units(a, issue_id) == 90
    await world.check()


async def test_an_issue_written_off_by_an_act_has_no_records_left_of_frozen_holders_either(
    world: World, issuer: Person
) -> None:
    [a, b] = await world.people(2, kopecks=100 * PRICE)
    issue_id = await in_default(world, issuer, {a: 60, b: 40})
    await world.post(frozen(SetFreeze(new_uuid7(), b.wallet, credits_stopped=True, debits_stopped=True)))
    with pytest.raises(ProposalMustFitKind):
        await propose(world, LAWYER, issue_id, ProposalKind.WRITE_OFF)
    proposal = await propose(world, LAWYER, issue_id, ProposalKind.WRITE_OFF, document_sha256=ACT)
    world.mortal.die_after_post = True

    await decide(world, OTHER_LAWYER, proposal)

    with pytest.raises(ProcessDied):
        await world.tick()
    world.mortal.die_after_post = False
    await world.tick()
    assert await world.state(issue_id) == "written_off_by_act"
    assert [await world.units(p, issue_id) for p in (a, b)] == [0, 0]
    await world.check()


def frozen(freeze: SetFreeze) -> Transaction:
    basis = Basis(kind=BasisKind.STATUTE, reference="test")
    return Transaction(id=new_uuid7(), actor="test", basis=basis, freezes=(freeze,))


class TestRejectedOrders:
    REASON = OrderRejectionReason.INTERNAL_CONTROL

    async def proposed(self, world: World, issue_id: UUID, order_id: object) -> IssueProposal:
        given = {"order_id": UUID(str(order_id)), "reason_code": self.REASON}
        return await propose(world, COMPLIANCE, issue_id, ProposalKind.REJECT_ORDER, **given)

    async def listed(self, world: World, who: Actor, issue_id: UUID) -> list[str]:
        async with world.databases.get("tokenization").connect() as conn:
            page = await list_issue_proposals(conn, world.app.parts, who, issue_id=issue_id, after=None, limit=100)
        return [one.kind.value for one in page.items]

    async def test_an_order_that_two_rejected_gives_money_and_place_back_and_its_investor_is_told_no_reason(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await world.opened(issuer, quantity_min=1, quantity_max=100)
        placed = await world.order(a, issue_id, 100)
        assert await world.state(issue_id) == "placement_suspended"
        with pytest.raises(ProposalMustFitKind):
            await propose(world, COMPLIANCE, issue_id, ProposalKind.REJECT_ORDER, order_id=placed.order_id)
        with pytest.raises(NotPermitted):
            await propose(world, LAWYER, issue_id, ProposalKind.REJECT_ORDER, order_id=placed.order_id)
        with pytest.raises(OrderNotFound):
            await self.proposed(world, issue_id, new_uuid7())
        proposal = await self.proposed(world, issue_id, placed.order_id)
        with pytest.raises(MakerAndCheckerMustDiffer):
            await decide(world, COMPLIANCE, proposal)
        assert await world.money(a) == 0

        await decide(world, OTHER_COMPLIANCE, proposal)

        assert (await world.states([placed]), await world.state(issue_id)) == (["rejected"], "placement_open")
        assert (await world.money(a), await world.money(a, Position.RESERVED)) == (100 * PRICE, 0)
        [row] = await world.rows("SELECT * FROM subscription_order WHERE order_id = :id", id=placed.order_id)
        assert (row["refusal_code"], row["limit_kopecks"]) == ("order_must_pass_review", 0)
        told = str([row["refusal_code"], row["refusal_detail"], row["refusal_facts"]])
        assert not any(reason.value in told for reason in OrderRejectionReason)
        assert await self.listed(world, COMPLIANCE, issue_id) == ["reject_order"]
        assert await self.listed(world, a.actor, issue_id) == []
        assert await self.listed(world, issuer.actor, issue_id) == []
        with pytest.raises(OrderMustBeAccepted):
            await self.proposed(world, issue_id, placed.order_id)
        assert (await world.order(b, issue_id, 100)).outcome.value == "accepted"
        await world.closed(issue_id)
        assert [await world.units(who, issue_id) for who in (a, b)] == [0, 100]
        await world.check()

    async def test_once_the_placement_is_over_nobody_rejects(self, world: World, issuer: Person) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await world.opened(issuer, quantity_min=10, quantity_max=100)
        placed = await world.order(a, issue_id, 10)
        proposal = await self.proposed(world, issue_id, placed.order_id)
        # The end has come, and the schedule has not yet looked at it.
        world.clock.set((await world.issue(issue_id))["placement_end_at"])

        with pytest.raises(PlacementMustBeOpen):
            await decide(world, OTHER_COMPLIANCE, proposal)

        await world.closed(issue_id)
        assert await world.units(a, issue_id) == 10
        await world.check()

    async def test_a_held_act_keeps_the_placement_no_longer_than_it_has_an_accepted_order(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        issue_id = await world.opened(issuer, quantity_min=1, quantity_max=100)
        placed = [await world.order(who, issue_id, 10) for who in (a, b)]
        # As a continuous placement leaves it, which looks at acts again before its end.
        async with world.databases.get("tokenization").engine.begin() as conn:
            await conn.execute(
                text(
                    """
                    INSERT INTO order_review (review_id, issue_id, actor_id, command_id, participant_id, state,
                        version, signature_holds, reasons, signed_at, file_sha256, checked_at)
                    SELECT order_id, issue_id, actor_id, command_id, participant_id, 'held', 1, true, 'revoked',
                        created_at, repeat('ab', 32), created_at
                    FROM subscription_order WHERE order_id = :id
                    """
                ),
                {"id": placed[0].order_id},
            )
        await decide(world, OTHER_COMPLIANCE, await self.proposed(world, issue_id, placed[0].order_id))

        await world.closed(issue_id)

        assert await world.state(issue_id) == "circulating"
        assert [await world.units(who, issue_id) for who in (a, b)] == [0, 10]
        await world.check()

    async def test_a_process_killed_after_the_decision_gives_the_money_back_once(
        self, world: World, issuer: Person
    ) -> None:
        [a] = await world.people(1, kopecks=100 * PRICE)
        issue_id = await world.opened(issuer, quantity_min=1, quantity_max=100)
        placed = await world.order(a, issue_id, 10)
        proposal = await self.proposed(world, issue_id, placed.order_id)
        world.mortal.die_before_post = True
        with pytest.raises(ProcessDied):
            await decide(world, OTHER_COMPLIANCE, proposal)
        world.mortal.die_before_post = False
        assert (await world.states([placed]), await world.money(a)) == (["rejected"], 90 * PRICE)

        world.clock.advance(timedelta(minutes=1))
        await world.tick()
        await world.tick()

        assert (await world.money(a), await world.money(a, Position.RESERVED)) == (100 * PRICE, 0)
        await world.check()


class TestRestructuring:
    async def opened(
        self, world: World, issuer: Person, units: dict[Person, int]
    ) -> tuple[UUID, UUID, IssueProposal]:
        old = await in_default(world, issuer, units)
        later = {
            "placement_start_at": "2027-06-01T10:00:00+03:00",
            "placement_end_at": "2027-06-04T15:00:00+03:00",
        }
        redemption = {"on": "2027-07-12"}
        new = await world.published(
            issuer, "discount-one-month", quantity_max=200, quantity_min=1, redemption=redemption, **later
        )
        given = {"document_sha256": ACT, "new_issue_id": new}
        with pytest.raises(NewIssueMustFit):
            await propose(world, LAWYER, old, ProposalKind.RESTRUCTURE, **given, units_per_unit=3)
        proposal = await propose(world, LAWYER, old, ProposalKind.RESTRUCTURE, **given, units_per_unit=2)
        with pytest.raises(ProposalNotFound):
            await exchange(world, next(iter(units)), proposal)
        return old, new, await decide(world, OTHER_LAWYER, proposal)

    async def test_holders_get_new_units_for_old_in_one_entry_and_the_old_issue_ends_with_the_last(
        self, world: World, issuer: Person
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        old, new, proposal = await self.opened(world, issuer, {a: 60, b: 40})

        first = await exchange(world, a, proposal)

        assert [await world.units(a, issue_id) for issue_id in (old, new)] == [0, 120]
        assert await world.state(old) == "default"
        [entry] = await world.ledger.entries(int(first.entry_seq or 0), int(first.entry_seq or 0) + 1)
        assert all(text in entry.body.decode() for text in (str(old), str(new), '"-60"', '"120"'))
        with pytest.raises(HolderMustHaveUnits):
            await exchange(world, a, proposal)
        await exchange(world, b, proposal)
        assert [await world.state(issue_id) for issue_id in (old, new)] == ["restructured", "circulating"]
        redemption = (await world.actions(new))[-1]
        await world.top_up([issuer], 1000 * PRICE)
        await world.to(redemption["pay_at"] + timedelta(minutes=1))
        assert await world.state(new) == "redeemed"
        assert [told["units_per_unit"] for told in await world.events("exchange_announced")] == [2]
        await world.check()

    @pytest.mark.parametrize("moment", ["die_before_post", "die_after_post"])
    async def test_a_process_killed_in_between_exchanges_once(
        self, world: World, issuer: Person, moment: str
    ) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        old, new, proposal = await self.opened(world, issuer, {a: 60, b: 40})
        setattr(world.mortal, moment, True)
        command = key()
        for holder, one in ((a, command), (b, key())):
            with pytest.raises(ProcessDied):
                await exchange(world, holder, proposal, one)
        setattr(world.mortal, moment, False)

        await exchange(world, a, proposal, command)
        world.clock.advance(timedelta(minutes=1))
        await world.tick()

        assert [await world.units(p, new) for p in (a, b)] == [120, 80]
        assert await world.state(old) == "restructured"
        await world.check()

    async def test_two_at_once_and_a_frozen_holder(self, world: World, issuer: Person) -> None:
        [a, b] = await world.people(2, kopecks=100 * PRICE)
        old, new, proposal = await self.opened(world, issuer, {a: 60, b: 40})
        await world.post(frozen(SetFreeze(new_uuid7(), b.wallet, credits_stopped=True, debits_stopped=True)))

        answers = await asyncio.gather(*(exchange(world, a, proposal) for _ in range(3)), return_exceptions=True)

        assert [await world.units(a, issue_id) for issue_id in (old, new)] == [0, 120]
        assert any(isinstance(answer, ExchangeConsent) for answer in answers)
        with pytest.raises(ParticipantMustBeActive):
            await exchange(world, b, proposal)
        assert await world.units(b, old) == 40
        with pytest.raises(ProposalMustMatch):
            await world.app.consent_to_exchange(
                ConsentToExchange(
                    command_id=key(), actor=a.actor, proposal_id=proposal.proposal_id, proposal_sha256="0" * 64
                )
            )
        await world.check()
