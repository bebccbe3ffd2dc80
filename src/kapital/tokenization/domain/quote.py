"""A published quote (котировка) of an issue: never changed; another one takes its place.

Law: 259-FZ art. 3 part 1 item 5 [M] (the order in which the price is determined stands in the decision).
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from kapital.kernel.money import AmountOutOfRange
from kapital.tokenization.domain.placement_mode import QuotedPrice, is_in_corridor, price_by_quote
from kapital.tokenization.domain.problems import QuoteMustBeNew, QuoteMustBeRecent, QuoteOutOfCorridor


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Shape: `number` counts the quotes of one issue from 1; `value` is the text of its source at `quoted_at`.

    Units: `price_kopecks` is the acquisition price of one unit by the decision's formula.
    """

    issue_id: UUID
    number: int
    value: str
    price_kopecks: int
    quoted_at: datetime
    valid_until: datetime
    published_by: str
    published_at: datetime


def quote_of(
    terms: QuotedPrice,
    last: Quote | None,
    *,
    issue_id: UUID,
    value: str,
    quoted_at: datetime,
    by: str,
    now: datetime,
) -> Quote:
    """The quote with its price, if it may be published.

    Raises: QuoteMustBeRecent, QuoteMustBeNew, QuoteOutOfCorridor.
    """
    valid_until = quoted_at + timedelta(seconds=terms.valid_for_s)
    if not quoted_at <= now < valid_until:
        raise QuoteMustBeRecent(
            f"the quote is of {quoted_at.isoformat()}; it must not be of the future nor older than the "
            f"{terms.valid_for_s} seconds of the decision",
            {"quoted_at": quoted_at.isoformat(), "valid_for_s": terms.valid_for_s},
        )
    if last is not None and quoted_at <= last.quoted_at:
        raise QuoteMustBeNew(facts={"quoted_at": quoted_at.isoformat(), "last": last.quoted_at.isoformat()})
    price = _price(terms, value)
    return Quote(
        issue_id=issue_id,
        number=last.number + 1 if last else 1,
        value=value,
        price_kopecks=price,
        quoted_at=quoted_at,
        valid_until=valid_until,
        published_by=by,
        published_at=now,
    )


def _price(terms: QuotedPrice, value: str) -> int:
    facts: dict[str, str | int] = {"value": value, "min": terms.price_min_kopecks, "max": terms.price_max_kopecks}
    try:
        price = price_by_quote(terms, Decimal(value))
    except AmountOutOfRange:
        raise QuoteOutOfCorridor(facts=facts) from None
    if not is_in_corridor(terms, price):
        raise QuoteOutOfCorridor(facts=facts | {"price_kopecks": price})
    return price
