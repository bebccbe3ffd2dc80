"""The clocks a process may run on; the domain sees only `kapital.kernel.clock.Clock`."""

import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Tick: TypeAlias = Callable[[datetime], Awaitable[None]]
Ticks: TypeAlias = Sequence[Tick]
"""What time alone brings in a service: to be called again and again with the present instant, by any process."""


class SystemClock:
    """The computer's clock, which a time daemon must hold (the ledger's own clock also never goes back)."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)


class SteppedClock:
    """A clock for demonstrations and tests: starts where told, ticks with real time, jumps ahead on demand.

    Promise: `now()` never goes back, whatever was called; a move into the past raises ValueError.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be an aware instant")
        self._base = start.astimezone(UTC)
        self._ticked_from_ns = time.monotonic_ns()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The stepped instant, aware, UTC."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        return self._base + timedelta(microseconds=(time.monotonic_ns() - self._ticked_from_ns) // 1000)

    def advance(self, by: timedelta) -> datetime:
        """Jump ahead by a length of time and return the new instant."""
        if by < timedelta(0):
            raise ValueError("a clock does not go back")
        with self._lock:
            self._base += by
            return self._now()

    def set(self, at: datetime) -> datetime:
        """Jump to an instant not before the present one."""
        if at.tzinfo is None:
            raise ValueError("the instant must be aware")
        with self._lock:
            if at < self._now():
                raise ValueError("a clock does not go back")
            self._base, self._ticked_from_ns = at.astimezone(UTC), time.monotonic_ns()
            return self._now()
