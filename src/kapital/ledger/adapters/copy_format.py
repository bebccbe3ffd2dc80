"""Entry rows in PostgreSQL's binary COPY format.

The driver encodes any record, value by value; here the shape is known, so one `struct` call makes a whole row.
Source: PostgreSQL documentation, COPY, section "Binary Format"; array_send in utils/adt/arrayfuncs.c.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Final

from kapital.ledger.domain.plan import EntryRow

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_INT8_OID: Final = 20
_COLUMNS: Final = 4
_ARRAY_HEADER_BYTES: Final = 20
_ELEMENT_BYTES: Final = 12  # length word and value


@lru_cache(maxsize=256)
def _row(numbers: int) -> Struct:
    """Return the layout of a row whose array holds so many numbers, up to the length word of the body."""
    return Struct(">hiqi16siiiiii" + "iq" * numbers + "i" if numbers else ">hiqi16siiiii")


async def copy_entries(rows: Iterable[EntryRow]) -> AsyncIterator[bytes]:
    """Give the rows as the stream of `COPY entry (seq, id, legs, body) FROM STDIN (FORMAT binary)`, in one piece.

    An asynchronous iterator, because the driver would read a file in another thread.
    """
    yield b"".join(_parts(rows))


def _parts(rows: Iterable[EntryRow]) -> Iterator[bytes]:
    yield _SIGNATURE
    for seq, entry_id, legs, body in rows:
        count = len(legs)
        head = (_COLUMNS, 8, seq, 16, entry_id.bytes)
        if count:
            values = [8] * (2 * count)
            values[1::2] = legs
            array = (_ARRAY_HEADER_BYTES + _ELEMENT_BYTES * count, 1, 0, _INT8_OID, count, 1)
            yield _row(count).pack(*head, *array, *values, len(body))
        else:
            # An array without elements has no dimensions.
            yield _row(0).pack(*head, 12, 0, 0, _INT8_OID, len(body))
        yield body
    yield _TRAILER
