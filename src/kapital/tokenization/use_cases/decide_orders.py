"""Reserve the price of orders in the ledger, then accept, turn away or let them await it under the issue's row lock.

An order that awaits its money goes the same way as an ordinary one, once it was written down that the ledger is
asked for it (`Order.reserve_asked`): what was asked and not answered is found again after a crash, and neither a
cut-off nor a withdrawal passes it by.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7, id_text
from kapital.kernel.problems import InvariantBroken, Problem
from kapital.ledger.api import (
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    Position,
    Posting,
    Refused,
    money_asset,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.failpoints import failpoint
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.awaiting import may_await
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order, why_closed
from kapital.tokenization.domain.problems import (
    OrderMoneyInsufficient,
    ParticipantMustBeActive,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.states import IssueState, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.ledger_calls import post_in_calls
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issues, walk_orders

_FROZEN = "wallet_debits_frozen"
"""The ledger's code. 115-FZ forbids telling a client of a freeze, of whatever scope."""
_RESERVE = "reserve"
_RELEASE = "release"


async def decide_orders(orders: Iterable[Order], *, parts: Parts) -> dict[UUID, Order]:
    """Decide orders that were seen under way and return how they stand; others are returned as they are.

    Promise: may be called for the same orders by several processes at once, and again after a crash at any line:
    the ledger knows each reserve by an id derived from the order, and the decision is made once, under the lock of
    the issue's row.
    """
    seen = {order.order_id: order for order in orders}
    waiting = [order for order in seen.values() if order.is_under_way]
    if not waiting:
        return seen
    answers = await _post(parts, waiting, reserve_record)
    failpoint("tokenization.order.reserved")
    async with parts.uow.begin() as tx:
        decided = seen | await _decide(tx, parts, waiting, answers)
    await release_reserves([order for order in decided.values() if order.release_due], parts=parts)
    return decided


async def release_reserves(orders: Sequence[Order], *, parts: Parts) -> None:
    """Give the reserves of withdrawn and turned-away orders back; what the ledger refuses stays due."""
    if not orders:
        return
    answers = await _post(parts, orders, release_record)
    entries = {order_id: answer.seq for order_id, answer in answers.items() if isinstance(answer, Committed)}
    async with parts.uow.begin() as tx:
        await parts.orders.note_released(tx.conn, entries)


def reserve_record(order: Order) -> LedgerTransaction:
    """The order's price from available to reserved money."""
    return _record(order, _RESERVE, Position.AVAILABLE, Position.RESERVED)


def release_record(order: Order) -> LedgerTransaction:
    """The whole reserve back to available money."""
    return _record(order, _RELEASE, Position.RESERVED, Position.AVAILABLE)


def _record(order: Order, purpose: str, source: Position, target: Position) -> LedgerTransaction:
    wallet, money = order.wallet_id, money_asset()
    if wallet is None:
        raise InvariantBroken("a checked order has its wallet")
    return LedgerTransaction(
        id=derive_uuid7(order.order_id, purpose),
        actor=order.actor_id,
        basis=Basis(
            kind=BasisKind.ORDER, reference=f"order/{id_text(order.order_id)}", document_sha256=order.act_file_sha256
        ),
        postings=(
            Posting(AccountKey(money, source, wallet), -order.reserved_kopecks),
            Posting(AccountKey(money, target, wallet), order.reserved_kopecks),
        ),
        rule_book_version=order.rule_book_version,
    )


async def _post(
    parts: Parts, orders: Sequence[Order], record_of: Callable[[Order], LedgerTransaction]
) -> dict[UUID, Committed | Refused]:
    """Post a record for each order; the ledger's answers by order id."""
    answers = [answer async for some in post_in_calls([record_of(o) for o in orders], parts) for answer in some]
    return {order.order_id: answer for order, answer in zip(orders, answers, strict=True)}


async def _decide(
    tx: Transaction, parts: Parts, waiting: Sequence[Order], answers: Mapping[UUID, Committed | Refused]
) -> dict[UUID, Order]:
    issues = await parts.issues.lock(tx.conn, {order.issue_id for order in waiting})
    versions = await parts.orders.versions(tx.conn, [order.order_id for order in waiting])
    # Another process may have decided some meanwhile. No other can while the issues' rows are ours.
    open_orders = [order for order in waiting if versions.get(order.order_id) == order.version]
    changed = [order.order_id for order in waiting if versions.get(order.order_id) != order.version]
    awaiting = [order.order_id for order in open_orders if order.awaited_at is not None]
    # Whoever hears of money writes to rows that await it without the issue's: both take them in order of their ids.
    kept = await parts.orders.lock(tx.conn, [*changed, *awaiting]) if changed or awaiting else {}
    already = await _already_decided(tx, parts, [kept[order_id] for order_id in changed], answers)
    walks: list[tuple[Order, Sequence[str], Mapping[str, Any]]] = []
    unfunded: list[Order] = []
    for order in sorted(open_orders, key=lambda order: _priority(answers[order.order_id])):
        issue = issues[order.issue_id]
        steps, changes = _verdict(issue, order, answers[order.order_id], tx.now)
        if not steps:
            unfunded.append(order.still(reserve_asked=False))
            continue
        walks.append((order, steps, changes))
        if "accepted_at" in changes:
            issues[order.issue_id] = _with_order(issue, order)
    await _save_issues(tx, parts, issues, {order.issue_id for order, _, changes in walks if "accepted_at" in changes})
    moved = await walk_orders(tx, parts, walks)
    await parts.orders.save(tx.conn, unfunded, {"reserve_asked"})
    return already | {order.order_id: order for order in (*moved, *unfunded)}


