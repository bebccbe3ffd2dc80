"""A payment is approved by two where a rule of the operator asks for it, and by the machine where none does."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.approval_rules import ApprovalRule
from kapital.tokenization.domain.issue_proposal import ProposalKind
from kapital.tokenization.domain.problems_early import ActionNotFound
from kapital.tokenization.domain.problems_life import CalculationMustMatch, ProposalMustFitKind
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from tests.tokenization.test_actions import COUPON, PRICE, circulating
from tests.tokenization.test_issue_proposals import decide, propose
from tests.tokenization.world import CLERK, MANAGER, RISK, World, staff

APPROVE = ProposalKind.APPROVE_ACTION


class Ruled:
    """A process with the rule, over the world's databases: what it leaves, the world shows."""

    def __init__(self, world: World, *, until: date | None = None) -> None:
        rule = ApprovalRule(effective_from=date(2000, 1, 1), effective_to=until, basis="rules of the operator")
        self.world, self.app = world, world.another_process(approval=(rule,))

    async def to(self, at: Any) -> None:
        if at > self.world.clock.now():
            self.world.clock.set(at)
        for _ in range(3):
            await self.app.run_schedule(self.world.clock.now())
            await self.world.bus.drain()


async def calculation(app: TokenizationUseCases, issue_id: UUID) -> Any:
    async with app.parts.database.connect() as conn:
        return (await list_actions(conn, app.parts, MANAGER, issue_id)).items[0]


async def test_what_was_calculated_waits_for_two_persons_of_two_offices_who_saw_the_same(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a])
    ruled, both = Ruled(world), staff(Role.SETTLEMENT, Role.RISK)
    [coupon, *_] = await world.actions(issue_id)
    action_id = coupon["action_id"]
    early: dict[str, Any] = {"action_id": action_id, "calculation_sha256": "ab" * 32}
    with pytest.raises(WrongState):
        await propose(world, CLERK, issue_id, APPROVE, **early)

    await ruled.to(coupon["overdue_at"] + timedelta(days=1))

    waiting = await calculation(ruled.app, issue_id)
    assert (waiting.state, await world.state(issue_id), await world.money(a)) == ("calculated", "circulating", 0)
    seen: dict[str, Any] = {"action_id": action_id, "calculation_sha256": waiting.calculation_sha256}
    with pytest.raises(NotPermitted):
        await propose(world, RISK, issue_id, APPROVE, **seen)
    with pytest.raises(ProposalMustFitKind):
        await propose(world, CLERK, issue_id, APPROVE, action_id=action_id)
    with pytest.raises(CalculationMustMatch):
        await propose(world, CLERK, issue_id, APPROVE, **early)
    with pytest.raises(ActionNotFound):
        await propose(world, CLERK, issue_id, APPROVE, **{**seen, "action_id": issue_id})
    by_both = await propose(world, both, issue_id, APPROVE, **seen)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await decide(world, both, by_both)
    with pytest.raises(NotPermitted):
        await decide(world, CLERK, by_both)
    await decide(world, RISK, by_both, approve=False)
    await ruled.to(world.clock.now())
    assert (await calculation(ruled.app, issue_id)).state == "calculated"
    proposal = await propose(world, CLERK, issue_id, APPROVE, **seen)
    assert proposal.proposal_sha256 != by_both.proposal_sha256

    await decide(world, RISK, proposal)
    await ruled.to(world.clock.now())

    assert (await calculation(ruled.app, issue_id)).state == "closed"
    assert await world.money(a) == 100 * COUPON
    with pytest.raises(WrongState):
        await propose(world, CLERK, issue_id, APPROVE, **seen)
    await world.check()


async def test_what_waits_when_the_rule_ends_is_approved_by_the_machine(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    [a] = await world.people(1, kopecks=100 * PRICE)
    issue_id = await circulating(world, issuer, [a])
    [coupon, *_] = await world.actions(issue_id)
    ruled = Ruled(world, until=coupon["pay_on"])

    await ruled.to(coupon["pay_at"] + timedelta(hours=1))
    assert (await calculation(ruled.app, issue_id)).state == "calculated"
    await ruled.to(coupon["pay_at"] + timedelta(days=1))

    assert (await calculation(ruled.app, issue_id)).state == "closed"
    assert await world.money(a) == 100 * COUPON
