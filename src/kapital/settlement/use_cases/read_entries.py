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
    postings: tuple[EntryPosting, ...] = ()


read_entry: Final = msgspec.json.Decoder(ReadEntry).decode
"""Decodes the body of one stored entry."""


class _Place(msgspec.Struct):
    position: Position


class _Change(msgspec.Struct):
    account: _Place


class _Reference(msgspec.Struct):
    reference: str


class EntryGlance(msgspec.Struct):
    """What shows whether an entry has to be read whole."""

    basis: _Reference
    recorded_at: datetime
    postings: tuple[_Change, ...] = ()


glance_at: Final = msgspec.json.Decoder(EntryGlance).decode
"""Decodes of the body of one stored entry what a glance takes in: a third of what reading it whole costs."""


async def read_entries(ledger: Ledger, start: int, stop: int) -> list[ReadEntry]:
    """The entries with start <= seq < stop, at most 10,000; decoded beside the event loop."""
    return await asyncio.to_thread(_decoded, await ledger.entries(start, stop))


def _decoded(stored: Sequence[StoredEntry]) -> list[ReadEntry]:
    return [read_entry(entry.body) for entry in stored]
