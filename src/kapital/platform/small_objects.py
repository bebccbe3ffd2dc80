"""Small objects in one SQLite file: what comes together is one commit, and waits for the disk once.

As files of their own each would wait for it two or three times (its bytes, its folders), which is what a signed order
cannot afford. Law of the file: write-ahead log, `synchronous = FULL` – a commit that has returned survives a crash of
the machine; several processes may use it at once.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kapital.platform.problems import DatabaseBusy, StorageFull

SMALL_BYTES_MAX: Final = 65_536
_BUSY_S: Final = 10.0
_FULL: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE"})
_BUSY: Final = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT"})
_OPEN: Final = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 8000",  # pages, 64 MB: what is written twice is written in long runs
    "CREATE TABLE IF NOT EXISTS object (sha256 BLOB PRIMARY KEY, content BLOB NOT NULL)",
)


class SmallObjects:
    """Bytes by their SHA-256 (hex). Blocking: call it in a thread; calls of several threads take turns.

    The file is made by the first `put`; before it nothing is found.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Keep all of them or none, durably; what is there already stays. Raises: StorageFull, DatabaseBusy."""
        rows = [(bytes.fromhex(key), content) for key, content in objects]
        with self._lock, _told():
            connection = self._opened()
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR IGNORE INTO object (sha256, content) VALUES (?, ?)", rows)

    def find(self, key: str) -> bytes | None:
        """The bytes of a key, or None. Raises: DatabaseBusy."""
        with self._lock, _told():
            if self._connection is None and not self._path.exists():
                return None
            asked = self._opened().execute("SELECT content FROM object WHERE sha256 = ?", (bytes.fromhex(key),))
            row = asked.fetchone()
        return None if row is None else bytes(row[0])

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            # Autocommit: transactions are begun and ended here, by name.
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=8
            )
            for statement in _OPEN:
                connection.execute(statement)
            self._connection = connection
            weakref.finalize(self, connection.close)
        return self._connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name in _FULL:
            raise StorageFull from error
        if name in _BUSY:
            raise DatabaseBusy from error
        raise
