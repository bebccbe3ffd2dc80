"""Published quotes of issues."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.adapters.versioned_table import as_plain
from kapital.tokenization.domain.quote import Quote

_ADD: Final = text(
    """
    INSERT INTO quote (issue_id, number, value, price_kopecks, quoted_at, valid_until, published_by, published_at)
    VALUES (:issue_id, :number, :value, :price_kopecks, :quoted_at, :valid_until, :published_by, :published_at)
    """
)
_LAST: Final = text(
    """
    SELECT DISTINCT ON (q.issue_id) q.* FROM quote q
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS a(issue_id, at) USING (issue_id)
    WHERE q.published_at <= a.at ORDER BY q.issue_id, q.number DESC
    """
)
_PAGE: Final = text(
    """
    SELECT * FROM quote WHERE issue_id = :issue_id AND (CAST(:before AS integer) IS NULL OR number < :before)
    ORDER BY number DESC LIMIT :limit
    """
)


class QuoteTable:
    """Adapter of the port `Quotes` on PostgreSQL."""

    async def add(self, conn: AsyncConnection, quote: Quote) -> None:
        """Keep a quote for ever. The issue's row is locked."""
        await conn.execute(_ADD, msgspec.structs.asdict(quote))

    async def last(self, conn: AsyncConnection, at: Mapping[UUID, datetime]) -> dict[UUID, Quote]:
        """The latest quote of each issue that was published by an instant, whether it still serves or not."""
        values = {"ids": list(at), "instants": list(at.values())}
        rows = (await conn.execute(_LAST, values)).mappings()
        return {quote.issue_id: quote for quote in (msgspec.convert(as_plain(row), Quote) for row in rows)}

    async def page(self, conn: AsyncConnection, issue_id: UUID, *, before: int | None, limit: int) -> list[Quote]:
        """Quotes of an issue, latest first, with numbers below `before`."""
        rows = (await conn.execute(_PAGE, {"issue_id": issue_id, "before": before, "limit": limit})).mappings()
        return [msgspec.convert(as_plain(row), Quote) for row in rows]
