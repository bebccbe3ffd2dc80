"""The settlement queue of the nominal rail, over dvp_instruction, dvp_link and dvp_part."""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.platform.database import Database
from kapital.settlement.domain.dvp import DvpInstruction, LinkKind
from kapital.settlement.domain.dvp_queue import Queued
from kapital.settlement.domain.states import DvpState
from kapital.settlement.dvp_rows import COLUMNS, instruction_of
from kapital.settlement.ports.dvp_queue import Due, DueKey, Entered, Kept, LinkOfDue, Settling, Started

_KEY: Final = int.from_bytes(hashlib.sha256(b"kapital settlement dvp queue").digest()[:8], "big", signed=True)

# All SQL below is made of constants of this module and of `dvp_rows`; values are bound.
_IS_DUE: Final = """
    d.state = 'prechecked' AND NOT d.is_held AND d.rail = 'nominal' AND d.intended_on <= :today
        AND d.cut_off_at > :now
"""
_IS_STIRRED: Final = text(
    f"""
    SELECT EXISTS (SELECT 1 FROM dvp_instruction d WHERE {_IS_DUE} AND d.changed_at >= :since)
        OR EXISTS (SELECT 1 FROM dvp_instruction WHERE state = 'committing' AND rail = 'nominal')
        OR EXISTS (SELECT 1 FROM dvp_instruction WHERE state = 'prechecked' AND cut_off_at <= :now)
    """  # noqa: S608
)
_OVERDUE: Final = text(
    f"""
    SELECT {COLUMNS} FROM dvp_instruction d WHERE d.state = 'prechecked' AND d.cut_off_at <= :now
    ORDER BY d.instruction_id LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608
)
_DUE_COLUMNS: Final = (
    "d.priority, d.intended_on, d.instruction_id, d.seller_wallet_id, d.buyer_wallet_id, d.asset_id, d.units, "
    "d.amount_kopecks, d.settled_units, d.is_partial_allowed, d.row_version, d.reason"
)
_DUE: Final = text(
    f"""
    SELECT {_DUE_COLUMNS} FROM dvp_instruction d
    WHERE {_IS_DUE} AND (CAST(:after_priority AS smallint) IS NULL OR (d.priority, d.intended_on, d.instruction_id) >
        (CAST(:after_priority AS smallint), CAST(:after_day AS date), CAST(:after_id AS uuid)))
    ORDER BY d.priority, d.intended_on, d.instruction_id LIMIT :limit
    """  # noqa: S608
)
_PARTNERS: Final = text(
    f"""
    WITH RECURSIVE ends (one, other) AS (
        SELECT instruction_id, other_id FROM dvp_link WHERE kind = 'with'
        UNION ALL SELECT other_id, instruction_id FROM dvp_link WHERE kind = 'with'
    ), together (id) AS (
        SELECT e.other FROM ends e WHERE e.one = ANY(CAST(:ids AS uuid[]))
        UNION SELECT e.other FROM ends e JOIN together t ON e.one = t.id
    )
    SELECT {_DUE_COLUMNS} FROM dvp_instruction d JOIN together t ON t.id = d.instruction_id
    WHERE {_IS_DUE} AND d.instruction_id <> ALL(CAST(:ids AS uuid[]))
    """  # noqa: S608
)
_LINKS: Final = text(
    """
    SELECT l.instruction_id, l.kind, l.other_id, d.state FROM dvp_link l
        JOIN dvp_instruction d ON d.instruction_id = l.other_id
    WHERE l.instruction_id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT l.other_id, l.kind, l.instruction_id, d.state FROM dvp_link l
        JOIN dvp_instruction d ON d.instruction_id = l.instruction_id
    WHERE l.other_id = ANY(CAST(:ids AS uuid[])) AND l.kind = 'with'
    """
)
# Locked first, in the order of ids as everywhere: a person who holds or cancels one of them comes before or after.
_START: Final = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(CAST(:settlings AS uuid[]), CAST(:ids AS uuid[]), CAST(:units AS bigint[]),
            CAST(:kopecks AS bigint[]), CAST(:versions AS integer[]))
            AS a (settling_id, instruction_id, units, kopecks, row_version)
    ), unchanged AS (
        SELECT d.instruction_id FROM dvp_instruction d JOIN asked a USING (instruction_id)
        WHERE d.state = 'prechecked' AND NOT d.is_held AND d.row_version = a.row_version
        ORDER BY d.instruction_id FOR UPDATE OF d
    ), whole AS (
        SELECT a.settling_id FROM asked a LEFT JOIN unchanged u USING (instruction_id)
        GROUP BY a.settling_id HAVING count(*) = count(u.instruction_id)
    )
    UPDATE dvp_instruction d
    SET state = 'committing', settling_id = a.settling_id, settling_units = a.units, settling_kopecks = a.kopecks,
        row_version = d.row_version + 1
    FROM asked a JOIN whole USING (settling_id), dvp_batch b
    WHERE d.instruction_id = a.instruction_id AND b.batch_id = d.batch_id
    RETURNING d.instruction_id, b.content_sha256
    """
)
_UNDER_WAY: Final = text(
    """
    SELECT d.settling_id, d.instruction_id, d.seller_wallet_id, d.buyer_wallet_id, d.asset_id, d.settling_units,
        d.settling_kopecks, b.content_sha256
    FROM dvp_instruction d JOIN dvp_batch b USING (batch_id)
    WHERE d.state = 'committing' AND d.rail = 'nominal' ORDER BY d.settling_id, d.instruction_id
    """
)
_ENTER: Final = text(
    """
    WITH entered AS (
        SELECT * FROM unnest(CAST(:settlings AS uuid[]), CAST(:ids AS uuid[]), CAST(:units AS bigint[]),
            CAST(:kopecks AS bigint[]), CAST(:seqs AS bigint[]), CAST(:at AS timestamptz[]))
            AS e (settling_id, instruction_id, units, kopecks, entry_seq, recorded_at)
    ), kept AS (
        UPDATE dvp_instruction d
        SET state = CASE WHEN d.settled_units + e.units = d.units THEN 'settled' ELSE 'prechecked' END,
            settled_units = d.settled_units + e.units, settled_kopecks = d.settled_kopecks + e.kopecks,
            settling_id = NULL, settling_units = NULL, settling_kopecks = NULL, entry_seq = e.entry_seq,
            reason = NULL, row_version = d.row_version + 1, changed_at = :now
        FROM entered e
        WHERE d.instruction_id = e.instruction_id AND d.state = 'committing' AND d.settling_id = e.settling_id
        RETURNING d.instruction_id, d.issue_id, d.reference, d.state, d.settled_units, d.settled_kopecks
    ), noted AS (
        INSERT INTO dvp_part (instruction_id, settling_id, units, amount_kopecks, entry_seq, recorded_at)
        SELECT e.instruction_id, e.settling_id, e.units, e.kopecks, e.entry_seq, e.recorded_at
        FROM entered e JOIN kept d USING (instruction_id)
    )
    SELECT * FROM kept
    """
)
_PUT_BACK: Final = text(
    """
    UPDATE dvp_instruction d
    SET state = 'prechecked', settling_id = NULL, settling_units = NULL, settling_kopecks = NULL, reason = r.reason,
        row_version = d.row_version + 1
    FROM unnest(CAST(:settlings AS uuid[]), CAST(:reasons AS text[])) AS r (settling_id, reason)
    WHERE d.state = 'committing' AND d.rail = 'nominal' AND d.settling_id = r.settling_id
    """
)
_NOTE: Final = text(
    """
    UPDATE dvp_instruction d SET reason = r.reason, row_version = d.row_version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS r (instruction_id, reason)
    WHERE d.instruction_id = r.instruction_id AND d.state = 'prechecked' AND d.reason IS DISTINCT FROM r.reason
    """
)


