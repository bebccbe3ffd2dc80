"""`kapital up`, whole, with a clock that runs but stands at another time: `up_at_another_time.py SECONDS_AHEAD`.

The terms of the examples have dates, and a test must not fail when they have passed.
"""

import sys
from datetime import UTC, datetime, timedelta
from functools import partial

from kapital import app, cli


class ClockAhead:
    """The clock of the world, so many seconds ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


if __name__ == "__main__":
    app.SystemClock = partial(ClockAhead, timedelta(seconds=float(sys.argv.pop())))  # type: ignore[assignment,misc]
    cli.up()
