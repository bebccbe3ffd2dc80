"""Use case: the issuer publishes a quote; the price of its units follows it by the formula of the decision."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.problems import IssueMustBeQuoted, PlacementMustBeOpen
from kapital.tokenization.domain.quote import Quote, quote_of
from kapital.tokenization.domain.states import PLACEMENT_LIVE, IssueState
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.issue_commands import require_permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishQuote:
    """`value` is an exact decimal as the source named in the decision told it, at `quoted_at`."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    value: str
    quoted_at: datetime


async def publish_quote(cmd: PublishQuote, *, parts: Parts) -> Quote:
    """Keep the quote with its price; from now on orders are filled at it, until another comes or it grows old.

    A quote is for the moments to come only: what was filled stays at the price that it was filled at.
    Law: 259-FZ art. 3 part 1 item 5 [M]. Not: whether the source really told this value; it is kept who said so.
    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, IssueMustBeQuoted, PlacementMustBeOpen,
    QuoteMustBeRecent, QuoteMustBeNew, QuoteOutOfCorridor.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Quote)
        found = (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        issue = require_permitted(tx, cmd.actor, "publish_quote", found)
        terms = load_terms((await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id].terms)
        if terms.quote is None:
            raise IssueMustBeQuoted
        # The clock is read with the lock held, so that quotes are published in the order of their numbers.
        now = parts.clock.now()
        live = issue.state in PLACEMENT_LIVE or issue.state is IssueState.PUBLISHED
        if not live or issue.is_over(now):
            raise PlacementMustBeOpen(facts={"state": issue.state.value, "code": issue.code})
        last = (await parts.quotes.last(tx.conn, {issue.issue_id: now})).get(issue.issue_id)
        quote = quote_of(
            terms.quote,
            last,
            issue_id=issue.issue_id,
            value=cmd.value,
            quoted_at=cmd.quoted_at,
            by=cmd.actor.id,
            now=now,
        )
        await parts.quotes.add(tx.conn, quote)
        await tx.audit.append(
            "tokenization.quote_published",
            issue.issue_id,
            cmd.actor,
            basis={"decision_sha256": issue.decision_sha256, "rule_book_version": parts.rule_book_version},
            after={"number": quote.number, "value": quote.value, "price_kopecks": quote.price_kopecks},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(quote))
        return quote
