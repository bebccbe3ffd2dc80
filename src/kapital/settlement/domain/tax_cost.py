"""What units had cost: first in, first out, over the lots in which a wallet acquired them.

Law: Tax Code art. 214.11 (expenses on acquisition), by the order of acquisition [M]. Cost that nobody knows is none:
expenses count when they are documented.
"""

from collections.abc import Sequence

from msgspec import Struct

from kapital.kernel.problems import ensure


class Lot(Struct, frozen=True):
    """Units acquired together and what they cost, in kopecks."""

    units: int
    cost_kopecks: int


class Used(Struct, frozen=True):
    """What earlier payments have taken: units extinguished, and cost set against income."""

    units: int = 0
    cost_kopecks: int = 0


def cost_of_units(lots: Sequence[Lot], used: Used, units: int) -> int:
    """The cost of the next `units` that are extinguished.

    Where parts of the nominal were paid back before, what is left of the cost is shared by the units that are left;
    the last units take all of it.
    """
    ensure(units >= 0, "no negative units are extinguished")
    left_units = sum(lot.units for lot in lots) - used.units
    left_cost = sum(lot.cost_kopecks for lot in lots) - used.cost_kopecks
    units = min(units, max(left_units, 0))
    if units <= 0 or left_cost <= 0:
        return 0
    if used.cost_kopecks == _first(lots, used.units):
        return _first(lots, used.units + units) - _first(lots, used.units)
    return left_cost * units // left_units


def cost_of_repayment(lots: Sequence[Lot], used: Used, paid_kopecks: int) -> int:
    """The cost set against a part of the nominal that is paid back: up to what is left of it."""
    return min(paid_kopecks, max(sum(lot.cost_kopecks for lot in lots) - used.cost_kopecks, 0))


def _first(lots: Sequence[Lot], units: int) -> int:
    """The cost of the first units, whole kopecks of each lot's share rounded down; of whole lots it is exact."""
    cost = 0
    for lot in lots:
        taken = min(units, lot.units)
        cost += lot.cost_kopecks * taken // lot.units
        units -= taken
    return cost
