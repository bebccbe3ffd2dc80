"""The yearly limit of unqualified persons and the days of mandates, taken by orders and given back.

A few statements, whatever the number of orders.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import Problem, ensure
from kapital.kernel.retail import RetailTerms
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.investor import Investor
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.mandate import Mandate, told_to_a_broker
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.retail import Used, is_protected, why_protected
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.brokers import Days, changed_sums, note_days


class Asked(NamedTuple):
    """What an order would acquire for."""

    order_id: UUID
    investor: Investor
    issue: Issue
    amount_kopecks: int
    mandate: Mandate | None = None


class Judged(NamedTuple):
    """What the limits say of one order: the refusal, or what it takes on which day, of the year and of a mandate."""

    problem: Problem | None
    limit_kopecks: int
    limit_on: date | None
    mandate_kopecks: int = 0
    mandate_on: date | None = None

    @property
    def taken(self) -> dict[str, Any]:
        """What the order counts from now on, as its fields."""
        return {
            "limit_kopecks": self.limit_kopecks,
            "limit_on": self.limit_on,
            "mandate_kopecks": self.mandate_kopecks,
            "mandate_on": self.mandate_on,
        }


async def judge(tx: Transaction, parts: Parts, asked: Sequence[Asked], days: Days) -> dict[UUID, Judged]:
    """Let orders take of the limits one after another; those that are missing in the answer are under none.

    An order takes of the year of its investor and of the day of its mandate (`days`, locked before), or of neither.

    The investors' rows stay locked, so that of two orders at once the second sees what the first took. What is taken
    is written by `note_changes` with the orders themselves: an order that is not kept takes nothing.
    Law: 5635-U; domain.md 1.6, scenario 27.
    """
    under = {one.order_id for one in asked if is_protected(one.investor, one.issue, tx.now)}
    on = moscow_day(tx.now)
    people = {one.investor.participant_id for one in asked if one.order_id in under}
    used = await _used(tx, parts, people, on) if people else Used(days={})
    judged: dict[UUID, Judged] = {}
    for one in asked:
        if one.order_id in under or one.mandate is not None:
            judged[one.order_id] = _taken(parts, one, used if one.order_id in under else None, days, tx.now)
    return judged


def _taken(parts: Parts, one: Asked, used: Used | None, days: Days, now: datetime) -> Judged:
    """What one order takes; `used` is None where the yearly limit does not protect its investor."""
    who, amount, on = one.investor.participant_id, one.amount_kopecks, moscow_day(now)
    problem = None if one.mandate is None else days.why_not(one.mandate, amount)
    if problem is None and used is not None:
        terms = parts.retail_rules.terms_at(on)
        problem = why_protected(terms, one.investor, amount, used.within(who, terms, on), now)
        problem = problem if one.mandate is None else told_to_a_broker(problem)
    if problem is not None:
        return Judged(problem, 0, None)
    if used is not None:
        used.add(who, on, amount)
    said = Judged(None, 0, None) if used is None else Judged(None, amount, on)
    if one.mandate is None:
        return said
    days.take(one.mandate, amount)
    return said._replace(mandate_kopecks=amount, mandate_on=days.on)


async def judge_again(
    tx: Transaction, parts: Parts, orders: Sequence[tuple[Order, Issue, datetime]], people: Mapping[UUID, Investor]
) -> dict[UUID, Judged]:
    """Look at accepted orders again, each as of an instant; they stand in the order in which they take of the limit.

    What they took before is put aside and taken once more by the rules of that day: a limit that was lowered, a test
    that ended or a qualified status that was lost since bars the later ones. Who is qualified by now takes nothing.
    """
    under = [
        (order, investor, at)
        for order, issue, at in orders
        if (investor := people.get(order.participant_id)) is not None and is_protected(investor, issue, at)
    ]
    if not under:
        return {}
    days = [order.limit_on or moscow_day(at) for order, _, at in under]
    used = await _used(tx, parts, {order.participant_id for order, _, _ in under}, min(days))
    for order, _, _ in under:
        if order.limit_on is not None:
            used.add(order.participant_id, order.limit_on, -order.limit_kopecks)
    judged: dict[UUID, Judged] = {}
    for (order, investor, at), on in zip(under, days, strict=True):
        terms = parts.retail_rules.terms_at(moscow_day(at))
        judged[order.order_id] = _taken_again(terms, investor, order, used, on, at)
    return judged


async def note_changes(tx: Transaction, parts: Parts, changes: Iterable[tuple[Order | None, Order]]) -> None:
    """Bring the sums after orders that were kept (None before) or changed: of years, then of mandates' days.

    One statement each, none without a change.
    """
    noted = list(changes)
    if changed := changed_sums(noted, _of_year):
        await parts.retail_use.add(tx.conn, changed)
    await note_days(tx, parts, noted)


def _of_year(order: Order) -> tuple[tuple[UUID, date], int] | None:
    if not order.limit_kopecks:
        return None
    ensure(order.limit_on is not None, "what counts under a limit counts on a day")
    return (order.participant_id, order.limit_on or date.min), order.limit_kopecks


def _taken_again(terms: RetailTerms, investor: Investor, order: Order, used: Used, on: date, at: datetime) -> Judged:
    who, amount = investor.participant_id, order.reserved_kopecks
    problem = why_protected(terms, investor, amount, used.within(who, terms, on), at)
    if problem is not None:
        return Judged(problem, 0, None)
    used.add(who, on, amount)
    return Judged(None, amount, on)


async def _used(tx: Transaction, parts: Parts, participant_ids: Iterable[UUID], on: date) -> Used:
    # A year before the first day asked about is enough for either window.
    since = date(on.year - 1, 1, 1)
    return Used(days=await parts.retail_use.lock(tx.conn, participant_ids, since))
