"""Use case: place orders to acquire units; each is answered, and an accepted one has its price reserved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import OrderAnswer, OrdersPlaced, PlacedOrder, Refusal
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken, Problem, ensure
from kapital.kernel.states import Step
from kapital.platform.access import Resource
from kapital.platform.acts.form import SignedAct
from kapital.platform.acts.records import keep_acts
from kapital.platform.context import note_asked, note_replay
from kapital.platform.failpoints import failpoint
from kapital.platform.ids import new_uuid7
from kapital.platform.problems import IdempotencyKeyReused
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.mandate import told_to_a_broker, why_no_mandate
from kapital.tokenization.domain.order import Order, why_closed, why_refused
from kapital.tokenization.domain.problems import BatchTooLarge, IssueNotFound
from kapital.tokenization.domain.problems_mandate import MandateMustBeInForce
from kapital.tokenization.domain.states import ORDER, PUBLIC, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.awaiting import MayAwait, who_may_await
from kapital.tokenization.use_cases.brokers import Days, any_as_agent, as_agent, days_of
from kapital.tokenization.use_cases.decide_orders import decide_orders
from kapital.tokenization.use_cases.order_acts import OrderAct, OrderActs, check_order_acts
from kapital.tokenization.use_cases.refusals import refusal_of, refusal_of_code
from kapital.tokenization.use_cases.retail_limit import Asked, Judged, judge, note_changes
from kapital.tokenization.use_cases.steps import audit_new_orders

ORDERS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """`units` is the whole quantity wanted, at the price of the decision.

    `max_price_kopecks`: the most that is paid for a unit, where the price follows a quote; `funds_until_at`: the
    first instant at which the order awaits its money no more, if it may await it at all; `for_participant_id`: the
    principal, by whose mandate a broker orders. Left out they are UNSET, so that the fingerprint of an order without
    them is what it always was.
    """

    issue_id: UUID
    units: int
    max_price_kopecks: int | UnsetType = UNSET
    funds_until_at: datetime | UnsetType = UNSET
    for_participant_id: UUID | UnsetType = UNSET

    @property
    def principal(self) -> UUID | None:
        """For whom a broker orders, or None: the order is the actor's own."""
        return None if isinstance(self.for_participant_id, UnsetType) else self.for_participant_id

    @property
    def price_cap(self) -> int | None:
        """The greatest price, or None."""
        return None if isinstance(self.max_price_kopecks, UnsetType) else self.max_price_kopecks

    @property
    def cut_off(self) -> datetime | None:
        """Until when it awaits its money, in UTC, or None."""
        return None if isinstance(self.funds_until_at, UnsetType) else self.funds_until_at.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrders:
    """Shape: 1 to 1,000 orders, of the actor's own participant or, of a broker, of its principals."""

    command_id: CommandId
    actor: Actor
    orders: tuple[NewOrder, ...]
    signed_act: SignedAct | None = None


_Key = tuple[str, str]


class Placed(NamedTuple):
    """The answer to one command; `replayed` when its orders were there before."""

    answer: OrdersPlaced | Problem
    replayed: bool

    def answered(self) -> OrdersPlaced:
        """The answer, noted as a replay when it is one; the refusal raised. The batch asked for permission."""
        note_asked("place_orders")
        if isinstance(self.answer, Problem):
            raise self.answer
        if self.replayed:
            note_replay()
        return self.answer


async def place_orders(cmd: PlaceOrders, *, parts: Parts) -> OrdersPlaced:
    """Place the orders of one command.

    Raises: NotPermitted, BatchTooLarge, refusals of acts, IdempotencyKeyReused.
    """
    return (await place_many([cmd], parts=parts))[0].answered()


