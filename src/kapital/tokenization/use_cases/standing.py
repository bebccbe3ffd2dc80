"""Which accepted orders may be filled at an instant: what is looked at again when a placement is allocated."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from kapital.kernel.calendar import moscow_day
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.investor import Investor, why_above_identification, why_ineligible
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.mandate import PLACE, Mandate, may_broke
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.rule_books import RuleBooks
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.prices import Prices, pays, prices_at
from kapital.tokenization.use_cases.retail_limit import Judged, judge_again


class Standing(NamedTuple):
    """Which orders may be filled at an instant: by issue, what the yearly limit says of them, and at which price."""

    orders: dict[UUID, list[Order]]
    counted: dict[UUID, Judged]
    prices: Prices


async def who_may_be_filled(
    tx: Transaction,
    parts: Parts,
    issues: Sequence[Issue],
    orders: Mapping[UUID, Sequence[Order]],
    at: Mapping[UUID, datetime],
) -> Standing:
    """Look at accepted orders again, each as of its issue's instant: eligibility, price, acts, the yearly limit.

    The rule book is asked for again where a dated rule says so. Of an order that a broker placed the broker is asked,
    too, and its mandate.
    """
    every = [order for of in orders.values() for order in of]
    brokers = {order.broker_id for order in every if order.broker_id is not None}
    people = await parts.investors.read(tx.conn, brokers | {order.participant_id for order in every})
    mandates = await parts.mandates.read(tx.conn, {one.mandate_id for one in every if one.mandate_id is not None})
    barred = await parts.reviews.barred(tx.conn, [issue.issue_id for issue in issues])
    prices = await prices_at(tx.conn, parts, issues, at)
    books = await _rule_books(tx, parts, at)
    eligible = {
        issue.issue_id: [
            order
            for order in orders.get(issue.issue_id, ())
            if (order.issue_id, order.actor_id, order.command_id) not in barred
            and pays(order, prices)
            and _still_eligible(order, issue, people, at[issue.issue_id], books.get(issue.issue_id))
            and broker_still_may(order, mandates, people, at[issue.issue_id], books.get(issue.issue_id))
        ]
        for issue in issues
    }
    asked = [(order, issue, at[issue.issue_id]) for issue in issues for order in eligible[issue.issue_id]]
    counted = await judge_again(tx, parts, asked, people)
    kept = {
        issue_id: [order for order in of if not _is_above_limit(counted, order)] for issue_id, of in eligible.items()
    }
    return Standing(kept, counted, prices)


def broker_still_may(
    order: Order,
    mandates: Mapping[UUID, Mandate],
    people: Mapping[UUID, Investor],
    at: datetime,
    books: RuleBooks | None,
) -> bool:
    """Whether no broker placed the order, or whoever did might place it still at the instant."""
    if order.broker_id is None:
        return True
    mandate = None if order.mandate_id is None else mandates.get(order.mandate_id)
    broker = people.get(order.broker_id)
    if mandate is None or not mandate.lets(PLACE, at) or not may_broke(broker, at):
        return False
    return books is None or books.why_bars(broker, at) is None


def _is_above_limit(counted: Mapping[UUID, Judged], order: Order) -> bool:
    said = counted.get(order.order_id)
    return said is not None and said.problem is not None


async def _rule_books(tx: Transaction, parts: Parts, at: Mapping[UUID, datetime]) -> dict[UUID, RuleBooks]:
    """The versions of the rule book, for the issues whose orders are asked for them again."""
    rules = parts.rule_book_at_allocation
    asked = [issue_id for issue_id, instant in at.items() if rules.is_asked_on(moscow_day(instant))]
    return dict.fromkeys(asked, await parts.investors.rule_books(tx.conn)) if asked else {}


def _still_eligible(
    order: Order, issue: Issue, people: Mapping[UUID, Investor], at: datetime, books: RuleBooks | None
) -> bool:
    investor = people.get(order.participant_id)
    if why_ineligible(investor, issue, at) or why_above_identification(investor, order.reserved_kopecks):
        return False
    return books is None or books.why_bars(investor, at) is None
