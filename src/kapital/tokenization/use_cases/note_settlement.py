"""What follows from settlement's news: orders have their entries, payouts are made or refused."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kapital.contracts.settlement import AllocationSettled, PayoutsRefused, PayoutsSettled, SettledOrderLine
from kapital.kernel.problems import InvariantBroken
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ActionState, IssueState, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.circulation import begin_circulation
from kapital.tokenization.use_cases.fund_orders import note_money
from kapital.tokenization.use_cases.instruct_payouts import instruct_next_parts
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_actions, move_issue, move_orders

_TURNED_BACK = "turned_back"
_DONE = frozenset({ActionState.PAID, ActionState.CLOSED, ActionState.CANCELLED})


async def note_allocation_settled(tx: Transaction, parts: Parts, news: AllocationSettled) -> None:
    """Give each order its ledger entry; when none waits any more, the issue circulates, or is refunded.

    An order that was given units and is told without them was turned back: its buyer was frozen before the delivery.
    The issue goes on for the others, by what was delivered; held stays held.
    Promise: news told twice changes nothing. Law: 115-FZ art. 7(1)(6); domain.md 3.4.
    """
    issue = (await parts.issues.lock(tx.conn, [news.issue_id])).get(news.issue_id)
    if issue is None:
        raise InvariantBroken("settlement told of an issue that is not ours")
    lines = {line.order_id: line for line in news.lines}
    orders = await parts.orders.read(tx.conn, lines)
    moves: list[tuple[Order, str, Mapping[str, Any]]] = [
        (order, on, {"entry_seq": lines[order.order_id].entry_seq})
        for order in orders.values()
        if (on := _on_settled(order, lines[order.order_id])) is not None
    ]
    await move_orders(tx, parts, moves)
    # What an order did not pay is free again, and may be what another one of the same wallet awaits.
    await note_money(tx, parts, {order.wallet_id for order, _, _ in moves if order.wallet_id is not None})
    if turned_back := [order.order_id for order, on, _ in moves if on == _TURNED_BACK]:
        units, kopecks = await parts.orders.empty_fills(tx.conn, turned_back)
        issue = issue.changed(
            allocated_units=issue.allocated_units - units, paid_kopecks=issue.paid_kopecks - kopecks
        )
        await parts.issues.save(tx.conn, [issue])
    if await parts.orders.any_unsettled(tx.conn, news.issue_id):
        return
    if issue.state is IssueState.SETTLING:
        await begin_circulation(tx, parts, issue)
    elif issue.state is IssueState.REFUNDING:
        await move_issue(tx, parts, issue, "refunded", actor=SMART_CONTRACT)


def _on_settled(order: Order, line: SettledOrderLine) -> str | None:
    if order.state is OrderState.SETTLING:
        return "settled" if line.units else _TURNED_BACK
    return "refunded" if order.state is OrderState.REFUNDING else None


async def note_payouts_settled(tx: Transaction, parts: Parts, news: PayoutsSettled) -> None:
    """Note a part as paid and instruct the next one.

    When all are paid the action is PAID, and after the last action the issue is REDEEMED.
    """
    issue, action = await _lock(tx, parts, news.issue_id, news.action_id)
    changed = await parts.actions.set_parts(tx.conn, [(news.action_id, news.part)], "settled")
    if not changed:
        return
    paid = action.paid_kopecks + sum(changed.values())
    if action.state is ActionState.PAYING and not await parts.actions.any_part_unsettled(tx.conn, action.action_id):
        await move_actions(tx, parts, [(action, "paid", {"paid_kopecks": paid})])
        await conclude_payment(tx, parts, issue)
        return
    await parts.actions.save(tx.conn, [action.changed(paid_kopecks=paid)])
    if action.state is ActionState.PAYING:
        await instruct_next_parts(tx, parts, action, issue)


async def note_payouts_refused(tx: Transaction, parts: Parts, news: PayoutsRefused) -> None:
    """Note that the issuer's money is too little for a part, or frozen: the action is UNDERFUNDED and tried again."""
    _, action = await _lock(tx, parts, news.issue_id, news.action_id)
    if not await parts.actions.set_parts(tx.conn, [(news.action_id, news.part)], "refused"):
        return
    if action.state is ActionState.PAYING:
        await move_actions(tx, parts, [(action, "refused", {})], basis={"code": news.code})


async def conclude_payment(tx: Transaction, parts: Parts, issue: Issue) -> None:
    """After an action was paid: cure a technical default, or conclude the issue. The issue's row is locked."""
    actions = await parts.actions.of_issue(tx.conn, issue.issue_id)
    over = all(action.state in _DONE for action in actions) and any(
        action.kind is ActionKind.REDEMPTION and action.state is not ActionState.CANCELLED for action in actions
    )
    if over and issue.state in (IssueState.REDEEMING, IssueState.TECHNICAL_DEFAULT):
        await move_issue(tx, parts, issue, "redeemed", actor=SMART_CONTRACT)
    elif issue.state is IssueState.TECHNICAL_DEFAULT and not any(
        action.state in (ActionState.GRACE, ActionState.FUNDED, ActionState.PAYING) for action in actions
    ):
        await move_issue(tx, parts, issue, "cured", actor=SMART_CONTRACT)


async def _lock(tx: Transaction, parts: Parts, issue_id: UUID, action_id: UUID) -> tuple[Issue, CorporateAction]:
    issue = (await parts.issues.lock(tx.conn, [issue_id])).get(issue_id)
    action = (await parts.actions.lock(tx.conn, [action_id])).get(action_id)
    if issue is None or action is None or action.issue_id != issue_id:
        raise InvariantBroken("settlement told of an action that is not ours")
    return issue, action
