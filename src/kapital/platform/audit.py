"""Audit trail: who did what to which object on what basis. Append-only (a trigger refuses all else)."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.ids import id_text
from kapital.platform.context import current_context

_INSERT: Final = text(
    """
    INSERT INTO audit_event (recorded_at, action, subject, actor_id, basis, before, after, correlation_id)
    SELECT :now, action, subject, actor_id, CAST(basis AS jsonb), CAST(before AS jsonb), CAST(after AS jsonb),
        :correlation
    FROM ROWS FROM (json_to_recordset(CAST(:rows AS json))
                    AS (action text, subject text, actor_id text, basis text, before text, after text))
        WITH ORDINALITY AS a (action, subject, actor_id, basis, before, after, n)
    ORDER BY n
    """
)


class _Row(msgspec.Struct, frozen=True, gc=False):
    action: str
    subject: str
    actor_id: str
    basis: str | None
    before: str | None
    after: str | None


class Audit:
    """Gathers the audit rows of one transaction; `Transaction.flush` writes them with one statement."""

    def __init__(self, conn: AsyncConnection, now: datetime) -> None:
        self._conn, self._now = conn, now
        self._rows: list[_Row] = []

    async def append(
        self,
        action: str,
        subject: Any,
        actor: Actor,
        basis: Any = None,
        before: Any = None,
        after: Any = None,
    ) -> None:
        """Note an act. `action` is a dotted name (`registry.wallet_opened`), `subject` an id; the rest JSON
        values or
        Structs: the basis of the decision, and the object's state before and after."""
        named = id_text(subject) if isinstance(subject, UUID) else str(subject)
        self._rows.append(_Row(action, named, actor.id, _json(basis), _json(before), _json(after)))

    async def flush(self) -> None:
        """Write the gathered rows."""
        if not self._rows:
            return
        # One text and no arrays: the driver asks of each element of an array whether it is an array itself.
        rows, self._rows = msgspec.json.encode(self._rows).decode(), []
        values = {"rows": rows, "now": self._now, "correlation": current_context().correlation_id}
        await self._conn.execute(_INSERT, values)


class JsonText(msgspec.Struct, frozen=True):
    """JSON that was written already: what many rows share is written once."""

    text: str


def json_text(value: Any) -> JsonText:
    """A JSON value as `Audit.append` takes it again and again."""
    return JsonText(msgspec.json.encode(value).decode())


def _json(value: Any) -> str | None:
    if isinstance(value, JsonText):
        return value.text
    return None if value is None else msgspec.json.encode(value).decode()
