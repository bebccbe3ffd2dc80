"""Table reconciliation_break."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.settlement.adapters import break_statements as sql
from kapital.settlement.domain.breaks import (
    BALANCE,
    Books,
    Break,
    BreakKind,
    Finding,
    OpenBreaks,
    Told,
    break_of,
    unexplained_kopecks,
)

_OPEN: Final = text(
    """
    SELECT kind, count(*) AS breaks, sum(difference_kopecks)::bigint AS kopecks FROM reconciliation_break
    WHERE state IN ('open', 'resolution_proposed') GROUP BY kind ORDER BY kind
    """
)
_LATEST: Final = text("SELECT concat_ws('/', 'line', message_id, statement, line) FROM reconciliation_break "
    "WHERE stands AND line IS NOT NULL ORDER BY seq DESC LIMIT 1")  # fmt: skip
_LOCK: Final = text("SELECT * FROM reconciliation_break WHERE break_id = :id FOR UPDATE")
_SAVE: Final = text(
    """
    UPDATE reconciliation_break SET state = :state, proposed_by = :proposed_by, proposed_at = :proposed_at,
        reason = :reason, document_sha256 = :document_sha256, decided_by = :decided_by, closed_at = :closed_at
    WHERE break_id = :break_id
    """
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SAVED: Final = (
    "break_id", "state", "proposed_by", "proposed_at", "reason", "document_sha256", "decided_by", "closed_at",
)  # fmt: skip


class BreakTable:
    """Implements `ports.Breaks`."""

    async def look_at_statements(self, conn: AsyncConnection, now: datetime, *, at_rest: bool) -> None:
        """Open what statements not compared yet bring up, and explain what they explain."""
        day = moscow_day(now)
        await conn.execute(sql.LINES, {"now": now, "at_rest": at_rest})
        await conn.execute(sql.OPENING, {"now": now})
        await conn.execute(sql.ABSENT, {"now": now, "day": day})
        if at_rest:
            await conn.execute(sql.LINES_COMPARED, {"now": now})
        await conn.execute(sql.ABSENCES_COMPARED, {"now": now, "day": day})
        for explain in sql.EXPLAINED:
            await conn.execute(explain, {"now": now})

    async def walked(self, conn: AsyncConnection) -> int:
        """Number of the first entry that was not compared with our books; locked until the commit."""
        return int((await conn.execute(sql.WALKED)).scalar_one())

    async def walk_on(self, conn: AsyncConnection, next_seq: int) -> None:
        """Note how far the log was compared."""
        await conn.execute(sql.WALK_ON, {"next": next_seq})

    async def books(self, conn: AsyncConnection, start: int, stop: int, references: Iterable[str]) -> Books:
        """What our tables say of bank money of these references, and of what entries start <= seq < stop settled."""
        named = [reference.partition("/") for reference in references]
        values = {
            "bank_ids": [of for kind, _, of in named if kind == "bank_credit"],
            "withdrawals": [of for kind, _, of in named if kind == "withdrawal" and _UUID.fullmatch(of)],
        }
        bank = {
            row.reference: Told(
                reference=row.reference,
                bank_kopecks=row.bank_kopecks,
                payment_id=_uuid(row.payment_id),
                withdrawal_id=_uuid(row.withdrawal_id),
            )
            for row in await conn.execute(sql.BANK_ROWS, values)
        }
        deals = await conn.execute(sql.DEAL_ROWS, {"start": start, "stop": stop})
        payouts_from = int((await conn.execute(sql.PAYOUTS_FROM)).scalar_one())
        paid = await conn.execute(sql.PAYOUT_ROWS, {"start": max(start, payouts_from), "stop": stop})
        return Books(
            bank,
            {row.entry_seq: Told(units=row.units, deal_kopecks=row.kopecks) for row in deals},
            {row.entry_seq: Told(units=row.units, deal_kopecks=row.kopecks, tax_kopecks=row.tax) for row in paid},
            payouts_from,
        )

    async def standing_entries(self, conn: AsyncConnection, limit: int) -> list[int]:
        """Entries about which books and register still differ."""
        return list((await conn.execute(sql.STANDING_ENTRIES, {"limit": limit})).scalars())

    async def note_books(
        self, conn: AsyncConnection, compared: Sequence[int], found: Sequence[Finding], now: datetime
    ) -> None:
        """Open what was found; explain what stands about the entries compared and was not found any more."""
        if found:
            values = {name: [getattr(one, name) for one in found] for name in Finding.__struct_fields__}
            await conn.execute(sql.BOOKS, {**values, "now": now})
        if compared:
            still = [one.subject for one in found]
            await conn.execute(sql.BOOKS_AGREE, {"seqs": list(compared), "still": still, "now": now})

    async def books_kopecks(self, conn: AsyncConnection) -> int:
        """By our own tables: what came less what was paid."""
        return int((await conn.execute(sql.BOOKS_SUM)).scalar_one())

    async def note_difference(
        self, conn: AsyncConnection, subject: str, difference_kopecks: int, now: datetime, *, reconciliation_id: UUID
    ) -> None:
        """Open, change or explain the break of sums by what other breaks leave unexplained."""
        standing = (await conn.execute(sql.OF_SUMS, {"subject": subject})).one()
        of_rows, resolved = standing.of_rows, standing.resolved
        if left := unexplained_kopecks(difference_kopecks, of_rows=of_rows, resolved=resolved):
            kind = BreakKind.BALANCE_DIFFERS if subject == BALANCE else BreakKind.BOOKS_DIFFER
            values = {"kind": kind.value, "subject": subject, "difference": left, "now": now}
            await conn.execute(sql.SUMS_DIFFER, values)
            return
        line = (await conn.execute(_LATEST)).scalar_one_or_none() if difference_kopecks else None
        values = {
            "subject": subject,
            "by": line or f"reconciliation/{reconciliation_id}",
            "all_of_them": difference_kopecks in (0, of_rows),
            "now": now,
        }
        await conn.execute(sql.SUMS_AGREE, values)

    async def open_breaks(self, conn: AsyncConnection) -> OpenBreaks:
        """What stops withdrawals."""
        rows = (await conn.execute(_OPEN)).all()
        by_kind = {BreakKind(row.kind): row.breaks for row in rows}
        return OpenBreaks(sum(by_kind.values()), sum(row.kopecks for row in rows), by_kind)

    async def lock(self, conn: AsyncConnection, break_id: UUID) -> Break | None:
        """A break, locked until the commit."""
        row = (await conn.execute(_LOCK, {"id": break_id})).one_or_none()
        return None if row is None else break_of(row)

    async def save(self, conn: AsyncConnection, changed: Break) -> None:
        """Save state, proposal and decision of a break that is locked."""
        await conn.execute(_SAVE, {name: getattr(changed, name) for name in _SAVED} | {"state": changed.state.value})


def _uuid(value: Any) -> UUID | None:
    return None if value is None else UUID(str(value))
