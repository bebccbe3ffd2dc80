"""The consolidated financial sanctions list of the European Union (XML, FSF schema 1.1)."""

from collections.abc import Iterator
from typing import BinaryIO

from kapital.identity.adapters.lists.reading import Reading, entry_of
from kapital.identity.adapters.lists.xml_stream import Node, records_of
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Persons and enterprises, each once."""
    for root, record in records_of(file, roots=("export",), records=("sanctionEntity",)):
        reading.list_date = reading.list_date or root.attributes.get("generationDate")
        if (entry := _entry(record, reading)) is not None:
            yield entry


def _entry(record: Node, reading: Reading) -> ListEntry | None:
    uid = record.attributes.get("logicalId", "") or record.attributes.get("euReferenceNumber", "")
    code = next((node.attributes.get("code", "") for node in record.all("subjectType")), "").lower()
    if code not in ("person", "enterprise"):
        reading.report(uid, "subject_kind_not_known")
    kind = {"person": SubjectKind.PERSON, "enterprise": SubjectKind.ORGANISATION}.get(code, SubjectKind.UNKNOWN)
    return entry_of(
        reading,
        uid=uid,
        kind=kind,
        names=[_name(alias.attributes) for alias in record.all("nameAlias")],
        birth_dates=[
            node.attributes.get("birthdate", "") or node.attributes.get("year", "")
            for node in record.all("birthdate")
        ],
        identifiers=[
            (_number_kind(node.attributes), node.attributes.get("number", ""))
            for node in record.all("identification")
        ],
        countries=[node.attributes.get("countryIso2Code", "") for node in record.all("citizenship")],
        programs=[node.attributes.get("programme", "") for node in record.all("regulation")],
    )


def _name(alias: dict[str, str]) -> str:
    parts = (alias.get(part, "") for part in ("firstName", "middleName", "lastName"))
    return alias.get("wholeName", "") or " ".join(part for part in parts if part)


def _number_kind(attributes: dict[str, str]) -> IdentifierKind:
    code = attributes.get("identificationTypeCode", "").lower()
    return IdentifierKind.PASSPORT if "passport" in code else IdentifierKind.OTHER
