"""The clock of a fault run: it runs, and a file says how far it is ahead, so that days can pass for all processes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

FILE: Final = "clock-ahead"


class RunClock:
    """The clock of the world, so many seconds ahead as the file of the run's folder says. Never set back."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._seen_ns, self._ahead = -1, timedelta(0)

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        changed_ns = self._file.stat().st_mtime_ns
        if changed_ns != self._seen_ns:
            self._seen_ns, self._ahead = changed_ns, timedelta(seconds=float(self._file.read_text()))
        return datetime.now(UTC) + self._ahead

    def start_at(self, instant: datetime) -> None:
        """Begin the run at this instant."""
        self._write(instant - datetime.now(UTC))

    def go_to(self, instant: datetime) -> None:
        """Let the time until `instant` pass, if it has not."""
        if (missing := instant - self.now()) > timedelta(0):
            self._write(self._ahead + missing)

    def _write(self, ahead: timedelta) -> None:
        # In one step: other processes read at any time.
        made = self._file.with_suffix(".new")
        made.write_text(repr(ahead.total_seconds()))
        made.replace(self._file)
