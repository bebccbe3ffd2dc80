"""What was calculated of a payment is approved: by the machine, or, where a rule asks for it, by two persons."""

from datetime import datetime
from typing import Final
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue_proposal import IssueProposal
from kapital.tokenization.domain.problems_early import ActionNotFound
from kapital.tokenization.domain.problems_life import CalculationMustMatch
from kapital.tokenization.domain.states import ACTION, ActionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import move_actions

_BATCH: Final = 1000


async def approve_calculated(now: datetime, parts: Parts) -> int:
    """CALCULATED to APPROVED on a day without a rule that asks for two persons; returns how many.

    Those that wait for two persons on the last day of a rule are approved on the next.
    Law: domain.md 3.6; 259-FZ art. 3 (performance without a separate expression of will, item 8 [M]).
    """
    if parts.approval_rules.needs_two_on(moscow_day(now)):
        return 0
    approved = 0
    while True:
        async with parts.uow.begin() as tx:
            due = await parts.actions.due(tx.conn, (ActionState.CALCULATED,), "fixing_at", now, _BATCH)
            locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
            ready = [action for action in locked.values() if action.state is ActionState.CALCULATED]
            await move_actions(tx, parts, [(action, "approved", {}) for action in ready])
        approved += len(ready)
        if len(due) < _BATCH:
            return approved


async def approvable(tx: Transaction, parts: Parts, proposal: IssueProposal) -> CorporateAction:
    """The action of an approval, locked: calculated, and as the proposal names it. The issue is locked.

    Raises: ActionNotFound, WrongState, CalculationMustMatch.
    """
    ensure(proposal.action_id is not None, "an approval names its action")
    action_id = UUID(str(proposal.action_id))
    action = (await parts.actions.lock(tx.conn, [action_id])).get(action_id)
    if action is None or action.issue_id != proposal.issue_id:
        raise ActionNotFound
    ACTION.step(action.state, "approved_by_two")
    if action.calculation_sha256 != proposal.calculation_sha256:
        raise CalculationMustMatch(facts={"calculation_sha256": action.calculation_sha256 or ""})
    return action


async def approve_by_two(tx: Transaction, parts: Parts, proposal: IssueProposal, *, actor: Actor) -> None:
    """Approve what the two persons saw. Raises: as `approvable`."""
    action = await approvable(tx, parts, proposal)
    basis = {
        "proposal_id": str(proposal.proposal_id),
        "reason": proposal.reason,
        "calculation_sha256": proposal.calculation_sha256,
    }
    await move_actions(tx, parts, [(action, "approved_by_two", {})], actor=actor, basis=basis)
