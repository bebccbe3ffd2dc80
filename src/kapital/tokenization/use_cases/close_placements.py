"""Close the placements whose time is over, decide whether the issue was held, and allocate."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.platform.failpoints import failpoint
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.allocation import LiveOrder, Outcome, allocate
from kapital.tokenization.domain.events import LINES_PER_PART, allocation_decided
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.states import PLACEMENT_LIVE
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.circulation import begin_circulation
from kapital.tokenization.use_cases.decide_orders import decide_orders
from kapital.tokenization.use_cases.recheck_acts import recheck_acts, to_recheck
from kapital.tokenization.use_cases.retail_limit import Judged
from kapital.tokenization.use_cases.standing import Standing, who_may_be_filled
from kapital.tokenization.use_cases.steps import SCHEDULER, SMART_CONTRACT, move_issues, tell, walk_orders

_BATCH = 500
_ORDERS_PER_TRANSACTION = 20_000
_UNDECIDED_BATCH = 1000


async def close_placements(now: datetime, *, parts: Parts) -> int:
    """Close every placement whose end has come; returns how many were closed.

    First the orders that are on their way are decided: a reserve recorded before the end counts, whenever this runs.
    An issue with an order still undecided, or held for a review of its signature, is left for a later call: what
    others get depends on it.
    Law: domain.md 1.3 (held or failed by the decision's condition; eligibility looked at again).
    Promise: a pure function of the decision, the live orders and what is known of their investors at the end of the
    placement; done once, under the issue's row lock; calling again changes nothing.
    """
    closed = 0
    while True:
        async with parts.database.connect() as conn:
            due = await parts.issues.due_to_close(conn, now, _BATCH)
        if not due:
            return closed
        await _decide_in_flight([issue.issue_id for issue in due], parts)
        await recheck_acts(due, parts=parts)
        done = 0
        for group in _groups(due):
            async with parts.uow.begin() as tx:
                done += await _close_group(tx, parts, [issue.issue_id for issue in group], now)
            failpoint("tokenization.placement.closed")
        closed += done
        if done < len(due):
            return closed


async def _decide_in_flight(issue_ids: Sequence[UUID], parts: Parts) -> None:
    async with parts.database.connect() as conn:
        waiting = await parts.orders.undecided_of(conn, issue_ids, _UNDECIDED_BATCH)
    while waiting:
        await decide_orders(waiting, parts=parts)
        seen = {order.order_id for order in waiting}
        async with parts.database.connect() as conn:
            waiting = await parts.orders.undecided_of(conn, issue_ids, _UNDECIDED_BATCH)
        waiting = [order for order in waiting if order.order_id not in seen]


def _groups(issues: Sequence[Issue]) -> Iterator[list[Issue]]:
    """Neighbours whose orders fit one transaction together; a larger issue stands alone."""
    group: list[Issue] = []
    orders = 0
    for issue in issues:
        if group and orders + issue.accepted_orders > _ORDERS_PER_TRANSACTION:
            yield group
            group, orders = [], 0
        group.append(issue)
        orders += issue.accepted_orders
    if group:
        yield group


async def _close_group(tx: Transaction, parts: Parts, ids: Sequence[UUID], now: datetime) -> int:
    locked = await parts.issues.lock(tx.conn, ids)
    busy = await parts.orders.issues_undecided(tx.conn, ids)
    busy |= await parts.reviews.issues_open(tx.conn, to_recheck(locked.values(), parts))
    ready = [
        issue
        for issue in locked.values()
        if issue.state in PLACEMENT_LIVE and issue.is_over(now) and issue.issue_id not in busy
    ]
    if not ready:
        return 0
    orders = _by_issue(await parts.orders.accepted(tx.conn, [issue.issue_id for issue in ready]))
    units, standing = await _allocate(tx, parts, ready, orders)
    closed = await move_issues(
        tx, parts, [(issue, "closed", {"closed_at": tx.now}) for issue in ready], actor=SCHEDULER
    )
    await _decide(tx, parts, closed, orders, units, standing)
    return len(ready)


async def _allocate(
    tx: Transaction, parts: Parts, issues: Sequence[Issue], orders: Mapping[UUID, Sequence[Order]]
) -> tuple[dict[UUID, tuple[Outcome, dict[UUID, int]]], Standing]:
    """Outcome and units by order for each issue, and what they rest on."""
    decisions = await parts.issues.decisions(tx.conn, [issue.issue_id for issue in issues])
    # At the end of the placement, not at the instant of this call: it must not matter when the schedule runs.
    at = {issue.issue_id: issue.ends_at for issue in issues}
    standing = await who_may_be_filled(tx, parts, issues, orders, at)
    decided = {}
    for issue in issues:
        live = [live_order(order) for order in standing.orders[issue.issue_id]]
        terms = load_terms(decisions[issue.issue_id].terms)
        allocation = allocate(terms, live, already=issue.allocated_units)
        decided[issue.issue_id] = (
            allocation.outcome,
            {fill.order_id: fill.units for fill in allocation.fills},
        )
    return decided, standing


def live_order(order: Order) -> LiveOrder:
    """An accepted order as the allocation sees it."""
    ensure(order.reserve_seq is not None and order.wallet_id is not None, "an accepted order has its reserve")
    return LiveOrder(
        order_id=order.order_id,
        wallet_id=UUID(str(order.wallet_id)),
        units=order.units,
        accepted_seq=int(order.reserve_seq or 0),
    )


async def _decide(
    tx: Transaction,
    parts: Parts,
    issues: Sequence[Issue],
    orders: Mapping[UUID, Sequence[Order]],
    units: Mapping[UUID, tuple[Outcome, Mapping[UUID, int]]],
    standing: Standing,
) -> None:
    decided_moves: list[tuple[Issue, str, Mapping[str, Any]]] = []
    order_walks: list[tuple[Order, Sequence[str], Mapping[str, Any]]] = []
    lines: dict[UUID, list[dict[str, Any]]] = {}
    for issue in issues:
        outcome, given = units[issue.issue_id]
        of_issue = orders.get(issue.issue_id, ())
        price = standing.prices.get(issue.issue_id, 0)
        lines[issue.issue_id] = [line_of(order, given.get(order.order_id, 0), price) for order in of_issue]
        total = issue.allocated_units + sum(given.values())
        ensure(total <= issue.quantity_max, "no more is allocated than the decision allows")
        on = "minimum_reached" if outcome is Outcome.HELD else "minimum_missed"
        paid = issue.paid_kopecks + sum(line["pay_kopecks"] for line in lines[issue.issue_id])
        changes = {"allocated_units": total, "paid_kopecks": paid}
        decided_moves.append((issue, on, changes))
        for order, line in zip(of_issue, lines[issue.issue_id], strict=True):
            limit = limit_after(order, standing.counted.get(order.order_id), line["pay_kopecks"])
            onward = "settlement_started" if line["units"] else "refund_started"
            order_walks.append((order, (filled_on(order, line["units"]), onward), limit))
    decided = await move_issues(tx, parts, decided_moves, actor=SMART_CONTRACT)
    await walk_orders(tx, parts, order_walks)
    for issue in decided:
        await parts.orders.add_fills(tx.conn, fill_rows(issue, lines[issue.issue_id]))
    await _start_settlement(tx, parts, decided, lines, {i: units[i][0] for i in units})


async def _start_settlement(
    tx: Transaction,
    parts: Parts,
    issues: Sequence[Issue],
    lines: Mapping[UUID, Sequence[Mapping[str, Any]]],
    outcomes: Mapping[UUID, Outcome],
) -> None:
    held = {issue.issue_id for issue in issues if outcomes[issue.issue_id] is Outcome.HELD}
    moves: list[tuple[Issue, str, Mapping[str, Any]]] = [
        (i, "settlement_started" if i.issue_id in held else "refund_started", {}) for i in issues
    ]
    for issue in await move_issues(tx, parts, moves, actor=SMART_CONTRACT):
        if not lines[issue.issue_id]:
            # Nobody had ordered, or a continuous placement had filled everybody: settlement is not asked, and what
            # it still works on begins the circulation when it is done.
            if issue.issue_id in held:
                if not await parts.orders.any_unsettled(tx.conn, issue.issue_id):
                    await begin_circulation(tx, parts, issue)
            else:
                await move_issues(tx, parts, [(issue, "refunded", {})], actor=SMART_CONTRACT)
            continue
        ensure(issue.issuer_wallet_id is not None, "a published issue has its issuer's wallet")
        facts = allocation_decided(
            issue_id=issue.issue_id,
            issuer_wallet_id=UUID(str(issue.issuer_wallet_id)),
            outcome=outcomes[issue.issue_id].value,
            lines=lines[issue.issue_id],
            told_parts=issue.allocation_parts,
        )
        await tell(tx, facts)


def limit_after(order: Order, said: Judged | None, pay_kopecks: int) -> dict[str, Any]:
    """What the order counts under the limits from now on: what is paid, or nothing outside of the yearly limit."""
    of_mandate = {} if order.mandate_id is None else {"mandate_kopecks": pay_kopecks}
    if said is None or said.problem is not None:
        return {"limit_kopecks": 0, **of_mandate}
    return {"limit_kopecks": pay_kopecks, "limit_on": said.limit_on, **of_mandate}


def line_of(order: Order, units: int, price_kopecks: int) -> dict[str, Any]:
    """What settlement is told of one order: units at a price, and the rest of the reserve back."""
    pay = units * price_kopecks
    ensure(0 <= pay <= order.reserved_kopecks, "an order pays no more than was reserved")
    agreed = {} if order.rule_book_version is None else {"rule_book_version": order.rule_book_version}
    return {
        "order_id": order.order_id,
        "wallet_id": order.wallet_id,
        "units": units,
        "pay_kopecks": pay,
        "refund_kopecks": order.reserved_kopecks - pay,
        "reserved_kopecks": order.reserved_kopecks,
        **agreed,
    }


def fill_rows(issue: Issue, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows that keep what each order got, with the part of the allocation in which settlement is told of it."""
    names = ("order_id", "units", "pay_kopecks", "refund_kopecks")
    first = issue.allocation_parts + 1
    return [
        {**{name: line[name] for name in names}, "issue_id": issue.issue_id, "part": first + index // LINES_PER_PART}
        for index, line in enumerate(lines)
    ]


def filled_on(order: Order, units: int) -> str:
    """The step that an order makes by so many units."""
    if units == 0:
        return "not_filled"
    return "filled" if units == order.units else "filled_in_part"


def _by_issue(orders: Sequence[Order]) -> dict[UUID, list[Order]]:
    found: dict[UUID, list[Order]] = {}
    for order in orders:
        found.setdefault(order.issue_id, []).append(order)
    return found
