"""The report of reconciliation as of an instant: the three sides, the latest statement, breaks with ages."""

from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day, russian_calendar
from kapital.platform import access
from kapital.settlement.contract_forms import shown_break, shown_reconciliation
from kapital.settlement.domain.breaks import Ageing, Break, BreakState, ageing_of, break_of
from kapital.settlement.ports import Parts
from kapital.settlement.queries.list_reconciliations import reconciliation_of

BREAKS_MAX: Final = 1_000

_COMPARISON: Final = text("SELECT * FROM reconciliation WHERE at <= :at ORDER BY seq DESC LIMIT 1")
_STATEMENT: Final = text(
    """
    SELECT s.message_id, s.sequence_number, s.to_on, s.opening_kopecks, s.closing_kopecks
    FROM bank_statement AS s JOIN incoming_message AS m USING (message_id)
    WHERE s.kind = 'statement' AND m.state = 'taken_in' AND m.received_at <= :at
    ORDER BY s.to_on DESC NULLS LAST, s.sequence_number DESC NULLS LAST, m.received_at DESC, s.number DESC LIMIT 1
    """
)
# A row counts from the instant at which it last changed: before it, it was something else.
_BOOKS: Final = text(
    """
    SELECT
        (SELECT coalesce(sum(amount_kopecks), 0) FROM incoming_payment
            WHERE state NOT IN ('received', 'verified') AND changed_at <= :at)::bigint AS booked_kopecks,
        (SELECT coalesce(sum(amount_kopecks), 0) FROM incoming_payment
            WHERE kept_at <= :at AND (state IN ('received', 'verified') OR changed_at > :at))::bigint AS kept_kopecks,
        (SELECT coalesce(sum(amount_kopecks), 0) FROM withdrawal
            WHERE state = 'confirmed' AND changed_at <= :at)::bigint AS paid_kopecks,
        (SELECT coalesce(sum(amount_kopecks), 0) FROM withdrawal WHERE requested_at <= :at AND entry_seq IS NOT NULL
            AND (state IN ('awaiting_approval', 'checked', 'sent', 'unknown', 'rejected')
                OR changed_at > :at))::bigint AS in_transit_kopecks,
        (SELECT coalesce(sum(units), 0) FROM unit_lot
            WHERE CAST(:size AS bigint) IS NULL OR entry_seq < :size)::bigint AS delivered_units,
        (SELECT coalesce(sum(cost_kopecks), 0) FROM unit_lot
            WHERE CAST(:size AS bigint) IS NULL OR entry_seq < :size)::bigint AS delivered_kopecks,
        (SELECT coalesce(sum(gross_kopecks), 0) FROM payout
            WHERE state = 'paid' AND (CAST(:size AS bigint) IS NULL OR entry_seq < :size))::bigint AS payouts_kopecks
    """
)
_BREAKS: Final = text(
    """
    SELECT * FROM reconciliation_break WHERE opened_at <= :at AND (closed_at IS NULL OR closed_at > :at)
    ORDER BY seq LIMIT :limit
    """
)
_AGEING: Final = text(
    """
    SELECT (opened_at AT TIME ZONE 'Europe/Moscow')::date AS opened_on,
        count(*) AS breaks, sum(difference_kopecks)::bigint AS kopecks
    FROM reconciliation_break WHERE opened_at <= :at AND (closed_at IS NULL OR closed_at > :at) GROUP BY 1
    """
)


async def reconciliation_report(
    parts: Parts, actor: Actor, *, at: datetime | None = None
) -> contract.ReconciliationReport:
    """The report; staff only. Without an instant of now, and an instant to come is now as well.

    Raises: NotPermitted, CalendarYearNotCovered.
    """
    access.require(actor, "get_reconciliation_report")
    now = parts.uow.clock.now()
    past = None if at is None or at >= now else at
    size = None if past is None else await parts.ledger.size_at(past)
    async with parts.uow.database.connect() as conn:
        return await _report(conn, past or now, made_at=now, size=size)


async def _report(
    conn: AsyncConnection, at: datetime, *, made_at: datetime, size: int | None
) -> contract.ReconciliationReport:
    comparison = (await conn.execute(_COMPARISON, {"at": at})).one_or_none()
    statement = (await conn.execute(_STATEMENT, {"at": at})).one_or_none()
    books = (await conn.execute(_BOOKS, {"at": at, "size": size})).one()
    rows = await conn.execute(_BREAKS, {"at": at, "limit": BREAKS_MAX})
    breaks = [shown_break(_as_of(break_of(row), at), at) for row in rows]
    ageing = await _ageing(conn, at)
    return contract.ReconciliationReport(
        at=at,
        made_at=made_at,
        comparison=msgspec.UNSET if comparison is None else shown_reconciliation(reconciliation_of(comparison)),
        statement=msgspec.UNSET
        if statement is None
        else contract.StatementSums(
            message_id=UUID(str(statement.message_id)),
            sequence_number=unset_if_none(statement.sequence_number),
            to_on=unset_if_none(statement.to_on),
            opening_kopecks=unset_if_none(statement.opening_kopecks),
            closing_kopecks=unset_if_none(statement.closing_kopecks),
        ),
        books=contract.BooksSums(**books._mapping),
        ageing=ageing,
        open_breaks=sum(one.breaks for one in ageing),
        breaks=breaks,
    )


def _as_of(found: Break, at: datetime) -> Break:
    """A break that was open at the instant, without what was done about it later."""
    proposed = found.proposed_at is not None and found.proposed_at <= at
    earlier = msgspec.structs.replace(
        found,
        state=BreakState.RESOLUTION_PROPOSED if proposed else BreakState.OPEN,
        stands=True,
        explained_by=None,
        closed_at=None,
        decided_by=None,
    )
    if proposed:
        return earlier
    return msgspec.structs.replace(earlier, proposed_by=None, proposed_at=None, reason=None, document_sha256=None)


async def _ageing(conn: AsyncConnection, at: datetime) -> list[contract.AgeingSum]:
    """Every bucket, counted by the days on which breaks were opened."""
    calendar, until = russian_calendar(), moscow_day(at)
    breaks: Counter[Ageing] = Counter()
    kopecks: Counter[Ageing] = Counter()
    for row in await conn.execute(_AGEING, {"at": at}):
        bucket = ageing_of(calendar.count_business_days(row.opened_on, until))
        breaks[bucket] += row.breaks
        kopecks[bucket] += row.kopecks
    return [
        contract.AgeingSum(
            ageing=contract.BreakAgeing(bucket.value), breaks=breaks[bucket], difference_kopecks=kopecks[bucket]
        )
        for bucket in Ageing
    ]
