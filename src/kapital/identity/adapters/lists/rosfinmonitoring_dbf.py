"""The older file of Rosfinmonitoring's list: dBASE III in code page 866.

Only the fields whose meaning is known are read: NUMBER (the entry), NAMEU (a name; a long one goes on in the next row
of the same number), GR (date of birth). The kind of subject is not known, so an entry is compared with persons and
companies alike. The layout in force was not published; a file without NUMBER and NAMEU is refused whole.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from kapital.identity.adapters.lists.reading import Reading, entry_of, unreadable
from kapital.identity.domain.screening import ListEntry, SubjectKind

_HEADER: Final = struct.Struct("<BBBBIHH20x")
_FIELD: Final = struct.Struct("<11sc4xB15x")
_END_OF_FIELDS: Final = b"\r"
_END_OF_FILE: Final = 0x1A
_DELETED: Final = ord("*")
_FIELDS_MAX: Final = 255
_NAME_FIELD_FULL: Final = 254
"""Signs of a name field from which on the name may go on in the next row."""
Field = tuple[str, int, int]
"""Name, where it begins in a record, length."""


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Entries in the order of the file; rows of one number stand together."""
    version, year, month, day, count, header_bytes, record_bytes = _HEADER.unpack(_exactly(file, _HEADER.size))
    if version not in (0x03, 0x83):
        raise unreadable("not a dBASE III file")
    fields = {name: (start, length) for name, start, length in _fields(file, header_bytes, record_bytes)}
    if missing := [name for name in ("NUMBER", "NAMEU") if name not in fields]:
        raise unreadable(f"the table has no field {missing[0]}")
    reading.list_date = f"{1900 + year:04d}-{month:02d}-{day:02d}"
    open_number, names, born = "", list[str](), list[str]()
    for _ in range(count):
        record = _exactly(file, record_bytes)
        if record[0] == _DELETED:
            continue
        number, name = _text(record, *fields["NUMBER"]), _text(record, *fields["NAMEU"])
        if number != open_number:
            yield from _entry(reading, open_number, names, born)
            open_number, names, born = number, [], []
        if names and len(names[-1].encode("cp866", "replace")) >= _NAME_FIELD_FULL:
            names[-1] += name
        else:
            names.append(name)
        if "GR" in fields:
            born.append(_text(record, *fields["GR"]))
    yield from _entry(reading, open_number, names, born)
    rest = file.read(2)
    if rest and rest[0] != _END_OF_FILE:
        raise unreadable("the table goes on after its last record")


def _entry(reading: Reading, number: str, names: list[str], born: list[str]) -> Iterator[ListEntry]:
    if not names:
        return
    days = [_dashed(day) for day in born]
    found = entry_of(reading, uid=number, kind=SubjectKind.UNKNOWN, names=names, birth_dates=days)
    if found is not None:
        yield found


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else day


def _fields(file: BinaryIO, header_bytes: int, record_bytes: int) -> Iterator[Field]:
    place, taken = 1, _HEADER.size
    for _ in range(_FIELDS_MAX):
        first = _exactly(file, 1)
        taken += 1
        if first == _END_OF_FIELDS:
            break
        name, _kind, length = _FIELD.unpack(first + _exactly(file, _FIELD.size - 1))
        taken += _FIELD.size - 1
        yield name.split(b"\0")[0].decode("ascii", "replace").upper(), place, length
        place += length
    else:
        raise unreadable("the table has more fields than dBASE allows")
    if place != record_bytes or taken > header_bytes:
        raise unreadable("the header does not add up")
    _exactly(file, header_bytes - taken)


def _exactly(file: BinaryIO, size: int) -> bytes:
    """So many bytes. A table that ends before is broken."""
    content = b""
    while len(content) < size:
        if not (more := file.read(size - len(content))):
            raise unreadable("the table is cut off")
        content += more
    return content


def _text(record: bytes, start: int, length: int) -> str:
    return record[start : start + length].decode("cp866").strip(" \0")
