"""Who stands behind a bearer token: the platform's TokenVerifier over the table `access_token`."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.kernel.roles import Role
from kapital.platform.batcher import Batcher
from kapital.platform.database import Database
from kapital.platform.problems import DatabaseBusy
from kapital.registry.domain.access import is_well_formed, token_sha256
from kapital.registry.domain.states import ENDED

REVOCATION_BOUND: Final = timedelta(seconds=2)
"""The longest time for which another process may still let a revoked token in."""

ENTRIES_MAX: Final = 10_000

_FIND: Final = text(
    """
    SELECT t.token_sha256, t.subject_id, t.roles, p.participant_id,
        least(t.expires_at, r.valid_until, s.valid_until) AS expires_at
    FROM access_token t
    LEFT JOIN representative r ON t.subject_kind = 'representative' AND r.representative_id = t.subject_id
    LEFT JOIN staff_term s ON t.subject_kind = 'staff' AND s.staff_id = t.subject_id AND s.ended_at IS NULL
    LEFT JOIN participant p ON p.participant_id = CASE t.subject_kind
        WHEN 'participant' THEN t.subject_id WHEN 'representative' THEN r.participant_id END
    WHERE t.token_sha256 = ANY(CAST(:sha256s AS bytea[])) AND t.revoked_at IS NULL AND r.ended_at IS NULL
        AND (r.representative_id IS NULL OR r.identified_at IS NOT NULL)
        AND (p.state IS NULL OR p.state <> ALL(CAST(:ended AS text[])))
        AND coalesce(s.staff_id, p.participant_id) IS NOT NULL
    """
)


class _Known(NamedTuple):
    actor: Actor
    expires_at: datetime
    fresh_until: datetime


class DatabaseTokenVerifier:
    """TokenVerifier on PostgreSQL with a short memory.

    Promise: a token revoked in this process is refused at once (`forget`), one revoked elsewhere within
    REVOCATION_BOUND, an expired one at once. Only valid tokens are remembered, so guesses do not fill the
    memory.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._forgotten = 0
        # Whoever comes while tokens are read joins the next reading.
        self._reading: Batcher[bytes, _Known | None] = Batcher(self._read, overfull=DatabaseBusy)

    async def verify(self, token: str) -> Actor | None:
        """The actor behind a valid token; None for every token that is not valid now."""
        if not is_well_formed(token):
            return None
        key, now = token_sha256(token), self._clock.now()
        known = self._known.get(key)
        if known is None or now >= known.fresh_until:
            known = await self._reading.submit(key)
        if known is None or now >= known.expires_at:
            return None
        return known.actor

    def forget(self, token_sha256: bytes) -> None:
        """Drop a token that was just revoked."""
        self._known.pop(token_sha256, None)
        self._forgotten += 1

    async def _read(self, keys: Sequence[bytes]) -> list[_Known | None]:
        forgotten, now = self._forgotten, self._clock.now()
        async with self._database.read() as conn:
            found = await conn.execute(_FIND, {"sha256s": list(set(keys)), "ended": sorted(ENDED)})
            rows = {bytes(row[0]): row for row in found}
        for key in keys:
            self._known.pop(key, None)
        read = {key: _known(row, now) for key, row in rows.items()}
        # What was read before a revocation and comes back after it must not be remembered past it.
        if forgotten == self._forgotten:
            self._known.update(read)
            while len(self._known) > ENTRIES_MAX:
                self._known.popitem(last=False)
        return [read.get(key) for key in keys]


def _known(row: Any, now: datetime) -> _Known:
    _, subject_id, roles, participant_id, expires_at = row
    actor = Actor(
        id=str(subject_id),
        # The driver has a UUID of its own.
        participant_id=None if participant_id is None else UUID(int=participant_id.int),
        roles=frozenset(map(Role, roles)),
    )
    return _Known(actor, expires_at, now + REVOCATION_BOUND)
