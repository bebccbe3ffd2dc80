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
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.platform.access import Resource
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord, keep_acts
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import WITHDRAWAL_TEXT_VERSION, withdrawal_command, withdrawal_text
from kapital.tokenization.domain.investor import Investor, why_orders_stay
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.mandate import WITHDRAW, Mandate, why_not_for_it_now
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems import (
    BatchTooLarge,
    OrderMustBeAccepted,
    OrderNotFound,
    OrdersMustBeRevocable,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.problems_mandate import BrokerMustBeActive, MandateMustBeInForce
from kapital.tokenization.domain.states import PLACEMENT_LIVE, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.decide_orders import decide_orders, release_reserves
from kapital.tokenization.use_cases.free_places import save_freed, without_order
from kapital.tokenization.use_cases.refusals import refusal_of
from kapital.tokenization.use_cases.steps import move_orders

ORDERS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawOrders:
    """Shape: 1 to 1,000 ids of orders, own ones or, of a broker, placed by it; a repeat is answered as the first."""

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
        text_version=WITHDRAWAL_TEXT_VERSION,
    )


async def withdraw_orders(cmd: WithdrawOrders, *, parts: Parts) -> OrdersWithdrawn:
    """Move orders to WITHDRAWN and release their reserves; each order has its own answer.

    A placement suspended because it was full opens again when units become free. An order that awaits its money was
    never accepted: it may be withdrawn where the decision binds to accepted ones, too. If the ledger was asked for
    its money, that is answered first.
    A broker withdraws what it placed itself, while its mandate lets it and the principal might order; the principal
    withdraws all of its own.
    Law: 259-FZ art. 3 and the decision (revocable orders); scenario 6.
    Promise: once answered, the reserve goes back even if this process dies (`resume_orders`).
    Raises: NotPermitted, BatchTooLarge, IdempotencyKeyReused, refusals of acts (an act that no authority confirms now
    is refused, and may be sent again). Per order: OrderNotFound, MandateMustBeInForce, BrokerMustBeActive,
    OrderMustBeAccepted, PlacementMustBeOpen, OrdersMustBeRevocable, ParticipantMustBeActive.
    """
    if not 1 <= len(cmd.order_ids) <= ORDERS_MAX:
        raise BatchTooLarge(facts={"count": len(cmd.order_ids), "limit": ORDERS_MAX})
    mark = fingerprint(cmd)
    act = await authorise_command(
        parts, cmd.actor, cmd.command_id, mark, wording_of_withdrawal(cmd.order_ids), cmd.signed_act
    )
    answer: OrdersWithdrawn | None = None
    while answer is None:
        try:
            answer = await _answer(cmd, parts, mark, act)
        except _MoneyAskedFor as under_way:
            await decide_orders(under_way.orders, parts=parts)
    async with parts.database.connect() as conn:
        orders = await parts.orders.read(conn, cmd.order_ids)
    await release_reserves(
        [order for order in orders.values() if order.release_due and _is_own(order, cmd.actor)], parts=parts
    )
    return answer


class _MoneyAskedFor(Exception):
    """Takes the transaction back: the ledger was asked for money of these orders, and may have reserved it."""

    def __init__(self, orders: Sequence[Order]) -> None:
        super().__init__()
        self.orders = orders


