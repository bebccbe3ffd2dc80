"""The price of one unit at an instant: fixed by the decision, or by the quote that is in force then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.ports import Parts

Prices = Mapping[UUID, int]
"""Kopecks for a unit by issue; an issue by quote without one in force is missing."""


async def prices_at(
    conn: AsyncConnection, parts: Parts, issues: Sequence[Issue], at: Mapping[UUID, datetime]
) -> dict[UUID, int]:
    """The price of each issue at its instant, as the quotes published by then say."""
    quoted = [issue.issue_id for issue in issues if issue.quote_max_kopecks is not None]
    last = await parts.quotes.last(conn, {issue_id: at[issue_id] for issue_id in quoted}) if quoted else {}
    fixed = {issue.issue_id: issue.price_kopecks for issue in issues if issue.quote_max_kopecks is None}
    return fixed | {
        issue_id: quote.price_kopecks for issue_id, quote in last.items() if at[issue_id] < quote.valid_until
    }


def pays(order: Order, prices: Prices) -> bool:
    """Whether the order goes at the price of the moment: not above its own."""
    price = prices.get(order.issue_id)
    return price is not None and (order.max_price_kopecks is None or price <= order.max_price_kopecks)
