"""Allocation (удовлетворение заявок): a pure function of the terms and the live orders at the close."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from kapital.tokenization.domain.terms import IssuanceTerms


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
    """One fill per order, in order of acceptance. FAILED: every fill is 0."""

    outcome: Outcome
    fills: list[Fill]


def allocate(terms: IssuanceTerms, orders: Sequence[LiveOrder]) -> Allocation:
    """Decide the outcome and the fills; the order in which `orders` are given does not matter."""
    raise NotImplementedError
