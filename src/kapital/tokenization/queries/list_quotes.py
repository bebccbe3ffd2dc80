"""Read model: the published quotes of an issue."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.tokenization import QuotePage, QuoteView
from kapital.kernel.actor import Actor
from kapital.tokenization.domain.quote import Quote
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import require_readable


async def list_quotes(
    conn: AsyncConnection, parts: Parts, actor: Actor, issue_id: UUID, *, before: int | None, limit: int
) -> QuotePage:
    """Quotes of an issue that the actor may see, latest first. Raises: IssueNotFound."""
    issue = require_readable((await parts.issues.read(conn, [issue_id])).get(issue_id), actor, "list_quotes")
    quotes = await parts.quotes.page(conn, issue.issue_id, before=before, limit=limit + 1)
    items = [quote_view(quote) for quote in quotes[:limit]]
    return QuotePage(items=items, next_before=items[-1].number if len(quotes) > limit else msgspec.UNSET)


def quote_view(quote: Quote) -> QuoteView:
    """A quote as the contract tells it."""
    return QuoteView(**msgspec.structs.asdict(quote))
