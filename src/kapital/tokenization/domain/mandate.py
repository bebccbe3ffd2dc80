"""What a broker may do for another participant (поручение брокеру), as the registry told of it.

Law: 39-FZ art. 3 [M]; 115-FZ art. 4 (a broker is not told what stands in the way of its principal).
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Problem
from kapital.tokenization.domain.investor import Investor, why_may_not_act, why_rule_book_bars
from kapital.tokenization.domain.problems import (
    OrderAboveMaximum,
    OrderAmountTooLarge,
    OrderBelowMinimum,
    OrderMustBeWholeLots,
    OrderNeedsMaximumPrice,
    OrderPriceMustBeInCorridor,
    ParticipantMustBeActive,
    PlacementMustBeOpen,
)
from kapital.tokenization.domain.problems_awaiting import FundsCutOffMustBeBeforeClose, OrdersMustBeAllowedToAwait
from kapital.tokenization.domain.problems_mandate import (
    BrokerMustBeActive,
    MandateMustBeInForce,
    OrderExceedsMandate,
    OrderExceedsMandateDay,
)

PLACE: Final = "place_orders"
WITHDRAW: Final = "withdraw_orders"
_OF_THE_ORDER: Final = (
    PlacementMustBeOpen,
    OrderBelowMinimum,
    OrderAboveMaximum,
    OrderMustBeWholeLots,
    OrderNeedsMaximumPrice,
    OrderPriceMustBeInCorridor,
    OrderAmountTooLarge,
    OrdersMustBeAllowedToAwait,
    FundsCutOffMustBeBeforeClose,
    OrderExceedsMandate,
    OrderExceedsMandateDay,
)
"""What says nothing of the principal: of the order itself, of the issue, of the broker's own use of the mandate."""


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """A mandate of a participant (the principal) to a broker; `valid_until` is the first instant without it."""

    mandate_id: UUID
    participant_id: UUID
    broker_id: UUID
    powers: frozenset[str]
    order_limit_kopecks: int
    day_limit_kopecks: int
    valid_from: datetime
    valid_until: datetime

    def lets(self, power: str, at: datetime) -> bool:
        """Whether the broker may do this by it at an instant."""
        return power in self.powers and self.valid_from <= at < self.valid_until


def told_to_a_broker(problem: Problem | None) -> Problem | None:
    """A refusal as a broker is told of it: whatever is the principal's affair is one neutral code.

    What is not known to be of the order counts as the principal's: a rule to come tells nothing by mistake.
    """
    if problem is None or isinstance(problem, _OF_THE_ORDER):
        return problem
    return ParticipantMustBeActive()


def why_no_mandate(mandate: Mandate | None, broker: Investor | None, at: datetime, rule_book: str) -> Problem | None:
    """Why the broker may not order for the principal at an instant, whatever the order is, or None.

    `rule_book`: the version in force, which the broker must have accepted as anybody who orders.
    """
    if mandate is None or not mandate.lets(PLACE, at):
        return MandateMustBeInForce()
    if not may_broke(broker, at):
        return BrokerMustBeActive()
    return why_rule_book_bars(broker, rule_book)


def may_broke(broker: Investor | None, at: datetime) -> bool:
    """Whether the broker itself may order for others at an instant: identified, its wallet open, under nothing."""
    return _may_act(broker, at)


def why_not_for_it_now(principal: Investor | None, at: datetime) -> Problem | None:
    """Why a broker withdraws nothing for its principal at an instant, or None.

    More than keeps the principal itself from it: who could tell a measure from a standing that leaves orders to their
    investor would be told of the measure.
    Law: 115-FZ art. 4.
    """
    return None if _may_act(principal, at) else ParticipantMustBeActive()


def _may_act(investor: Investor | None, at: datetime) -> bool:
    if investor is None or investor.wallet_id is None or why_may_not_act(investor) is not None:
        return False
    return investor.kyc_valid_until is not None and at < investor.kyc_valid_until


def why_above_mandate(mandate: Mandate, amount_kopecks: int) -> Problem | None:
    """Why the mandate does not let one order be so dear, or None."""
    if amount_kopecks <= mandate.order_limit_kopecks:
        return None
    return OrderExceedsMandate(facts={"amount_kopecks": amount_kopecks, "limit_kopecks": mandate.order_limit_kopecks})


def why_above_mandate_day(mandate: Mandate, amount_kopecks: int, used_kopecks: int) -> Problem | None:
    """Why the order does not fit into what is left of the mandate's day, or None."""
    left = max(0, mandate.day_limit_kopecks - used_kopecks)
    if amount_kopecks <= left:
        return None
    return OrderExceedsMandateDay(
        facts={
            "amount_kopecks": amount_kopecks,
            "limit_kopecks": mandate.day_limit_kopecks,
            "used_kopecks": used_kopecks,
            "left_kopecks": left,
        }
    )