async def _already_decided(
    tx: Transaction, parts: Parts, kept: Sequence[Order], answers: Mapping[UUID, Committed | Refused]
) -> dict[UUID, Order]:
    """Orders that another process decided meanwhile, as they stand.

    That one may have been refused by the ledger, and money come before we asked: then there is a reserve that no row
    tells of. It is written down here: the ledger is asked again for an order that awaits money – whoever is about to
    write down a refusal finds another version –, and of an order that is over the reserve goes back.
    """
    found: list[Order] = []
    for order in kept:
        answer = answers[order.order_id]
        if isinstance(answer, Committed) and order.reserve_seq is None:
            reserve = {"reserve_seq": answer.seq, "reserved_at": answer.recorded_at, "release_due": True}
            awaits = order.state is OrderState.AWAITING_FUNDS
            found.append(order.still(**({"reserve_asked": True} if awaits else reserve)))
    await parts.orders.save(tx.conn, found, {"reserve_seq", "reserved_at", "release_due", "reserve_asked"})
    return {order.order_id: order for order in (*kept, *found)}


def _verdict(
    issue: Issue, order: Order, answer: Committed | Refused, now: datetime
) -> tuple[Sequence[str], Mapping[str, Any]]:
    """The steps of the order and what changes with them; no step: it goes on awaiting its money."""
    awaits = order.state is OrderState.AWAITING_FUNDS
    if isinstance(answer, Refused):
        if awaits:
            return (), {}
        if answer.code == OrderMoneyInsufficient.code and may_await(order, issue, now):
            # Money may have come while this was written, and whoever told of it found nothing that awaits it.
            return ("funds_awaited",), {"awaited_at": now, "funds_look_at": now}
        return ("turned_away",), _told(answer, to_a_broker=order.broker_id is not None)
    reserve: dict[str, Any] = {"reserve_seq": answer.seq, "reserved_at": answer.recorded_at}
    if awaits:
        reserve |= {"reserve_asked": False, "funds_look_at": None}
        if order.is_cut_off(answer.recorded_at):
            return ("cut_off",), {**reserve, "release_due": True}
    # The reserve's instant counts, by the ledger's clock: not when this process came to look at it.
    problem: Problem | None = why_closed(issue, answer.recorded_at)
    if problem is None and not issue.is_full:
        reserve["accepted_at"] = answer.recorded_at
        return (("funds_arrived", "accepted") if awaits else ("reserved",)), reserve
    problem = problem or _why_full(issue)
    refusal = {
        "refusal_code": problem.code,
        "refusal_detail": problem.detail,
        "refusal_facts": problem.facts,
    }
    return (("funds_arrived", "turned_away") if awaits else ("turned_away",)), {
        **reserve,
        **refusal,
        "release_due": True,
    }


def _told(answer: Refused, *, to_a_broker: bool) -> Mapping[str, Any]:
    """What the holder is told of the ledger's refusal: of a freeze the neutral code that `why_ineligible` gives.

    A broker is told whether there is too little money, not how much there is, and nothing else of its principal.
    """
    too_little = answer.code == OrderMoneyInsufficient.code
    if answer.code == _FROZEN or (to_a_broker and not too_little):
        neutral = ParticipantMustBeActive()
        return {"refusal_code": neutral.code, "refusal_detail": neutral.detail, "refusal_facts": neutral.facts}
    if to_a_broker:
        asked_for = answer.facts["asked"]
        detail = f"the order costs {asked_for} kopecks, and less is free"
        return {"refusal_code": answer.code, "refusal_detail": detail, "refusal_facts": {"asked": asked_for}}
    if too_little:
        asked, balance = answer.facts["asked"], answer.facts["balance"]
        detail = f"the order costs {asked} kopecks, and {balance} are free"
        return {"refusal_code": answer.code, "refusal_detail": detail, "refusal_facts": answer.facts}
    return {"refusal_code": answer.code, "refusal_detail": answer.detail, "refusal_facts": answer.facts}


def _why_full(issue: Issue) -> Problem:
    # The issue's row still says open: its last unit was taken by an order of the same batch.
    return PlacementMustBeOpen(facts={"state": IssueState.PLACEMENT_SUSPENDED.value, "code": issue.code})


def _with_order(issue: Issue, order: Order) -> Issue:
    return msgspec.structs.replace(
        issue,
        accepted_orders=issue.accepted_orders + 1,
        accepted_units=issue.accepted_units + order.units,
        accepted_kopecks=issue.accepted_kopecks + order.reserved_kopecks,
    )


async def _save_issues(tx: Transaction, parts: Parts, issues: Mapping[UUID, Issue], changed: Iterable[UUID]) -> None:
    touched = [issues[issue_id] for issue_id in sorted(changed)]
    full = [issue for issue in touched if issue.is_full]
    await parts.issues.save(tx.conn, [issue.changed() for issue in touched if not issue.is_full])
    basis = {"reason": "live orders take the whole quantity"}
    now = parts.clock.now()  # with the rows locked: nobody withdraws between this instant and what is written
    moves = [(issue, "filled", issue.filled_at(now)) for issue in full]
    await move_issues(tx, parts, moves, actor=SMART_CONTRACT, basis=basis)


def _priority(answer: Committed | Refused) -> int:
    return answer.seq if isinstance(answer, Committed) else -1
