"""The consolidated list of the UN Security Council (XML)."""

from collections.abc import Iterator
from typing import BinaryIO

from kapital.identity.adapters.lists.reading import Reading, entry_of
from kapital.identity.adapters.lists.xml_stream import Node, records_of
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Individuals and entities, each once."""
    for root, record in records_of(file, roots=("CONSOLIDATED_LIST",), records=("INDIVIDUAL", "ENTITY")):
        reading.list_date = reading.list_date or root.attributes.get("dateGenerated")
        person = record.name == "INDIVIDUAL"
        if (entry := _entry(record, record.name, person, reading)) is not None:
            yield entry


def _entry(record: Node, prefix: str, person: bool, reading: Reading) -> ListEntry | None:
    parts = [record.first(f"{part}_NAME") for part in ("FIRST", "SECOND", "THIRD", "FOURTH")]
    return entry_of(
        reading,
        uid=record.first("DATAID") or record.first("REFERENCE_NUMBER"),
        kind=SubjectKind.PERSON if person else SubjectKind.ORGANISATION,
        names=[
            " ".join(part for part in parts if part),
            *record.texts("NAME_ORIGINAL_SCRIPT"),
            *(alias for node in record.all(f"{prefix}_ALIAS") for alias in node.texts("ALIAS_NAME")),
        ],
        birth_dates=[day for node in record.all("INDIVIDUAL_DATE_OF_BIRTH") for day in _days(node)],
        identifiers=[
            (_kind(paper.first("TYPE_OF_DOCUMENT")), paper.first("NUMBER"))
            for paper in record.all("INDIVIDUAL_DOCUMENT")
        ],
        programs=record.texts("UN_LIST_TYPE"),
    )


def _days(node: Node) -> list[str]:
    """A day, a year, or every year of a span: who was born "between" may be any of them."""
    first, last = node.first("FROM_YEAR"), node.first("TO_YEAR")
    if first.isdigit() and last.isdigit() and 0 <= int(last) - int(first) <= 30:
        return [str(year) for year in range(int(first), int(last) + 1)]
    return [node.first("DATE") or node.first("YEAR")]


def _kind(text: str) -> IdentifierKind:
    return IdentifierKind.PASSPORT if "passport" in text.lower() else IdentifierKind.OTHER
