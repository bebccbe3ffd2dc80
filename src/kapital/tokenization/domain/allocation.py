"""Allocation (удовлетворение заявок): a pure function of the terms and the live orders at the close.

Law: 259-FZ art. 3 (conditions under which an issue is held or failed); no person chooses. Practice seen:
time priority with the last order cut (Атомайз / «ФЛАУВАУ», цфа.рф).
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from kapital.kernel.money import split_pro_rata
from kapital.kernel.problems import ensure
from kapital.tokenization.domain.terms import AllocationRule, IssuanceTerms


class Outcome(StrEnum):
    """Whether the issue took place (выпуск состоялся / не состоялся)."""

    HELD = "held"
    FAILED = "failed"


class LiveOrder(Struct, frozen=True, kw_only=True):
    """An accepted order at the close. `accepted_seq` is the time priority, unique among the orders."""

    order_id: UUID
    wallet_id: UUID
    units: int
    accepted_seq: int


class Fill(Struct, frozen=True, kw_only=True):
    """How many units an order gets; 0 means it is only refunded."""

    order_id: UUID
    units: int


class Allocation(Struct, frozen=True, kw_only=True):
    """The outcome and one fill per order, in order of acceptance. FAILED: every fill is 0."""

    outcome: Outcome
    fills: list[Fill]


def allocate(terms: IssuanceTerms, orders: Sequence[LiveOrder], *, already: int = 0) -> Allocation:
    """Decide the outcome and the fills; the order in which `orders` are given does not matter.

    `already`: units that a continuous placement has issued before; they count towards both quantities.
    Shape: whole lots; no fill above its order; fills of a held issue sum to the smaller of demand and
    `quantity_max`. An issue without orders fails whatever the minimum. A cut order may get less than
    `min_order_units`: the bound is for placing orders, not for what is left.
    """
    queue = sorted(orders, key=lambda order: order.accepted_seq)
    ensure(len({order.accepted_seq for order in queue}) == len(queue), "two orders have one time priority")
    ensure(len({order.order_id for order in queue}) == len(queue), "an order stands twice")
    ensure(all(order.units > 0 and order.units % terms.lot == 0 for order in queue), "orders are whole lots")
    # Counted in lots, so that no rule can ever break one.
    wanted = [order.units // terms.lot for order in queue]
    ensure(0 <= already <= terms.quantity_max and already % terms.lot == 0, "what is issued is within the decision")
    available = min(sum(wanted), (terms.quantity_max - already) // terms.lot)
    issued = already + available * terms.lot
    held = issued > 0 and issued >= terms.least_units
    given = _share(terms.allocation, available, wanted) if held else [0] * len(queue)
    fills = [Fill(order_id=order.order_id, units=lots * terms.lot) for order, lots in zip(queue, given, strict=True)]
    return Allocation(outcome=Outcome.HELD if held else Outcome.FAILED, fills=fills)


def _share(rule: AllocationRule, available: int, wanted: Sequence[int]) -> list[int]:
    match rule:
        case AllocationRule.TIME_PRIORITY:
            return _by_time(available, wanted)
        case AllocationRule.PRO_RATA:  # pragma: no branch (mypy: nothing is left)
            # Weights stand in order of acceptance, so the earlier order wins among equal remainders.
            return split_pro_rata(available, wanted)


def _by_time(available: int, wanted: Sequence[int]) -> list[int]:
    given = []
    for lots in wanted:
        given.append(min(lots, available))
        available -= given[-1]
    return given
