"""Orders of brokers: the mandates that they are measured by, and their days, taken and given back.

Rows are locked in one order by everybody: issues, orders, investors, then the sums of years and of days. The row of a
mandate is locked by nobody but who hears of it: what the registry tells of both comes in any order.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import Problem, ensure
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.mandate import (
    PLACE,
    Mandate,
    why_above_mandate,
    why_above_mandate_day,
)
from kapital.tokenization.domain.order import Order
from kapital.tokenization.ports import Parts


class Days(NamedTuple):
    """Mandates in force now, by broker and principal, and what is used of them today, changed by each order."""

    on: date
    mandates: dict[tuple[UUID, UUID], Mandate]
    used: dict[UUID, int]

    def of(self, broker_id: UUID | None, principal_id: UUID) -> Mandate | None:
        """The mandate by which the broker may place orders for the principal now, or None."""
        found = None if broker_id is None else self.mandates.get((broker_id, principal_id))
        return found if found is not None and PLACE in found.powers else None

    def why_not(self, mandate: Mandate, amount_kopecks: int) -> Problem | None:
        """Why an order of this price does not fit into the mandate and its day, or None."""
        used = self.used.get(mandate.mandate_id, 0)
        above = why_above_mandate(mandate, amount_kopecks)
        return above or why_above_mandate_day(mandate, amount_kopecks, used)

    def take(self, mandate: Mandate, amount_kopecks: int) -> None:
        """Count an order."""
        self.used[mandate.mandate_id] = self.used.get(mandate.mandate_id, 0) + amount_kopecks


async def days_of(
    tx: Transaction, parts: Parts, pairs: Collection[tuple[UUID, UUID]], beside: Collection[UUID] = ()
) -> Days:
    """What orders of these brokers for these principals are measured by. No statement without a pair.

    The principals' rows stay locked, so that of two orders at once the second sees what the first took; with them, in
    one statement, those of `beside`, of which the yearly limit may be asked later: so nobody waits for ever. What is
    taken is written by `note_days` with the orders themselves: an order that is not kept takes nothing.
    """
    on = moscow_day(tx.now)
    if not pairs:
        return Days(on, {}, {})
    await parts.retail_use.lock(tx.conn, {*beside, *(principal for _, principal in pairs)}, on)
    mandates = await parts.mandates.in_force(tx.conn, pairs, tx.now)
    used = await parts.mandates.used(tx.conn, [one.mandate_id for one in mandates.values()], on) if mandates else {}
    return Days(on, mandates, used)


async def note_days(tx: Transaction, parts: Parts, changes: Iterable[tuple[Order | None, Order]]) -> None:
    """Bring the sums after orders that were kept (None before) or changed. One statement, none without a change."""
    if changed := changed_sums(changes, _of_day):
        await parts.mandates.add(tx.conn, changed)


def changed_sums(
    changes: Iterable[tuple[Order | None, Order]], counted: Callable[[Order], tuple[tuple[UUID, date], int] | None]
) -> dict[tuple[UUID, date], int]:
    """By how many kopecks each sum changes, by whose it is and its day; `counted` says where an order counts."""
    sums: dict[tuple[UUID, date], int] = {}
    for before, after in changes:
        for order, sign in ((before, -1), (after, 1)):
            if order is not None and (told := counted(order)) is not None:
                key, kopecks = told
                sums[key] = sums.get(key, 0) + sign * kopecks
    return {key: kopecks for key, kopecks in sums.items() if kopecks}


def _of_day(order: Order) -> tuple[tuple[UUID, date], int] | None:
    if not order.mandate_kopecks:
        return None
    ensure(order.mandate_id is not None, "what counts under a mandate names it")
    ensure(order.mandate_on is not None, "what counts under a mandate counts on a day")
    return (UUID(str(order.mandate_id)), order.mandate_on or date.min), order.mandate_kopecks


def as_agent(principal_id: UUID, broker_id: UUID, mandate: Mandate | None) -> Resource:
    """An order of the principal as the policies see it that a broker would place, with who has a mandate for it."""
    agents = frozenset() if mandate is None else frozenset({broker_id})
    return Resource("Order", owner=principal_id, agents=agents)


def any_as_agent(broker_id: UUID | None) -> Resource:
    """An order for which the one who asks has a mandate, whoever's it is."""
    return Resource("Order", agents=frozenset() if broker_id is None else frozenset({broker_id}))
