"""Fund the orders that await their money: when some came to a wallet, reserve the price of what it is enough for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from kapital.platform.telemetry import ORDERS_AWAITING_FUNDS
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.awaiting import next_look
from kapital.tokenization.domain.investor import Investor, why_above_identification, why_ineligible
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.decide_orders import decide_orders
from kapital.tokenization.use_cases.standing import broker_still_may

_BATCH = 1000
_FIRST = UUID(int=0)


async def note_money(tx: Transaction, parts: Parts, wallets: Collection[UUID]) -> None:
    """Money came to these wallets: what awaits it is tried by the next tick. One statement, whatever their number."""
    if wallets:
        await parts.awaiting.note_money(tx.conn, wallets, tx.now)


async def fund_orders(now: datetime, *, parts: Parts) -> int:
    """Try to reserve the price of orders that money may be there for; returns how many were accepted.

    Orders of one wallet are tried in the order in which they were placed; what is too little for one may be enough
    for the next. One whose investor may not acquire now, whose broker may not order for it now, or whose placement is
    suspended, is not tried: it awaits on.
    Law: domain.md 1.3 (eligibility looked at before money is taken), 3.4; scenarios 8, 9.
    Promise: that the ledger is asked is written down before it is, under an id drawn from the order: after a crash at
    any line the same is asked again, and whoever ends the order first – this, a cut-off, a withdrawal – finds it.
    """
    funded, after = 0, _FIRST
    while True:
        async with parts.uow.begin() as tx:
            due = await parts.awaiting.lock_due(tx.conn, now, after, _BATCH)
            asked = await _ask(tx, parts, due)
        if not due:
            return funded
        decided = await decide_orders(asked, parts=parts)
        funded += sum(order.accepted_at is not None for order in decided.values())
        after = due[-1].order_id


async def tell_awaiting_orders(*, parts: Parts) -> None:
    """Show how many orders await their money."""
    async with parts.database.connect() as conn:
        ORDERS_AWAITING_FUNDS.set(await parts.awaiting.count(conn))


async def _ask(tx: Transaction, parts: Parts, due: Sequence[Order]) -> list[Order]:
    """The orders to ask the ledger for, written down as such; those that were before are among them."""
    if not due:
        return []
    issues = await parts.issues.read(tx.conn, {order.issue_id for order in due})
    brokers = {order.broker_id for order in due if order.broker_id is not None}
    people = await parts.investors.read(tx.conn, brokers | {order.participant_id for order in due})
    named = {order.mandate_id for order in due if order.mandate_id is not None}
    mandates = await parts.mandates.read(tx.conn, named)
    fresh = {
        order.order_id: order.still(reserve_asked=True, funds_look_at=next_look(order, tx.now))
        for order in due
        if not order.reserve_asked
        and _may_acquire(order, issues[order.issue_id], people, tx.now)
        and broker_still_may(order, mandates, people, tx.now, None)
    }
    await parts.orders.save(tx.conn, list(fresh.values()), {"reserve_asked", "funds_look_at"})
    return [fresh.get(order.order_id, order) for order in due if order.reserve_asked or order.order_id in fresh]


def _may_acquire(order: Order, issue: Issue, people: dict[UUID, Investor], at: datetime) -> bool:
    investor = people.get(order.participant_id)
    return (
        why_ineligible(investor, issue, at) is None
        and why_above_identification(investor, order.reserved_kopecks) is None
    )
