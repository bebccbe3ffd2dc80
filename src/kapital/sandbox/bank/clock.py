"""The bank's clock, which a fault script may move."""

from datetime import datetime, timedelta

from kapital.kernel.clock import Clock


class BankClock:
    """Another clock, off by `skew`. Not: monotonic, when it is moved back."""

    def __init__(self, inner: Clock, skew: timedelta = timedelta(0)) -> None:
        self._inner, self.skew = inner, skew

    def now(self) -> datetime:
        """The bank's instant, aware, UTC."""
        return self._inner.now() + self.skew
