"""Lists of Rosfinmonitoring (Перечень): XML of version 2.x, and its MVK and proliferation kin of the same shape.

Element names as in the service document of 28.08.2025. Names of the MVK file were not published; a file of another
shape is refused whole.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from kapital.identity.adapters.lists.reading import Reading, entry_of
from kapital.identity.adapters.lists.xml_stream import Node, records_of
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind

_KINDS: Final = {
    "1": SubjectKind.ORGANISATION,
    "2": SubjectKind.PERSON,
    "3": SubjectKind.ORGANISATION,
    "4": SubjectKind.PERSON,
}


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Entries of the list in force; those lately excluded stand apart in the file and are not taken."""
    for root, record in records_of(file, roots=("Перечень",), records=("Субъект",)):
        reading.list_date = reading.list_date or root.first("ДатаПеречня") or root.attributes.get("ДатаПеречня")
        if record.within in _CHANGES_ONLY:
            continue
        if (entry := _entry(record, reading)) is not None:
            yield entry


_CHANGES_ONLY: Final = frozenset({"ПоследниеВключенные", "ПоследниеИсключенные"})
"""Blocks that tell what changed; who was included lately stands in the list itself too."""


def _entry(subject: Node, reading: Reading) -> ListEntry | None:
    uid = subject.first("ИдСубъекта")
    code = subject.first("ТипСубъекта", "Идентификатор")
    kind = _KINDS.get(code)
    if kind is None:
        reading.report(uid, "subject_kind_not_known")
        kind = SubjectKind.UNKNOWN
    person = next(subject.all("ФЛ"), Node("ФЛ"))
    company = next(subject.all("ЮЛ"), Node("ЮЛ"))
    documents = [
        (IdentifierKind.PASSPORT, paper.first("Серия") + paper.first("Номер"))
        for holder in ("СписокДокументов",)
        for paper in _below(person, holder)
    ]
    return entry_of(
        reading,
        uid=uid,
        kind=kind,
        names=[
            person.first("ФИО"),
            company.first("Наименование"),
            *_other_names(person),
            *_other_names(company),
        ],
        birth_dates=[person.first("ДатаРождения") or person.first("ГодРождения")],
        identifiers=[
            *documents,
            (IdentifierKind.INN, person.first("ИНН")),
            (IdentifierKind.SNILS, person.first("СНИЛС")),
            (IdentifierKind.INN, company.first("ИНН")),
            (IdentifierKind.OGRN, company.first("ОГРН")),
        ],
        programs=["Перечень Росфинмониторинга"],
    )


def _below(node: Node, name: str) -> Iterator[Node]:
    """The children of a list element, whatever they are called."""
    for holder in node.all(name):
        yield from holder.children


def _other_names(node: Node) -> list[str]:
    return [
        text
        for other in _below(node, "СписокДрНаименований")
        if (text := other.first("Наименование") or other.first("ФИО") or other.text)
    ]
