"""The bank calls back: notices in their order, signed with the shared key, again until they are taken.

Promise: a notice that was answered by 2xx is not sent again; any other is, later and later, until `TRIES_MAX`.
"""

import asyncio
import hmac
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from sqlalchemy import text

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.kernel.clock import Clock
from kapital.kernel.problems import Unavailable
from kapital.platform.database import Database
from kapital.platform.problems import problem_of
from kapital.sandbox.bank import faults, journal
from kapital.sandbox.bank.answers import write_secret

HEADER: Final = "Bank-Webhook-Signature"
KEY: Final = "webhook.key"
TRIES_MAX: Final = 12
POLL_S: Final = 0.5
TIMEOUT_S: Final = 10.0

_DUE: Final = text(
    """
    SELECT id, body, tries FROM webhook WHERE ended_at IS NULL AND due_at <= :now
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
)
_TRIED: Final = text("UPDATE webhook SET tries = tries + 1, due_at = :due_at WHERE id = :id")
_END: Final = text("UPDATE webhook SET ended_at = :now WHERE id = :id")


def signature_of(key: bytes, signed_at: int, body: bytes) -> str:
    """The header of a notice, as the contract has it."""
    return f"t={signed_at},v1={hmac.new(key, f'{signed_at}.'.encode() + body, 'sha256').hexdigest()}"


def open_webhook_key(folder: Path) -> bytes:
    """The key that the bank shares with its caller, made at the first start: 64 hex digits, used as they stand."""
    path = folder / KEY
    if not path.exists():
        write_secret(path, secrets.token_hex(32).encode())
    return path.read_bytes().strip()


class WebhookSender:
    """Sends what waits to one address. `client`: without redirects and without a proxy of the environment."""

    def __init__(self, database: Database, clock: Clock, client: httpx.AsyncClient, url: str, key: bytes) -> None:
        self._database, self._clock, self._client, self._url, self._key = database, clock, client, url, key

    async def run(self) -> None:
        """Send for ever. A database that is away is asked again."""
        while True:
            try:
                while await self.send_next():
                    pass
            except Exception as error:
                if not isinstance(problem_of(error), Unavailable):
                    raise
            await asyncio.sleep(POLL_S)

    async def send_next(self) -> bool:
        """Send the next notice that is due; False when none is. What the fault script says of it is used up first."""
        now = self._clock.now()
        async with self._database.engine.begin() as conn:
            row = (await conn.execute(_DUE, {"now": now})).one_or_none()
            if row is None:
                return False
            fault = await faults.take(conn, FaultPoint.webhook, now)
            # Noted before it is sent: a crash in between sends it again, and never forgets it.
            wait = timedelta(seconds=min(2**row.tries, 3600))
            await conn.execute(_TRIED, {"id": row.id, "due_at": now + wait})
        kind = fault.kind if fault else None
        statuses = [await self._call(bytes(row.body), fault, now) for _ in range(_times(kind))]
        taken = all(status is not None and 200 <= status < 300 for status in statuses)
        async with self._database.engine.begin() as conn:
            if taken or row.tries + 1 >= TRIES_MAX:
                await conn.execute(_END, {"id": row.id, "now": now})
            await journal.keep(
                conn,
                at=now,
                operation="webhook",
                target=f"POST {self._url}",
                request=bytes(row.body),
                status=statuses[-1] if statuses else None,
                fault=kind.value if kind else None,
            )
        return True

    async def _call(self, body: bytes, fault: faults.Fault | None, now: datetime) -> int | None:
        """The status of the answer, None without one."""
        kind = fault.kind if fault else None
        key = secrets.token_bytes(32) if kind is FaultKind.bad_signature else self._key
        skew = fault.seconds if fault is not None and kind is FaultKind.clock_skew else 0
        header = signature_of(key, int(now.timestamp() + skew), body)
        if fault is not None and kind is FaultKind.altered_sum:
            told: dict[str, Any] = msgspec.json.decode(body)
            body = msgspec.json.encode(told | {"amount_kopecks": told["amount_kopecks"] + fault.kopecks})
        headers = {HEADER: header, "Content-Type": "application/json"}
        try:
            return (await self._client.post(self._url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return None


def _times(kind: FaultKind | None) -> int:
    return {FaultKind.lost: 0, FaultKind.duplicate: 2}.get(kind, 1) if kind else 1
