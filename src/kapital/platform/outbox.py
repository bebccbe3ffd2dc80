"""Outbox: events written in the transaction that makes them true, ordered for delivery after the commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import ensure
from kapital.platform.context import current_context
from kapital.platform.events import DATA_BYTES_MAX, CloudEvent, Event, source_of
from kapital.platform.ids import new_uuid7

_INSERT: Final = text(
    """
    INSERT INTO outbox
        (event_id, type, aggregate_id, aggregate_version, occurred_at, correlation_id, causation_id, data)
    SELECT event_id, type, aggregate_id, aggregate_version, :now, correlation_id, causation_id, data
    FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:aggregates AS text[]),
                CAST(:versions AS bigint[]), CAST(:correlations AS text[]),
                CAST(:causes AS text[]), CAST(:data AS jsonb[])) WITH ORDINALITY
        AS e (event_id, type, aggregate_id, aggregate_version, correlation_id, causation_id, data, n)
    ORDER BY n
    """
)

ORDER_BATCH: Final = 5000

_LOCK_HEAD: Final = text("SELECT position FROM outbox_head FOR UPDATE")
_ORDER: Final = text(
    """
    WITH waiting AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n
        FROM (SELECT id FROM outbox WHERE position IS NULL ORDER BY id LIMIT :limit) AS w
    )
    UPDATE outbox SET position = :head + n FROM waiting WHERE outbox.id = waiting.id
    """
)
_MOVE_HEAD: Final = text("UPDATE outbox_head SET position = position + :count")
_LOOK: Final = text(
    "SELECT position, EXISTS (SELECT FROM outbox WHERE position IS NULL) AS any_waiting FROM outbox_head"
)
READ_BYTES: Final = 524_288
"""So much of events is read at a time, as it is stored: a handler of large events is neither given very many of them,
nor kept from telling what it did until all are done. One event is read whatever its size."""

_READ: Final = text(
    """
    WITH waiting AS (
        SELECT position, pg_column_size(data) AS bytes FROM outbox
        WHERE position > :after AND position <= :head AND type = ANY(CAST(:types AS text[]))
        ORDER BY position LIMIT :limit
    ), taken AS (
        SELECT position, sum(bytes) OVER (ORDER BY position) - bytes < :bytes AS fits, count(*) OVER () AS found
        FROM waiting
    )
    SELECT position, event_id, type, aggregate_id, aggregate_version, occurred_at, correlation_id, causation_id, data,
        found
    FROM taken JOIN outbox USING (position) WHERE fits ORDER BY position
    """
)


class Outbox:
    """Gathers the events of one transaction; `Transaction.flush` writes them with one statement."""

    def __init__(self, conn: AsyncConnection, service: str, now: datetime) -> None:
        self._conn, self._service, self._now = conn, service, now
        self._rows: list[tuple[Event, str, str | None]] = []
        self.written = False

    async def add(self, *events: Event, cause: CloudEvent | None = None) -> None:
        """Publish `events`, in this order, if and when the transaction commits.

        `cause`: the event that led to these, when a batch of several is handled; otherwise the bound context
        tells.
        """
        context = current_context()
        correlation = cause.correlationid if cause else context.correlation_id
        causation = str(cause.id) if cause else context.causation_id
        for event in events:
            service = event.type.split(".")[1]
            ensure(service == self._service, f"{self._service} may not publish {event.type}")
            self._rows.append((event, correlation, causation))

    async def flush(self) -> None:
        """Write the gathered events."""
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        await self._conn.execute(
            _INSERT,
            {
                "now": self._now,
                "ids": [new_uuid7() for _ in rows],
                "types": [event.type for event, _, _ in rows],
                "aggregates": [event.aggregate_id for event, _, _ in rows],
                "versions": [event.aggregate_version for event, _, _ in rows],
                "correlations": [correlation for _, correlation, _ in rows],
                "causes": [causation for _, _, causation in rows],
                "data": [_data_json(event) for event, _, _ in rows],
            },
        )
        self.written = True


def _data_json(event: Event) -> str:
    body = msgspec.json.encode(event.data)
    ensure(body[:1] == b"{", f"data of {event.type} must be an object")
    ensure(len(body) <= DATA_BYTES_MAX, f"data of {event.type} has {len(body)} bytes, limit {DATA_BYTES_MAX}")
    return body.decode()


async def head_if_quiet(conn: AsyncConnection) -> int | None:
    """The head, if no committed event waits for its position; else None: `give_positions` is due."""
    found = (await conn.execute(_LOOK)).one()
    return None if found.any_waiting else int(found.position)


async def give_positions(conn: AsyncConnection) -> int:
    """Give committed events their place in the order of delivery; returns the head after it. The caller
    commits.

    Why not deliver by id: an id is drawn inside a transaction, and one with a lower id may commit after one
    with a higher id; a reader that remembers "up to id N" would lose it. Here one relay at a time (row lock
    on the head) numbers what it can see, in order of id. An event that was not visible gets a later position.
    Two events of one aggregate keep their order, because the second was written after the first had
    committed. It also holds over dump and restore, which an order by transaction number would not.
    """
    if (quiet := await head_if_quiet(conn)) is not None:
        return quiet
    head = int((await conn.execute(_LOCK_HEAD)).scalar_one())
    # A statement of its own: only now, with the lock held, is the snapshot taken that must see what others numbered.
    count = (await conn.execute(_ORDER, {"head": head, "limit": ORDER_BATCH})).rowcount
    await conn.execute(_MOVE_HEAD, {"count": count})
    return head + count


async def read_outbox(
    conn: AsyncConnection, service: str, *, after: int, head: int, types: Sequence[str], limit: int
) -> tuple[list[tuple[int, CloudEvent]], bool]:
    """Events of the given types at positions in (after, head], in order, with their positions; whether these are all.

    At most `limit` and, but for the first, at most READ_BYTES.
    """
    values = {"after": after, "head": head, "types": list(types), "limit": limit, "bytes": READ_BYTES}
    rows = (await conn.execute(_READ, values)).all()
    found = rows[0].found if rows else 0
    return [(row.position, _cloud_event(service, row)) for row in rows], len(rows) == found < limit


def _cloud_event(service: str, row: Any) -> CloudEvent:
    data = row.data if isinstance(row.data, dict) else msgspec.json.decode(row.data)
    return CloudEvent(
        id=UUID(str(row.event_id)),
        source=source_of(service),
        type=row.type,
        subject=row.aggregate_id,
        time=row.occurred_at,
        data=data,
        correlationid=row.correlation_id,
        causationid=row.causation_id,
        aggregateversion=row.aggregate_version,
    )
