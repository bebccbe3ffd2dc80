"""Entries as they are hashed, and the instants of the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kapital.ledger.adapters.store import Connection
from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.problems import EntryNotFound, RangeTooLarge

MAX_ENTRIES_PER_READ: Final = 10_000


async def entries(connection: Connection, start: int, stop: int) -> list[StoredEntry]:
    """Return the entries with start <= seq < stop; those past the end of the log are not there yet."""
    if stop - start > MAX_ENTRIES_PER_READ:
        raise RangeTooLarge(facts={"most": MAX_ENTRIES_PER_READ, "asked": stop - start})
    rows = await connection.fetch(
        "SELECT seq, body FROM entry WHERE seq >= $1 AND seq < $2 ORDER BY seq", start, stop
    )
    return [StoredEntry(seq, body) for seq, body in rows]


async def entries_of(connection: Connection, seqs: Sequence[int]) -> list[StoredEntry]:
    """Return these entries, in the order of their numbers. Raises EntryNotFound."""
    rows = await connection.fetch("SELECT seq, body FROM entry WHERE seq = ANY($1) ORDER BY seq", sorted(set(seqs)))
    found = [StoredEntry(seq, body) for seq, body in rows]
    if len(found) != len(set(seqs)):
        missing = min(set(seqs) - {e.seq for e in found})
        raise EntryNotFound(facts={"seq": missing})
    return found


async def size_before(connection: Connection, at: datetime) -> int:
    """Return how many entries were recorded at or before the instant."""
    size = await connection.fetchval(
        "SELECT size_after FROM batch WHERE recorded_at <= $1 ORDER BY recorded_at DESC LIMIT 1", at
    )
    return size or 0