async def place_many(cmds: Sequence[PlaceOrders], *, parts: Parts) -> list[Placed]:
    """Place the orders of several commands at once: what the batcher calls.

    The life of an order (architecture.md 4): checked and kept in one transaction; reserved in the ledger by one call,
    under ids derived from the orders; accepted or turned away in another transaction, under the issue's row lock.
    A refused command or order spoils no other. A signature that does not hold refuses its command; one that waits for
    its check leaves the orders SIGNED and `pending`. An order with a cut-off for which there is too little money
    awaits it (`fund_orders`, `expire_orders`).
    A broker's order for a principal is the principal's: its wallet, its standing and its limits are asked, and what
    they refuse is one neutral code for the broker (115-FZ art. 4). Of the broker are asked its own standing and its
    mandate; an order without one is refused, and is none of the principal's.
    Law: 259-FZ art. 3; domain.md 1.3 (eligibility at the order; no reserve, no acceptance).
    Promise: a crash after the first transaction leaves orders CHECKED; a repeat of the command, or `resume_orders`,
    brings them to the same end under the same ids. A repeat of an answered command gives the same answer.
    """
    marks = [fingerprint(cmd) for cmd in cmds]
    answers: list[OrdersPlaced | Problem | None] = [_why_malformed(cmd) for cmd in cmds]
    acts, refusals = await check_order_acts(
        [cmd for cmd, no in zip(cmds, answers, strict=True) if not no], parts=parts
    )
    answers = [answer or refusals.get(_key(cmd)) for cmd, answer in zip(cmds, answers, strict=True)]
    good = [index for index, answer in enumerate(answers) if answer is None]
    known: set[_Key] = set()
    if good:
        kept = await _keep([cmds[index] for index in good], [marks[index] for index in good], acts, parts)
        placed, known = kept.orders, kept.known
        undecided = [order for items in placed.values() for order in items.values() if _is_undecided(order)]
        failpoint("tokenization.order.kept")
        decided = await decide_orders(undecided, parts=parts)
        failpoint("tokenization.order.decided")
        for index in good:
            answers[index] = kept.refused.get(_key(cmds[index])) or _answer(
                cmds[index], marks[index], placed, decided
            )
    return [Placed(_certain(answer), _key(cmd) in known) for cmd, answer in zip(cmds, answers, strict=True)]


class _Kept(NamedTuple):
    """What is kept for commands, by item; which had some before; which the access policies refused."""

    orders: dict[_Key, dict[int, Order]]
    known: set[_Key]
    refused: dict[_Key, Problem]


def _why_malformed(cmd: PlaceOrders) -> Problem | None:
    if not 1 <= len(cmd.orders) <= ORDERS_MAX:
        return BatchTooLarge(facts={"count": len(cmd.orders), "limit": ORDERS_MAX})
    return None


async def _keep(cmds: Sequence[PlaceOrders], marks: Sequence[str], acts: OrderActs, parts: Parts) -> _Kept:
    """Insert the orders that are new and permitted; return all that are kept for the commands."""
    keys = [_key(cmd) for cmd in cmds]
    refused: dict[_Key, Problem] = {}
    async with parts.uow.begin() as tx:
        kept = _by_item(await parts.orders.of_commands(tx.conn, keys))
        new = [cmd for cmd in cmds if _key(cmd) not in kept]
        own = {who for cmd in new if (who := cmd.actor.participant_id) is not None}
        days = await days_of(tx, parts, {pair for cmd in new for pair in _pairs(cmd)}, own)
        for cmd in new:
            if (problem := _why_not_permitted(tx, cmd, days)) is not None:
                refused[_key(cmd)] = problem
        done = kept.keys() | refused.keys()
        fresh = [(cmd, mark) for cmd, mark in zip(cmds, marks, strict=True) if _key(cmd) not in done]
        born = await _born(tx, parts, fresh, acts, days)
        inserted = await parts.orders.add(tx.conn, [order for order, _ in born])
        own_born = born if len(inserted) == len(born) else [one for one in born if one[0].order_id in inserted]
        await note_changes(tx, parts, ((None, order) for order, _ in own_born))
        await keep_acts(tx.conn, [acts[_key(cmd)].record for cmd, _ in fresh if _key(cmd) in acts])
        actors = {cmd.actor.id: cmd.actor for cmd in cmds}
        await audit_new_orders(tx, parts, own_born, actors)
    if len(inserted) == len(born):
        known = set(kept)
        all_kept = [*(order for items in kept.values() for order in items.values()), *(o for o, _ in born)]
        return _Kept(_by_item(all_kept), known, refused)
    # Another process kept the same command meanwhile: what it kept counts.
    known = set(kept) | {(o.actor_id, o.command_id) for o, _ in born if o.order_id not in inserted}
    async with parts.database.connect() as conn:
        return _Kept(_by_item(await parts.orders.of_commands(conn, keys)), known, refused)


