"""Entries of the register as settlement looks at them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.ledger.api import Basis, Ledger, Position, StoredEntry


class EntryAccount(msgspec.Struct, frozen=True):
    """An account that an entry changes."""

    asset: UUID
    position: Position
    wallet: UUID


class EntryPosting(msgspec.Struct, frozen=True):
    """One change; `amount` is a whole number with its sign."""

    account: EntryAccount
    amount: str


class ReadEntry(msgspec.Struct, frozen=True):
    """What of an entry is looked at."""

    seq: int
    basis: Basis
    recorded_at: datetime
    postings: tuple[EntryPosting, ...] = ()


read_entry: Final = msgspec.json.Decoder(ReadEntry).decode
"""Of the bytes of an entry."""


async def read_entries(ledger: Ledger, start: int, stop: int) -> list[ReadEntry]:
    """The entries with start <= seq < stop, at most 10,000; decoded beside the event loop."""
    return await asyncio.to_thread(_decoded, await ledger.entries(start, stop))


def _decoded(stored: Sequence[StoredEntry]) -> list[ReadEntry]:
    return [read_entry(entry.body) for entry in stored]
