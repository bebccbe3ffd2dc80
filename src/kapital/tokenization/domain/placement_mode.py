"""Placement otherwise than at one price and one close at its time: by a live quote, continuously (непрерывное
размещение), or ended early.

Law: 259-FZ art. 3 (the acquisition price or the order of its determination); practice: Сбер / index ЦФА, цфа.рф –
the price of the moment, the order's price is a maximum: if the quote falls the lower price applies, if it rises the
order is not filled at the higher one.
"""

from decimal import Decimal
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from kapital.kernel.money import Rounding, round_kopecks
from kapital.tokenization.domain.terms_fields import DecimalText, Kopecks, Line, Text

QUOTE_AGE_MAX_S: Final = 86_400


class QuotedPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The acquisition price by a published quote (цена по котировке): quote * multiplier + spread.

    Units: the product is roubles, rounded to a kopeck with half a kopeck up; `spread_kopecks` is added after it. A
    price outside of the corridor is not published. A quote serves for `valid_for_s` seconds; without one nothing is
    placed.
    """

    quoted: Line
    source_name: Line
    source_url: Line
    multiplier: DecimalText
    spread_kopecks: Annotated[int, Meta(ge=-(10**15), le=10**15)]
    price_min_kopecks: Kopecks
    price_max_kopecks: Kopecks
    valid_for_s: Annotated[int, Meta(ge=1, le=QUOTE_AGE_MAX_S)]
    text: Text


class ContinuousIssue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units are issued while orders are taken: every `every_s` seconds, 0 as soon as an order is accepted.

    Nothing is issued before the orders reach the least quantity at which the issue is held.
    """

    every_s: Annotated[int, Meta(ge=0, le=86_400)]
    text: Text


class EarlyClose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The placement ends before its time: once live orders take the whole quantity, or when the issuer says so.

    The issuer may say so only once live orders reach the least quantity at which the issue is held.
    """

    when_full: bool
    by_issuer: bool
    text: Text


class PlacementMode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out is a fixed price, one allocation at the close, and a close at its time only."""

    quote: QuotedPrice | UnsetType = UNSET
    continuous: ContinuousIssue | UnsetType = UNSET
    early_close: EarlyClose | UnsetType = UNSET


def price_by_quote(terms: QuotedPrice, value: Decimal) -> int:
    """Kopecks for one unit at a quote; may lie outside of the corridor. Raises: AmountOutOfRange."""
    return round_kopecks(value * Decimal(terms.multiplier), Rounding.HALF_UP) + terms.spread_kopecks


def is_in_corridor(terms: QuotedPrice, price_kopecks: int) -> bool:
    """Whether the decision lets units be placed at this price."""
    return terms.price_min_kopecks <= price_kopecks <= terms.price_max_kopecks
