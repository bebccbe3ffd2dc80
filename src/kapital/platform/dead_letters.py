"""Dead letters: events a consumer could not use, kept where an operator sees them.

States: `failed` (the handler refused it), `behind` (an earlier event of its aggregate waits), `retry` (an
operator asked for another try), `skip_proposed` (one person wants to skip it), then `resolved` or `skipped`
for ever.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.platform.access import Resource
from kapital.platform.database import Database
from kapital.platform.events import CloudEvent
from kapital.platform.problems import DeadLetterNotFirst, DeadLetterNotFound, SkipNeedsTwoActors, SkipReasonRequired
from kapital.platform.row_versions import row_version
from kapital.platform.unit_of_work import Transaction, UnitOfWork

REASON_LENGTH_MAX: Final = 500
PAGE_MAX: Final = 1000

_COLUMNS: Final = "id, consumer, producer, event, state, code, attempts, parked_at, skip_proposed_by"
_OPEN: Final = "state NOT IN ('resolved', 'skipped')"

_PARK: Final = text(
    """
    INSERT INTO dead_letter (consumer, producer, position, event_id, type, aggregate_id, event, state, code, attempts,
                             parked_at)
    SELECT :consumer, :producer, position, event_id, type, aggregate_id, event, :state, :code, :attempts, :now
    FROM unnest(CAST(:positions AS bigint[]), CAST(:ids AS uuid[]), CAST(:types AS text[]),
                CAST(:aggregates AS text[]), CAST(:events AS jsonb[]))
        AS e (position, event_id, type, aggregate_id, event)
    ON CONFLICT (consumer, event_id) DO NOTHING
    """
)
_OPEN_AGGREGATES: Final = text(
    f"""
    SELECT DISTINCT aggregate_id FROM dead_letter
    WHERE consumer = :consumer AND producer = :producer AND {_OPEN}
      AND aggregate_id = ANY(CAST(:aggregates AS text[]))
    """  # noqa: S608 - constants of this module
)
_DUE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM (
        SELECT DISTINCT ON (aggregate_id) * FROM dead_letter
        WHERE consumer = :consumer AND producer = :producer AND {_OPEN}
        ORDER BY aggregate_id, position
    ) AS first WHERE state IN ('retry', 'behind') LIMIT 500
    """  # noqa: S608 - constants of this module
)
_PLACE: Final = text(
    """
    SELECT
        coalesce((SELECT position FROM bus_cursor WHERE consumer = :consumer AND producer = :producer), 0)
            AS position,
        EXISTS (SELECT FROM dead_letter WHERE consumer = :consumer AND producer = :producer
                AND state IN ('retry', 'behind')) AS any_to_try
    """
)
_RESOLVE: Final = text(
    """
    UPDATE dead_letter SET state = 'resolved', closed_at = :now, attempts = attempts + 1
    WHERE id = :id AND state IN ('retry', 'behind')
    """
)
_FAIL: Final = text(
    """
    UPDATE dead_letter SET state = 'failed', code = :code, attempts = attempts + 1
    WHERE id = :id AND state IN ('retry', 'behind')
    """
)
_LIST: Final = text(f"SELECT {_COLUMNS} FROM dead_letter WHERE {_OPEN} AND id > :after ORDER BY id LIMIT :limit")  # noqa: S608 - constants of this module; values are bound
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM dead_letter WHERE id = :id AND {_OPEN} FOR UPDATE")  # noqa: S608 - constants of this module; values are bound
_EARLIER: Final = text(
    f"""
    SELECT EXISTS (
        SELECT FROM dead_letter AS earlier JOIN dead_letter AS this ON this.id = :id
        WHERE earlier.consumer = this.consumer AND earlier.producer = this.producer
          AND earlier.aggregate_id = this.aggregate_id AND earlier.position < this.position AND earlier.{_OPEN}
    )
    """  # noqa: S608 - constants of this module
)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One parked event. `code` says why: a problem's code, or `error:<class>` for a fault of ours."""

    id: int
    consumer: str
    producer: str
    event: CloudEvent
    state: str
    code: str
    attempts: int
    parked_at: datetime
    skip_proposed_by: str | None