def _pairs(cmd: PlaceOrders) -> set[tuple[UUID, UUID]]:
    """The broker and each of its principals that a command names."""
    broker = cmd.actor.participant_id
    return set() if broker is None else {(broker, new.principal) for new in cmd.orders if new.principal is not None}


def _why_not_permitted(tx: Transaction, cmd: PlaceOrders, days: Days) -> Problem | None:
    """Why the policies let the actor place none of the orders. A mandate that is missing refuses its orders alone."""
    own = cmd.actor.participant_id
    if own is None or any(new.principal is None for new in cmd.orders):
        problem = tx.access.why_not(cmd.actor, "place_orders", Resource("Order", owner=own))
        if problem is not None or own is None:
            return problem
    for broker, principal in sorted(_pairs(cmd)):
        order = as_agent(principal, broker, days.of(broker, principal))
        hidden, agent = MandateMustBeInForce, any_as_agent(broker)
        problem = tx.access.why_not(cmd.actor, "place_orders", order, hidden=hidden, own=agent)
        if problem is not None and not isinstance(problem, hidden):
            return problem
    return None


async def _born(
    tx: Transaction, parts: Parts, cmds: Sequence[tuple[PlaceOrders, str]], acts: OrderActs, days: Days
) -> list[tuple[Order, Step[OrderState]]]:
    issues = await parts.issues.read(tx.conn, {new.issue_id for cmd, _ in cmds for new in cmd.orders})
    concerned = {who for cmd, _ in cmds for new in cmd.orders for who in (_participant(cmd), new.principal)}
    people = await parts.investors.read(tx.conn, {who for who in concerned if who is not None})
    rule_book = await parts.rule_book_for_orders(tx.conn)
    may_await = await who_may_await(tx, parts, [cmd for cmd, _ in cmds])
    born = []
    for cmd, mark in cmds:
        for item, new in enumerate(cmd.orders):
            issue = issues.get(new.issue_id)
            if issue is not None and issue.state in PUBLIC:
                act = acts.get(_key(cmd))
                born.append(_first_step(tx, cmd, mark, item, issue, people, act, rule_book, may_await, days))
    return await _within_limits(tx, parts, born, issues, people, days)


async def _within_limits(
    tx: Transaction,
    parts: Parts,
    born: Sequence[tuple[Order, Step[OrderState]]],
    issues: Mapping[UUID, Issue],
    people: Mapping[UUID, Investor],
    days: Days,
) -> list[tuple[Order, Step[OrderState]]]:
    """The same orders; those that go on take of their investor's year and their mandate's day, or are refused."""
    asked = [
        Asked(
            order.order_id,
            people[order.participant_id],
            issues[order.issue_id],
            order.reserved_kopecks,
            days.of(order.broker_id, order.participant_id),
        )
        for order, _ in born
        if order.state is OrderState.CHECKED
    ]
    judged = await judge(tx, parts, asked, days)
    return [_judged(order, step, judged.get(order.order_id)) for order, step in born]


def _judged(order: Order, step: Step[OrderState], said: Judged | None) -> tuple[Order, Step[OrderState]]:
    if said is None:
        return order, step
    if said.problem is None:
        return msgspec.structs.replace(order, **said.taken), step
    refused = ORDER.step(step.source, "refused")
    return (
        msgspec.structs.replace(
            order,
            state=refused.target,
            reserved_kopecks=0,
            refusal_code=said.problem.code,
            refusal_detail=said.problem.detail,
            refusal_facts=said.problem.facts,
        ),
        refused,
    )


