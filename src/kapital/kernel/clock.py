"""The port through which time is given; the kernel and the domains never read a clock themselves."""

from datetime import datetime, timedelta
from typing import Protocol

from kapital.kernel.problems import ensure


class Clock(Protocol):
    """Gives the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


def require_utc(at: datetime) -> datetime:
    """Return `at` if it is aware and in UTC; anything else is our own fault (InvariantBroken)."""
    ensure(at.utcoffset() == timedelta(0), "an instant must be aware and in UTC")
    return at
