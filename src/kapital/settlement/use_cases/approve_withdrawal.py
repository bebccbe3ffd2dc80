"""What two persons decide about a withdrawal above the limit of a day: it goes to the bank, or back to its wallet."""

from typing import Final

from kapital.kernel.actor import Actor
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.money_decision import MoneyDecision, MoneyDecisionKind
from kapital.settlement.domain.money_decision_problems import MoneyMustAwaitDecision
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import APPROVAL_DENIED, Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.withdrawal_steps import make_moves, move_of

_STEPS: Final = {
    MoneyDecisionKind.WITHDRAWAL_RELEASED: ("released", None),
    MoneyDecisionKind.WITHDRAWAL_TURNED_DOWN: ("turned_down", APPROVAL_DENIED),
}
"""The step that a decision of a kind makes, and its reason."""


def is_approval(kind: MoneyDecisionKind) -> bool:
    """Whether it is about a withdrawal that awaits approval."""
    return kind in _STEPS


async def awaiting(parts: Parts, tx: Transaction, decision: MoneyDecision, by: Actor) -> Withdrawal:
    """The withdrawal that the decision is about; a measure on its owner does not hide it from the staff.

    Raises: MoneyMustAwaitDecision, MakerAndCheckerMustDiffer when `by` asked for it: nobody decides on the own money.
    """
    named = [decision.withdrawal_id] if decision.withdrawal_id else []
    found = next(iter(await parts.withdrawals.list_by_id(tx.conn, named)), None)
    if found is None or found.state is not WithdrawalState.AWAITING_APPROVAL:
        raise MoneyMustAwaitDecision(facts={"state": found.state.value if found else "unknown"})
    if found.requested_by == by.id:
        raise MakerAndCheckerMustDiffer
    return found


async def carry_out(parts: Parts, tx: Transaction, decision: MoneyDecision, by: Actor) -> None:
    """Make the step of an approved decision, in the transaction of the approval: both are kept, or neither.

    Raises: MoneyMustAwaitDecision, MakerAndCheckerMustDiffer.
    """
    withdrawal = await awaiting(parts, tx, decision, by)
    on, reason = _STEPS[decision.kind]
    if not await make_moves(parts, tx, [move_of(withdrawal, on, reason=reason)]):
        raise MoneyMustAwaitDecision(facts={"state": "decided_meanwhile"})