def _first_step(
    tx: Transaction,
    cmd: PlaceOrders,
    mark: str,
    item: int,
    issue: Issue,
    people: Mapping[UUID, Investor],
    act: OrderAct | None,
    rule_book: str,
    may_await: MayAwait,
    days: Days,
) -> tuple[Order, Step[OrderState]]:
    new, own = cmd.orders[item], _participant(cmd)
    units, cap, until = new.units, new.price_cap, new.cut_off
    whose = new.principal or own
    investor, broker_id = people.get(whose), None if new.principal is None else own
    mandate = days.of(broker_id, whose)
    # Who has no mandate waits for no authority: its signature decides nothing.
    waits = act is not None and act.waits and (broker_id is None or mandate is not None)
    refusal: Problem | None = None
    if broker_id is not None:
        refusal = why_closed(issue, tx.now) or why_no_mandate(mandate, people.get(broker_id), tx.now, rule_book)
    if refusal is None:
        refusal = why_refused(issue, investor, units, tx.now, rule_book=rule_book, max_price_kopecks=cap)
        refusal = refusal or may_await.why_not(whose, issue, until)
        refusal = refusal if broker_id is None else told_to_a_broker(refusal)
    problem = None if waits else refusal
    step = ORDER.step(OrderState.CREATED, "signed") if waits else _step_of(act, problem)
    order = Order(
        order_id=new_uuid7(),
        issue_id=issue.issue_id,
        participant_id=whose,
        wallet_id=investor.wallet_id if investor else None,
        units=units,
        reserved_kopecks=issue.reserved_for(units, cap) if problem is None and not waits else 0,
        state=step.target,
        version=1,
        actor_id=cmd.actor.id,
        command_id=cmd.command_id,
        item=item,
        fingerprint=mark,
        created_at=tx.now,
        refusal_code=problem.code if problem else None,
        refusal_detail=problem.detail if problem else None,
        refusal_facts=problem.facts if problem else None,
        act_file_sha256=act.record.file_sha256 if act else None,
        max_price_kopecks=cap,
        rule_book_version=investor.rule_book_version if investor else None,
        funds_until_at=until,
        broker_id=broker_id,
        mandate_id=mandate.mandate_id if mandate else None,
    )
    return order, step


def _step_of(act: OrderAct | None, problem: Problem | None) -> Step[OrderState]:
    """The step after which the order is kept. A signature that waits for its check stops it in SIGNED before."""
    source = OrderState.CREATED if act is None else OrderState.SIGNED
    return ORDER.step(source, "checked" if problem is None else "refused")


def _answer(
    cmd: PlaceOrders,
    mark: str,
    placed: Mapping[_Key, Mapping[int, Order]],
    decided: Mapping[UUID, Order],
) -> OrdersPlaced | Problem:
    kept = placed.get(_key(cmd), {})
    if any(order.fingerprint != mark for order in kept.values()):
        return IdempotencyKeyReused("the same key was used for other orders")
    items = []
    for item in range(len(cmd.orders)):
        order = kept.get(item)
        if order is None:
            items.append(PlacedOrder(outcome=OrderAnswer.refused, refusal=refusal_of(IssueNotFound())))
        else:
            items.append(_told(decided.get(order.order_id, order)))
    return OrdersPlaced(items=items)


def _told(order: Order) -> PlacedOrder:
    """The answer that the order got, from what never changes of it: later steps do not alter a replay."""
    if order.awaited_at is not None:
        return PlacedOrder(
            outcome=OrderAnswer.awaiting_funds,
            order_id=order.order_id,
            awaited_kopecks=order.reserved_kopecks,
            funds_until_at=unset_if_none(order.funds_until_at),
        )
    if order.accepted_at is not None and order.reserve_seq is not None:
        return PlacedOrder(
            outcome=OrderAnswer.accepted,
            order_id=order.order_id,
            reserved_kopecks=order.reserved_kopecks,
            accepted_seq=order.reserve_seq,
            accepted_at=order.accepted_at,
        )
    if order.refusal_code is None:
        return PlacedOrder(outcome=OrderAnswer.pending, order_id=order.order_id)
    return PlacedOrder(outcome=OrderAnswer.refused, order_id=order.order_id, refusal=_refusal_of_order(order))


def _refusal_of_order(order: Order) -> Refusal:
    ensure(order.refusal_code is not None, "a refused order has its code")
    return refusal_of_code(str(order.refusal_code), order.refusal_detail or "", order.refusal_facts or {})


def _is_undecided(order: Order) -> bool:
    return order.state is OrderState.CHECKED


def _key(cmd: PlaceOrders) -> _Key:
    return cmd.actor.id, cmd.command_id


def _participant(cmd: PlaceOrders) -> UUID:
    if cmd.actor.participant_id is None:
        raise InvariantBroken("an investor is a participant")
    return cmd.actor.participant_id


def _by_item(orders: Sequence[Order]) -> dict[_Key, dict[int, Order]]:
    found: dict[_Key, dict[int, Order]] = {}
    for order in orders:
        found.setdefault((order.actor_id, order.command_id), {})[order.item] = order
    return found


def _certain(answer: OrdersPlaced | Problem | None) -> OrdersPlaced | Problem:
    if answer is None:
        raise InvariantBroken("every command is answered")
    return answer