class DeadLetters:
    """What operators may do with the dead letters of one service's database. Every act is audited.

    `on_change` is called when the relay has something to do again.
    """

    def __init__(self, database: Database, clock: Clock, on_change: Callable[[], None] = lambda: None) -> None:
        self._database, self._uow, self._on_change = database, UnitOfWork(database, clock), on_change

    async def list_open(self, *, after: int = 0, limit: int = 100) -> list[DeadLetter]:
        """Open dead letters by id, a page at a time (limit at most PAGE_MAX)."""
        async with self._database.connect() as conn:
            rows = await conn.execute(_LIST, {"after": after, "limit": min(limit, PAGE_MAX)})
            return [_letter(row) for row in rows]

    async def list_all_open(self) -> list[DeadLetter]:
        """All open dead letters by id."""
        letters: list[DeadLetter] = []
        while page := await self.list_open(after=letters[-1].id if letters else 0, limit=PAGE_MAX):
            letters += page
        return letters

    async def retry(self, dead_letter_id: int, actor: Actor) -> None:
        """Ask for another try; the relay makes it, and releases what waits behind when it succeeds.

        Raises: NotPermitted, DeadLetterNotFound, DeadLetterNotFirst.
        """
        async with self._uow.begin() as tx:
            tx.access.require(actor, "retry_dead_letter", await _seen(tx, dead_letter_id))
            letter = await self._lock_first(tx, dead_letter_id)
            await tx.conn.execute(
                text("UPDATE dead_letter SET state = 'retry', skip_proposed_by = NULL WHERE id = :id"),
                {"id": dead_letter_id},
            )
            await tx.audit.append("bus.dead_letter_retried", letter.event.id, actor, before={"state": letter.state})
        self._database.outbox_written()
        self._on_change()

    async def skip(self, dead_letter_id: int, actor: Actor, reason: str) -> bool:
        """Give the event up: the first actor proposes (False), another one approves (True: it is skipped).

        Raises: NotPermitted, SkipReasonRequired, DeadLetterNotFound, DeadLetterNotFirst, SkipNeedsTwoActors.
        """
        async with self._uow.begin() as tx:
            tx.access.require(actor, "skip_dead_letter", await _seen(tx, dead_letter_id))
            if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX:
                raise SkipReasonRequired(facts={"length_max": REASON_LENGTH_MAX})
            letter = await self._lock_first(tx, dead_letter_id)
            if letter.skip_proposed_by is None:
                sql, action, approved = _PROPOSE_SKIP, "bus.dead_letter_skip_proposed", False
            elif letter.skip_proposed_by == actor.id:
                raise SkipNeedsTwoActors("who proposed the skip may not approve it")
            else:
                sql, action, approved = _APPROVE_SKIP, "bus.dead_letter_skipped", True
            values = {
                "id": dead_letter_id,
                "actor": actor.id,
                "reason": reason,
                "now": tx.now,
            }
            await tx.conn.execute(sql, {name: values[name] for name in values if f":{name}" in sql.text})
            await tx.audit.append(action, letter.event.id, actor, basis={"reason": reason})
        if approved:
            self._database.outbox_written()
            self._on_change()
        return approved

    @staticmethod
    async def _lock_first(tx: Transaction, dead_letter_id: int) -> DeadLetter:
        row = (await tx.conn.execute(_LOCK, {"id": dead_letter_id})).one_or_none()
        if row is None:
            raise DeadLetterNotFound(facts={"dead_letter_id": dead_letter_id})
        if (await tx.conn.execute(_EARLIER, {"id": dead_letter_id})).scalar_one():
            raise DeadLetterNotFirst(facts={"dead_letter_id": dead_letter_id})
        return _letter(row)


async def _seen(tx: Transaction, dead_letter_id: int) -> Resource:
    return Resource("DeadLetter", dead_letter_id, await row_version(tx.conn, "dead_letter", "id", dead_letter_id))


_PROPOSE_SKIP: Final = text(
    "UPDATE dead_letter SET state = 'skip_proposed', skip_proposed_by = :actor, skip_reason = :reason WHERE id = :id"
)
_APPROVE_SKIP: Final = text(
    "UPDATE dead_letter SET state = 'skipped', skip_approved_by = :actor, closed_at = :now WHERE id = :id"
)


async def park(
    conn: AsyncConnection,
    consumer: str,
    producer: str,
    events: Sequence[tuple[int, CloudEvent]],
    *,
    state: str,
    code: str,
    now: datetime,
) -> None:
    """Keep events (with their positions) as dead letters, in the caller's transaction."""
    await conn.execute(
        _PARK,
        {
            "consumer": consumer,
            "producer": producer,
            "state": state,
            "code": code,
            "attempts": 1 if state == "failed" else 0,
            "now": now,
            "positions": [position for position, _ in events],
            "ids": [event.id for _, event in events],
            "types": [event.type for _, event in events],
            "aggregates": [event.subject for _, event in events],
            "events": [event.to_json().decode() for _, event in events],
        },
    )


async def open_aggregates(
    conn: AsyncConnection, consumer: str, producer: str, aggregate_ids: Sequence[str]
) -> set[str]:
    """Which of the aggregates have an open dead letter."""
    rows = await conn.execute(
        _OPEN_AGGREGATES,
        {"consumer": consumer, "producer": producer, "aggregates": sorted(set(aggregate_ids))},
    )
    return {row.aggregate_id for row in rows}


async def place_of(conn: AsyncConnection, consumer: str, producer: str) -> tuple[int, bool]:
    """Where a consumer stands in a producer's stream (0 before its first event), and whether a letter may be due."""
    row = (await conn.execute(_PLACE, {"consumer": consumer, "producer": producer})).one()
    return int(row.position), bool(row.any_to_try)


async def due(conn: AsyncConnection, consumer: str, producer: str) -> list[DeadLetter]:
    """The first open letter of each aggregate, where that one is to be tried now."""
    rows = await conn.execute(_DUE, {"consumer": consumer, "producer": producer})
    return [_letter(row) for row in rows]


async def note_success(conn: AsyncConnection, letter_id: int, now: datetime) -> bool:
    """Close a letter in the transaction of its effect; False when it is not due any more."""
    return (await conn.execute(_RESOLVE, {"id": letter_id, "now": now})).rowcount == 1


async def note_failure(conn: AsyncConnection, letter_id: int, code: str) -> None:
    """Note that the try failed again."""
    await conn.execute(_FAIL, {"id": letter_id, "code": code})


def _letter(row: Any) -> DeadLetter:
    fields = dict(row._mapping)
    event = fields.pop("event")
    raw = event if isinstance(event, dict) else msgspec.json.decode(event)
    return DeadLetter(event=msgspec.convert(raw, CloudEvent), **fields)
