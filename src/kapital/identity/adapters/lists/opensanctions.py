"""Entities of OpenSanctions: FollowTheMoney as JSON lines. Only those that can be a client are taken."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from kapital.identity.adapters.lists.reading import ENTRY_BYTES_MAX, Reading, entry_of, unreadable
from kapital.identity.domain.problems import ListFileTooLarge
from kapital.identity.domain.screening import IdentifierKind, ListEntry, ListPurpose, SubjectKind

_KINDS: Final = {
    "Person": SubjectKind.PERSON,
    "Organization": SubjectKind.ORGANISATION,
    "Company": SubjectKind.ORGANISATION,
    "PublicBody": SubjectKind.ORGANISATION,
    "LegalEntity": SubjectKind.UNKNOWN,
}
_NUMBERS: Final = {
    "innCode": IdentifierKind.INN,
    "ogrnCode": IdentifierKind.OGRN,
    "passportNumber": IdentifierKind.PASSPORT,
    "idNumber": IdentifierKind.OTHER,
    "registrationNumber": IdentifierKind.OTHER,
}
_NAMES: Final = ("name", "alias", "previousName")
_COUNTRIES: Final = ("country", "nationality", "citizenship", "jurisdiction")


class _Entity(msgspec.Struct, frozen=True):
    id: str
    schema: str
    properties: dict[str, list[str]]


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """One entity a line. Other schemata (addresses, links, ships) are left out and counted."""
    decode = msgspec.json.Decoder(_Entity).decode
    number = 0
    while line := file.readline(ENTRY_BYTES_MAX + 1):
        number += 1
        if len(line) > ENTRY_BYTES_MAX:
            raise ListFileTooLarge("one line is too long", {"bytes_max": ENTRY_BYTES_MAX, "line": number})
        if not line.strip():
            continue
        try:
            entity = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable("a line is not an entity in JSON", line=number) from error
        if entity.schema not in _KINDS:
            reading.report(entity.id, "schema_left_out")
        elif (entry := _entry(entity, reading)) is not None:
            yield entry


def _entry(entity: _Entity, reading: Reading) -> ListEntry | None:
    said = entity.properties
    topics = said.get("topics", [])
    only_pep = any(topic.startswith("role.") for topic in topics) and "sanction" not in topics
    return entry_of(
        reading,
        uid=entity.id,
        kind=_KINDS[entity.schema],
        names=[name for key in _NAMES for name in said.get(key, ())],
        birth_dates=said.get("birthDate", ()),
        identifiers=[(kind, value) for key, kind in _NUMBERS.items() for value in said.get(key, ())],
        countries=[code for key in _COUNTRIES for code in said.get(key, ())],
        purpose=ListPurpose.PEP if only_pep else ListPurpose.SANCTIONS,
        programs=said.get("program", ()),
    )
