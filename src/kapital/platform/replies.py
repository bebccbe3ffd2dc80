"""Replies: a command under an idempotency key has its effect once, and its answer is kept."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure
from kapital.platform.context import note_replay
from kapital.platform.problems import IdempotencyKeyReused

_RESERVE: Final = text(
    """
    INSERT INTO reply (actor_id, command_id, fingerprint, first_used_at)
    VALUES (:actor, :command, :fingerprint, :now) ON CONFLICT DO NOTHING
    """
)
_READ: Final = text("SELECT fingerprint, body FROM reply WHERE actor_id = :actor AND command_id = :command")
_KEEP: Final = text(
    """
    UPDATE reply SET body = :body
    WHERE actor_id = :actor AND command_id = :command AND fingerprint = :fingerprint AND body IS NULL
    """
)


class Replies:
    """The stored answers of one service, keyed by actor and command id: nobody sees another's answer."""

    def __init__(self, conn: AsyncConnection, now: datetime) -> None:
        self._conn, self._now = conn, now

    async def find(self, command_id: str, actor: Actor, fingerprint: str) -> bytes | None:
        """The kept answer, or None when the work is to be done; the first statement of a use case.

        Promise: of several first uses at once one goes on; the others wait here until it ends, then get its
        answer, or go on themselves if it rolled back. None is also given when an earlier transaction
        committed this key without an answer (work in several steps, broken off): go on with the same derived
        ids.
        Raises: IdempotencyKeyReused.
        """
        key = {"actor": actor.id, "command": command_id}
        first = await self._conn.execute(_RESERVE, key | {"fingerprint": fingerprint, "now": self._now})
        if first.rowcount == 1:
            return None
        row = (await self._conn.execute(_READ, key)).one()
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused("the same key was used for a request with other content")
        if row.body is None:
            return None
        note_replay()
        return bytes(row.body)

    async def keep(self, command_id: str, actor: Actor, fingerprint: str, reply: bytes) -> None:
        """Store the answer; `find` must have been called for this key, in this or an earlier transaction."""
        kept = await self._conn.execute(
            _KEEP, {"actor": actor.id, "command": command_id, "fingerprint": fingerprint, "body": reply}
        )
        ensure(kept.rowcount == 1, "a reply is kept once, after find() of the same key and fingerprint")