async def _answer(cmd: WithdrawOrders, parts: Parts, mark: str, act: ActRecord | None) -> OrdersWithdrawn:
    async with parts.uow.begin() as tx:
        earlier = await tx.replies.find(cmd.command_id, cmd.actor, mark)
        if earlier is not None:
            return msgspec.json.decode(earlier, type=OrdersWithdrawn)
        tx.access.require(cmd.actor, "withdraw_orders", _any_of(cmd.actor))
        await keep_acts(tx.conn, [act] if act else [])
        answer = await _withdraw(tx, parts, cmd)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def _withdraw(tx: Transaction, parts: Parts, cmd: WithdrawOrders) -> OrdersWithdrawn:
    unlocked = await parts.orders.read(tx.conn, cmd.order_ids)
    issues = await parts.issues.lock(tx.conn, {order.issue_id for order in unlocked.values()})
    orders = await parts.orders.lock(tx.conn, cmd.order_ids)
    if asked_for := [order for order in orders.values() if order.reserve_asked and _is_own(order, cmd.actor)]:
        raise _MoneyAskedFor(asked_for)
    own = cmd.actor.participant_id
    placed = {(own, order.participant_id) for order in orders.values() if own is not None and order.broker_id == own}
    mandates = await parts.mandates.in_force(tx.conn, placed, tx.now)
    concerned = {order.participant_id for order in orders.values()} | {broker for broker, _ in placed}
    people = await parts.investors.read(tx.conn, concerned)
    # The clock is read with the locks held: a close that came first has already moved the issue.
    now = parts.clock.now()
    answers: dict[UUID, WithdrawnOrder] = {}
    moves: list[tuple[Order, str, Mapping[str, Any]]] = []
    asked = [_as_resource(order, cmd.actor, mandates) for order in orders.values()]
    permitted = dict(zip(orders, tx.access.decide(cmd.actor, "withdraw_orders", asked), strict=True))
    for order_id in dict.fromkeys(cmd.order_ids):
        order = orders.get(order_id)
        if order is None or not permitted[order_id]:
            is_placed = order is not None and (own, order.participant_id) in placed and order.broker_id == own
            answers[order_id] = _refused(order_id, MandateMustBeInForce() if is_placed else OrderNotFound())
            continue
        issue = issues[order.issue_id]
        investor, by_broker = people.get(order.participant_id), order.participant_id != own
        problem = _why_broker_stays(people.get(own) if own else None) if by_broker else None
        problem = problem or _why_kept(order, issue, investor, now)
        if problem is None and by_broker:
            problem = why_not_for_it_now(investor, now)
        if problem is not None:
            answers[order_id] = _refused(order_id, problem)
            continue
        accepted = order.state is OrderState.ACCEPTED
        moves.append((order, "withdrawn", {"release_due": True} if accepted else {"funds_look_at": None}))
        if accepted:
            issues[order.issue_id] = without_order(issue, order)
        answers[order_id] = WithdrawnOrder(
            order_id=order_id,
            outcome=WithdrawalAnswer.withdrawn,
            released_kopecks=order.reserved_kopecks if accepted else 0,
        )
    freed = {order.issue_id for order, _, _ in moves if order.state is OrderState.ACCEPTED}
    await save_freed(tx, parts, issues, freed)
    await move_orders(tx, parts, moves, actor=cmd.actor)
    return OrdersWithdrawn(items=[answers[order_id] for order_id in cmd.order_ids])


def _why_kept(order: Order, issue: Issue, investor: Investor | None, now: datetime) -> Problem | None:
    awaits = order.state is OrderState.AWAITING_FUNDS
    if order.state is OrderState.WITHDRAWN or (order.accepted_at is None and not awaits):
        return OrderMustBeAccepted(facts={"state": order.state.value})
    if issue.state not in PLACEMENT_LIVE or issue.is_over(now):
        return PlacementMustBeOpen(facts={"state": issue.state.value, "code": issue.code})
    if not awaits and order.state is not OrderState.ACCEPTED:
        return OrderMustBeAccepted(facts={"state": order.state.value})
    if not awaits and not issue.orders_revocable:
        return OrdersMustBeRevocable()
    return why_orders_stay(investor)


def _any_of(actor: Actor) -> Resource:
    """An order that the actor might withdraw: its own or, of a broker, one that it placed."""
    own = actor.participant_id
    if own is None or Role.BROKER not in actor.roles:
        return Resource("Order", owner=own)
    return Resource("Order", owner=own, agents=frozenset({own}))


def _as_resource(order: Order, actor: Actor, mandates: Mapping[tuple[UUID, UUID], Mandate]) -> Resource:
    """The order as the policies see it: whoever placed it is its agent while the mandate lets it withdraw."""
    own = actor.participant_id
    if own is None or order.broker_id != own:
        return Resource("Order", order.order_id, order.version, owner=order.participant_id)
    mandate = mandates.get((own, order.participant_id))
    agents = frozenset({own}) if mandate is not None and WITHDRAW in mandate.powers else frozenset()
    return Resource("Order", order.order_id, order.version, owner=order.participant_id, agents=agents)


def _why_broker_stays(broker: Investor | None) -> Problem | None:
    return BrokerMustBeActive() if broker is None or why_orders_stay(broker) is not None else None


def _is_own(order: Order, actor: Actor) -> bool:
    """Whether the actor may be at it at all: its own, or placed by it."""
    own = actor.participant_id
    return own is not None and own in (order.participant_id, order.broker_id)


def _refused(order_id: UUID, problem: Problem) -> WithdrawnOrder:
    return WithdrawnOrder(order_id=order_id, outcome=WithdrawalAnswer.refused, refusal=refusal_of(problem))
