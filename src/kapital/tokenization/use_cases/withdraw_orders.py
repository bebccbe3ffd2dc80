"""Use case: an investor withdraws orders (отзыв заявки) before the placement closes; the reserve goes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from kapital.contracts.tokenization import OrdersWithdrawn, WithdrawalAnswer, WithdrawnOrder
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem, ensure
from kapital.platform.access import Resource
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION, withdrawal_command, withdrawal_text
from kapital.tokenization.domain.investor import Investor, why_orders_stay
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems import (
    BatchTooLarge,
    OrderMustBeAccepted,
    OrderNotFound,
    OrdersMustBeRevocable,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.states import PLACEMENT_LIVE, IssueState, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.decide_orders import release_reserves
from kapital.tokenization.use_cases.refusals import refusal_of
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issues, move_orders

ORDERS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawOrders:
    """Shape: 1 to 1,000 ids of the actor's own orders; a repeated id is answered as the first."""

    command_id: CommandId
    actor: Actor
    order_ids: tuple[UUID, ...]
    signed_act: SignedAct | None = None


def wording_of_withdrawal(order_ids: Sequence[UUID]) -> Wording:
    """What a person signs who withdraws these orders."""
    return Wording(
        kind=ActKind.WITHDRAW_ORDERS,
        command=withdrawal_command(order_ids),
        text=withdrawal_text(order_ids),
        text_version=TEXT_VERSION,
    )


async def withdraw_orders(cmd: WithdrawOrders, *, parts: Parts) -> OrdersWithdrawn:
    """Move accepted orders to WITHDRAWN and release their reserves; each order has its own answer.

    A placement suspended because it was full opens again when units become free.
    Law: 259-FZ art. 3 and the decision (revocable orders); scenario 6.
    Promise: once answered, the reserve goes back even if this process dies (`resume_orders`).
    Raises: NotPermitted, BatchTooLarge, IdempotencyKeyReused, refusals of acts (an act that no authority confirms now
    is refused, and may be sent again). Per order: OrderNotFound, OrderMustBeAccepted,
    PlacementMustBeOpen, OrdersMustBeRevocable, ParticipantMustBeActive.
    """
    if not 1 <= len(cmd.order_ids) <= ORDERS_MAX:
        raise BatchTooLarge(facts={"count": len(cmd.order_ids), "limit": ORDERS_MAX})
    mark = fingerprint(cmd)
    act = await authorise_command(
        parts, cmd.actor, cmd.command_id, mark, wording_of_withdrawal(cmd.order_ids), cmd.signed_act
    )
    async with parts.uow.begin() as tx:
        earlier = await tx.replies.find(cmd.command_id, cmd.actor, mark)
        if earlier is not None:
            answer = msgspec.json.decode(earlier, type=OrdersWithdrawn)
        else:
            tx.access.require(cmd.actor, "withdraw_orders", Resource("Order", owner=cmd.actor.participant_id))
            await keep_acts(tx.conn, [act] if act else [])
            answer = await _withdraw(tx, parts, cmd)
            await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    async with parts.database.connect() as conn:
        orders = await parts.orders.read(conn, cmd.order_ids)
    await release_reserves(
        [order for order in orders.values() if order.release_due and _is_own(order, cmd.actor)], parts=parts
    )
    return answer


async def _withdraw(tx: Transaction, parts: Parts, cmd: WithdrawOrders) -> OrdersWithdrawn:
    unlocked = await parts.orders.read(tx.conn, cmd.order_ids)
    issues = await parts.issues.lock(tx.conn, {order.issue_id for order in unlocked.values()})
    orders = await parts.orders.lock(tx.conn, cmd.order_ids)
    people = await parts.investors.read(tx.conn, {order.participant_id for order in orders.values()})
    # The clock is read with the locks held: a close that came first has already moved the issue.
    now = parts.clock.now()
    answers: dict[UUID, WithdrawnOrder] = {}
    moves: list[tuple[Order, str, Mapping[str, Any]]] = []
    asked = [
        Resource("Order", order_id, order.version, owner=order.participant_id) for order_id, order in orders.items()
    ]
    permitted = dict(zip(orders, tx.access.decide(cmd.actor, "withdraw_orders", asked), strict=True))
    for order_id in dict.fromkeys(cmd.order_ids):
        order = orders.get(order_id)
        if order is None or not permitted[order_id]:
            answers[order_id] = _refused(order_id, OrderNotFound())
            continue
        issue = issues[order.issue_id]
        if (problem := _why_kept(order, issue, people.get(order.participant_id), now)) is not None:
            answers[order_id] = _refused(order_id, problem)
            continue
        moves.append((order, "withdrawn", {"release_due": True}))
        issues[order.issue_id] = _without(issue, order)
        answers[order_id] = WithdrawnOrder(
            order_id=order_id,
            outcome=WithdrawalAnswer.withdrawn,
            released_kopecks=order.reserved_kopecks,
        )
    await _save_issues(tx, parts, issues, {order.issue_id for order, _, _ in moves})
    await move_orders(tx, parts, moves, actor=cmd.actor)
    return OrdersWithdrawn(items=[answers[order_id] for order_id in cmd.order_ids])


def _why_kept(order: Order, issue: Issue, investor: Investor | None, now: datetime) -> Problem | None:
    if order.state is OrderState.WITHDRAWN or order.accepted_at is None:
        return OrderMustBeAccepted(facts={"state": order.state.value})
    if issue.state not in PLACEMENT_LIVE or issue.is_over(now):
        return PlacementMustBeOpen(facts={"state": issue.state.value, "code": issue.code})
    if order.state is not OrderState.ACCEPTED:
        return OrderMustBeAccepted(facts={"state": order.state.value})
    if not issue.orders_revocable:
        return OrdersMustBeRevocable()
    return why_orders_stay(investor)


def _without(issue: Issue, order: Order) -> Issue:
    ensure(issue.accepted_units >= order.units, "an accepted order is counted in its issue")
    return msgspec.structs.replace(
        issue,
        accepted_orders=issue.accepted_orders - 1,
        accepted_units=issue.accepted_units - order.units,
        accepted_kopecks=issue.accepted_kopecks - order.reserved_kopecks,
    )


async def _save_issues(tx: Transaction, parts: Parts, issues: Mapping[UUID, Issue], changed: set[UUID]) -> None:
    touched = [issues[issue_id] for issue_id in sorted(changed)]
    suspended = [i for i in touched if i.state is IssueState.PLACEMENT_SUSPENDED and not i.stopped_by_operator]
    freed = [issue for issue in suspended if not issue.is_full]
    await parts.issues.save(tx.conn, [issue.changed() for issue in touched if issue not in freed])
    await move_issues(tx, parts, [(issue, "place_freed", {}) for issue in freed], actor=SMART_CONTRACT)


def _is_own(order: Order, actor: Actor) -> bool:
    return actor.participant_id is not None and order.participant_id == actor.participant_id


def _refused(order_id: UUID, problem: Problem) -> WithdrawnOrder:
    return WithdrawnOrder(order_id=order_id, outcome=WithdrawalAnswer.refused, refusal=refusal_of(problem))
