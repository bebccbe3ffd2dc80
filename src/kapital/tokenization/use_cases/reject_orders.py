"""What an approved proposal to reject an accepted order (отклонение заявки) does to it.

Law: domain.md 3.4 (COMPLIANCE may reject, by two, with a reason code); 115-FZ art. 4 (whom the operator's control
looks at is not told of it).
"""

from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.issue_proposal import IssueProposal, ProposalKind, ProposalState
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems import (
    OrderMustBeAccepted,
    OrderMustPassReview,
    OrderNotFound,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.states import PLACEMENT_LIVE, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.decide_orders import release_reserves
from kapital.tokenization.use_cases.free_places import save_freed, without_order
from kapital.tokenization.use_cases.steps import move_orders


async def rejectable(tx: Transaction, parts: Parts, proposal: IssueProposal, issue: Issue) -> Order:
    """The order to be rejected, locked; the issue's row is locked.

    Once the placement is over nobody rejects: whether the issue is held is no person's choice (domain.md 3.3).
    Raises: OrderNotFound, PlacementMustBeOpen, OrderMustBeAccepted.
    """
    ensure(proposal.order_id is not None, "a rejection names its order")
    order_id = UUID(str(proposal.order_id))
    order = (await parts.orders.lock(tx.conn, [order_id])).get(order_id)
    if order is None or order.issue_id != issue.issue_id:
        raise OrderNotFound
    # The clock is read with the locks held: a close that came first has already moved the issue.
    if issue.state not in PLACEMENT_LIVE or issue.is_over(parts.clock.now()):
        raise PlacementMustBeOpen(facts={"state": issue.state.value, "code": issue.code})
    if order.state is not OrderState.ACCEPTED:
        raise OrderMustBeAccepted(facts={"state": order.state.value})
    return order


async def reject_order(tx: Transaction, parts: Parts, proposal: IssueProposal, issue: Issue, *, actor: Actor) -> None:
    """Move the order to REJECTED: its place is free, its reserve due. The investor is told one code for all reasons.

    Raises: as `rejectable`.
    """
    order = await rejectable(tx, parts, proposal, issue)
    neutral = OrderMustPassReview()
    told = {"refusal_code": neutral.code, "refusal_detail": neutral.detail, "refusal_facts": neutral.facts}
    await save_freed(tx, parts, {issue.issue_id: without_order(issue, order)}, {issue.issue_id})
    await move_orders(tx, parts, [(order, "rejected", {**told, "release_due": True})], actor=actor)


async def give_back_rejected(proposal: IssueProposal, *, parts: Parts) -> None:
    """Release the reserve of the order that an approved proposal rejected; else `resume_orders` does it."""
    if proposal.kind is not ProposalKind.REJECT_ORDER or proposal.state is not ProposalState.APPROVED:
        return
    async with parts.database.connect() as conn:
        orders = await parts.orders.read(conn, [UUID(str(proposal.order_id))])
    await release_reserves([order for order in orders.values() if order.release_due], parts=parts)
