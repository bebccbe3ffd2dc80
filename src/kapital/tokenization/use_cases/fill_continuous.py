"""Fill the orders of continuous placements: units are issued while orders are still taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.allocation import Outcome, allocate
from kapital.tokenization.domain.events import LINES_PER_PART, allocation_decided
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.states import PLACEMENT_LIVE
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.apart import apart
from kapital.tokenization.use_cases.close_placements import (
    fill_rows,
    filled_on,
    limit_after,
    line_of,
    live_order,
)
from kapital.tokenization.use_cases.recheck_acts import recheck_acts, to_recheck
from kapital.tokenization.use_cases.standing import who_may_be_filled
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_orders, tell

_BATCH = 500


async def fill_continuous(now: datetime, *, parts: Parts) -> int:
    """Fill what can be filled now, in order of time and at the price of this moment; returns how many orders were.

    A placement that two persons suspended fills nothing until two persons resume it; one that is full goes on.
    An order that the price or the limit keeps stays accepted and is tried again; what is left at the close is decided
    there. Nothing is filled before the orders reach the least quantity of the decision.
    Law: domain.md 3.3 (continuous issue: placement and circulation together, orders filled at quote).
    Promise: decided under the issue's row lock by the decision, the orders and the quotes published by then; done
    once for each order, whoever calls it how often.
    """
    async with parts.database.connect() as conn:
        due = await parts.issues.due_to_fill(conn, now, _BATCH)
    if not due:
        return 0
    await recheck_acts(due, parts=parts)
    with apart("continuous_fill") as steps:
        return sum([await steps.take(issue.issue_id, _fill_one(parts, issue.issue_id, now)) for issue in due])


async def _fill_one(parts: Parts, issue_id: UUID, now: datetime) -> int:
    async with parts.uow.begin() as tx:
        return await _fill(tx, parts, issue_id, now)


async def _fill(tx: Transaction, parts: Parts, issue_id: UUID, now: datetime) -> int:
    issue = (await parts.issues.lock(tx.conn, [issue_id]))[issue_id]
    if not _is_due(issue, now) or await parts.reviews.issues_open(tx.conn, to_recheck([issue], parts)):
        return 0
    orders = await parts.orders.accepted(tx.conn, [issue_id])
    standing = await who_may_be_filled(tx, parts, [issue], {issue_id: orders}, {issue_id: now})
    terms = load_terms((await parts.issues.decisions(tx.conn, [issue_id]))[issue_id].terms)
    live = [live_order(order) for order in standing.orders[issue_id]]
    allocation = allocate(terms, live, already=issue.allocated_units)
    given = {fill.order_id: fill.units for fill in allocation.fills if fill.units}
    if allocation.outcome is not Outcome.HELD or not given:
        if issue.fill_every_s:
            await parts.issues.save(tx.conn, [issue.changed(fill_at=_next(issue, now))])
        return 0
    got = [order for order in orders if order.order_id in given]
    lines = [line_of(order, given[order.order_id], standing.prices[issue_id]) for order in got]
    moves: list[tuple[Order, str, Mapping[str, Any]]] = [
        (
            order,
            filled_on(order, line["units"]),
            limit_after(order, standing.counted.get(order.order_id), line["pay_kopecks"]),
        )
        for order, line in zip(got, lines, strict=True)
    ]
    allocated = await move_orders(tx, parts, moves)
    await move_orders(tx, parts, [(order, "settlement_started", {}) for order in allocated])
    await parts.orders.add_fills(tx.conn, fill_rows(issue, lines))
    await _tell(tx, parts, issue, lines, now)
    return len(got)


def _is_due(issue: Issue, now: datetime) -> bool:
    return (
        issue.state in PLACEMENT_LIVE
        and not issue.stopped_by_operator
        and not issue.is_over(now)
        and issue.fill_every_s is not None
        and issue.fill_at is not None
        and issue.fill_at <= now
    )


def _next(issue: Issue, now: datetime) -> datetime:
    return now + timedelta(seconds=issue.fill_every_s or 0)


async def _tell(
    tx: Transaction, parts: Parts, issue: Issue, lines: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    ensure(issue.issuer_wallet_id is not None, "a published issue has its issuer's wallet")
    units = sum(line["units"] for line in lines)
    paid = sum(line["pay_kopecks"] for line in lines)
    ensure(issue.allocated_units + units <= issue.quantity_max, "no more is allocated than the decision allows")
    facts = allocation_decided(
        issue_id=issue.issue_id,
        issuer_wallet_id=UUID(str(issue.issuer_wallet_id)),
        outcome=Outcome.HELD.value,
        lines=lines,
        told_parts=issue.allocation_parts,
    )
    await tell(tx, facts)
    parts_told = -(-len(lines) // LINES_PER_PART)
    changed = issue.changed(
        allocated_units=issue.allocated_units + units,
        paid_kopecks=issue.paid_kopecks + paid,
        allocation_parts=issue.allocation_parts + parts_told,
        fill_at=_next(issue, now),
    )
    await parts.issues.save(tx.conn, [changed])
    await tx.audit.append(
        "tokenization.orders_filled",
        issue.issue_id,
        SMART_CONTRACT,
        basis={"decision_sha256": issue.decision_sha256, "rule_book_version": parts.rule_book_version},
        after={
            "orders": len(lines),
            "allocated_units": changed.allocated_units,
            "paid_kopecks": changed.paid_kopecks,
        },
    )
