"""How much memory all processes of a measurement take together: ours, the ledger's writer, PostgreSQL.

Shared pages are counted once: each process is charged its proportional share (PSS of Linux), and the shares are added
at each look. Elsewhere than on Linux only the peak of this process and its children is known.
"""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 0.5
_PROC: Final = Path("/proc")


class Peak:
    """The largest sum seen while it was watched, in MB."""

    def __init__(self) -> None:
        self.mb = 0

    def look(self, roots: list[int]) -> None:
        """Add up now what these processes and all below them take."""
        self.mb = max(self.mb, sum(_pss_kb(pid) for pid in _family(roots)) // 1024)


@contextmanager
def watched(roots: list[int]) -> Iterator[Peak]:
    """Watch the processes `roots` and all below them until the block ends."""
    peak, over = Peak(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            peak.look(roots)

    watcher = threading.Thread(target=watch, daemon=True)
    if (_PROC / "self" / "smaps_rollup").exists():
        peak.look(roots)
        watcher.start()
    try:
        yield peak
    finally:
        over.set()
        if watcher.is_alive():
            watcher.join()
            peak.look(roots)
        else:
            peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            peak.mb = sum(peaks) // 1024


def _family(roots: list[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            # The name in brackets may hold anything; the parent stands second after it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def _pss_kb(pid: int) -> int:
    with suppress(OSError, ProcessLookupError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
