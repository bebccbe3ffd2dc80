"""What came from the bank over HTTP, byte for byte: bytes in the object store, their hash and signature in a table.

Small messages lie together in one file (ADR 0021). Only what carries something new comes here – an answer with
credits, a call back, what the bank did not sign – and equal bytes are kept once and counted.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from kapital.kernel.clock import Clock
from kapital.platform.database import Database
from kapital.platform.logging import get_logger
from kapital.platform.objects import ObjectStore
from kapital.settlement.ports.sbp import Channel

REFUSED_PER_DAY_MAX: Final = 1_000
"""So many different messages that are not the bank's are kept in a day; more are only told in the log and counted."""
TRUSTED: Final = frozenset({"valid", "not_checked"})

_AGAIN: Final = text(
    """
    UPDATE bank_http_message SET times = times + 1, last_at = :now
    WHERE raw_sha256 = :sha256 AND channel = :channel AND signature_outcome = :outcome RETURNING times
    """
)
_REFUSED_SINCE: Final = text(
    """
    SELECT count(*) FROM bank_http_message
    WHERE signature_outcome IN ('invalid', 'absent', 'stale') AND first_at > :since
    """
)
_ADD: Final = text(
    """
    INSERT INTO bank_http_message (channel, raw_sha256, signature_outcome, raw_bytes, first_at, last_at)
    VALUES (:channel, :sha256, :outcome, :bytes, :now, :now)
    ON CONFLICT (raw_sha256, channel, signature_outcome)
        DO UPDATE SET times = bank_http_message.times + 1, last_at = :now
    """
)
_log = get_logger(__name__)


class RawBankMessages:
    """Implements `ports.RawMessages`."""

    def __init__(self, database: Database, clock: Clock, objects: ObjectStore) -> None:
        self._database, self._clock, self._objects = database, clock, objects

    async def keep(self, channel: Channel, content: bytes, outcome: str) -> None:
        """Keep the bytes, then the row. Raises: StorageFull, ObjectTooLarge, DatabaseUnavailable."""
        now = self._clock.now()
        values = {
            "channel": channel.value,
            "sha256": hashlib.sha256(content).hexdigest(),
            "outcome": outcome,
            "now": now,
        }
        async with self._database.engine.begin() as conn:
            if (await conn.execute(_AGAIN, values)).one_or_none() is not None:
                return
        if outcome not in TRUSTED and not await self._has_room(now):
            _log.error("settlement.bank_message_not_kept", code="refused_messages_exceed_limit")
            return
        await self._objects.put(content)
        async with self._database.engine.begin() as conn:
            await conn.execute(_ADD, values | {"bytes": len(content)})

    async def _has_room(self, now: datetime) -> bool:
        async with self._database.connect() as conn:
            kept = (await conn.execute(_REFUSED_SINCE, {"since": now - timedelta(days=1)})).scalar_one()
        return int(kept) < REFUSED_PER_DAY_MAX