class DvpQueueTable:
    """Implements `ports.DvpQueue`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """A session lock of PostgreSQL on a connection of its own: a process that dies gives it back."""
        async with self._database.connect() as conn:
            await conn.execution_options(isolation_level="AUTOCOMMIT")
            found = await conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY})
            try:
                yield bool(found.scalar_one())
            finally:
                # Closing the session gives the lock back even if the block was cancelled or the server hung up.
                await conn.invalidate()

    async def is_stirred(self, conn: AsyncConnection, today: date, now: datetime, since: datetime) -> bool:
        """Whether something was left half-way, is over its cut-off, or has changed since that instant and is due."""
        found = await conn.execute(_IS_STIRRED, {"today": today, "now": now, "since": since})
        return bool(found.scalar_one())

    async def overdue(self, conn: AsyncConnection, now: datetime, limit: int) -> list[DvpInstruction]:
        """What waits beyond its cut-off, locked; what others hold is left out."""
        return [instruction_of(row) for row in await conn.execute(_OVERDUE, {"now": now, "limit": limit})]

    async def due(
        self, conn: AsyncConnection, today: date, now: datetime, after: DueKey | None, limit: int
    ) -> list[Due]:
        """What may settle now, in order, from after this place on."""
        values = {
            "today": today,
            "now": now,
            "limit": limit,
            "after_priority": after and after.priority,
            "after_day": after and after.intended_on,
            "after_id": after and after.instruction_id,
        }
        return _due_of(await conn.execute(_DUE, values))

    async def due_partners(
        self, conn: AsyncConnection, ids: Collection[UUID], today: date, now: datetime
    ) -> list[Due]:
        """What may settle now of all that is linked WITH these, directly or through others; these left out."""
        if not ids:
            return []
        found = await conn.execute(_PARTNERS, {"ids": list(ids), "today": today, "now": now})
        return _due_of(found)

    async def links(self, conn: AsyncConnection, ids: Collection[UUID]) -> list[LinkOfDue]:
        """The links of these: AFTER as kept, WITH from both ends."""
        found = await conn.execute(_LINKS, {"ids": list(ids)})
        return [
            LinkOfDue(_id(row.instruction_id), LinkKind(row.kind), _id(row.other_id), DvpState(row.state))
            for row in found
        ]

    async def start(self, conn: AsyncConnection, parts: Sequence[Started]) -> dict[UUID, str]:
        """Mark parts before the ledger is asked; of what has changed since it was read nothing is marked."""
        if not parts:
            return {}
        settlings, ids, units, kopecks, versions = map(list, zip(*parts, strict=True))
        values: dict[str, Any] = {"settlings": settlings, "ids": ids, "units": units, "kopecks": kopecks}
        found = await conn.execute(_START, {**values, "versions": versions})
        return {_id(row.instruction_id): row.content_sha256 for row in found}

    async def under_way(self, conn: AsyncConnection) -> list[Settling]:
        """What was marked and not finished: a process stopped between."""
        return [
            Settling(
                _id(row.settling_id),
                _id(row.instruction_id),
                _id(row.seller_wallet_id),
                _id(row.buyer_wallet_id),
                _id(row.asset_id),
                row.settling_units,
                row.settling_kopecks,
                row.content_sha256,
            )
            for row in await conn.execute(_UNDER_WAY)
        ]

    async def enter(self, conn: AsyncConnection, parts: Sequence[Entered], now: datetime) -> list[Kept]:
        """Keep what the ledger has entered; returns the instructions whose part was kept here and now."""
        if not parts:
            return []
        settlings, ids, units, kopecks, seqs, at = map(list, zip(*parts, strict=True))
        values: dict[str, Any] = {"settlings": settlings, "ids": ids, "units": units, "kopecks": kopecks}
        found = await conn.execute(_ENTER, {**values, "seqs": seqs, "at": at, "now": now})
        return [Kept(_id(one), _id(issue), *rest) for one, issue, *rest in found]

    async def put_back(self, conn: AsyncConnection, reasons: Mapping[UUID, str]) -> None:
        """Return settlements that the ledger refused to the queue; the reasons are by `settling_id`."""
        if reasons:
            await conn.execute(_PUT_BACK, {"settlings": list(reasons), "reasons": list(reasons.values())})

    async def note_reasons(self, conn: AsyncConnection, reasons: Mapping[UUID, str]) -> None:
        """Keep why instructions wait."""
        if reasons:
            await conn.execute(_NOTE, {"ids": list(reasons), "reasons": list(reasons.values())})


def _due_of(rows: Iterable[Any]) -> list[Due]:
    """Rows of `_DUE_COLUMNS`; wallets and issues stand in many of them and are made once."""
    known: dict[Any, UUID] = {}
    due: list[Due] = []
    for priority, intended_on, one, seller, buyer, asset, units, kopecks, before, is_partial, version, reason in rows:
        for name in (seller, buyer, asset):
            if name not in known:
                known[name] = _id(name)
        key = DueKey(priority, intended_on, _id(one))
        queued = Queued(
            key.instruction_id, known[seller], known[buyer], known[asset], units, kopecks, before, is_partial
        )
        due.append(Due(key, queued, version, reason))
    return due


def _id(value: Any) -> UUID:
    # Drivers have UUID classes of their own.
    return UUID(bytes=value.bytes)
