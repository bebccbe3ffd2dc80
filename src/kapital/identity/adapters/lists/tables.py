"""Lists that come as tables: the EU's CSV, the UK's ConList CSV. Rows of one subject are gathered by its number."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO, Final

from kapital.identity.adapters.lists.reading import ENTRIES_MAX, Reading, entry_of, unreadable
from kapital.identity.domain.problems import ListFileTooLarge
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind

_EU_KINDS: Final = {
    "p": SubjectKind.PERSON,
    "person": SubjectKind.PERSON,
    "e": SubjectKind.ORGANISATION,
    "enterprise": SubjectKind.ORGANISATION,
}
_UK_KINDS: Final = {"individual": SubjectKind.PERSON, "entity": SubjectKind.ORGANISATION}
_UK_THINGS: Final = ("ship",)
_UK_NAMES: Final = ("Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name 6")

_LINE_MAX: Final = 1_000
Row = dict[str, str]


def read_eu(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """The consolidated list of the European Union, CSV 1.1: one row for each name, number or date of a subject."""
    with _text(file) as lines:
        rows = _rows(lines, ";", ("Entity_LogicalId", "NameAlias_WholeName"))
        for uid, group in _grouped(rows, "Entity_LogicalId", reading).items():
            reading.list_date = reading.list_date or group[0].get("fileGenerationDate") or None
            code = _first(group, "Entity_SubjectType_ClassificationCode") or _first(group, "Entity_SubjectType")
            if (kind := _EU_KINDS.get(code.lower())) is None:
                reading.report(uid, "subject_kind_not_known")
            entry = entry_of(
                reading,
                uid=uid,
                kind=kind or SubjectKind.UNKNOWN,
                names=_all(group, "NameAlias_WholeName"),
                birth_dates=[row.get("BirthDate_BirthDate") or row.get("BirthDate_Year", "") for row in group],
                identifiers=[
                    (_passport_or_other(row.get("Identification_TypeCode", "")), row.get("Identification_Number", ""))
                    for row in group
                ],
                countries=_all(group, "Citizenship_CountryIso2Code"),
                programs=_all(group, "Entity_Regulation_Programme"),
            )
            if entry is not None:
                yield entry


def read_uk(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """The consolidated list of the United Kingdom (ConList.csv): a line with its date, the header, one row a name."""
    with _text(file) as lines:
        try:
            stated = next(csv.reader([lines.readline(_LINE_MAX)]), [])
        except UnicodeDecodeError as error:
            raise unreadable("not CSV in UTF-8: UnicodeDecodeError", line=1) from error
        if len(stated) < 2 or stated[0].strip().lower() != "last updated":
            raise unreadable("the first line does not say when the list was updated", line=1)
        reading.list_date = stated[1].strip() or None
        rows = _rows(lines, ",", ("Group ID", "Group Type", "Name 6"))
        for uid, group in _grouped(rows, "Group ID", reading).items():
            code = _first(group, "Group Type").lower()
            if code in _UK_THINGS:
                reading.report(uid, "thing_left_out")
                continue
            if (kind := _UK_KINDS.get(code)) is None:
                reading.report(uid, "subject_kind_not_known")
            entry = entry_of(
                reading,
                uid=uid,
                kind=kind or SubjectKind.UNKNOWN,
                names=[
                    *(" ".join(part for name in _UK_NAMES if (part := row.get(name, ""))) for row in group),
                    *_all(group, "Name Non-Latin Script"),
                ],
                birth_dates=_all(group, "DOB"),
                identifiers=[
                    *((IdentifierKind.PASSPORT, number) for number in _all(group, "Passport Number")),
                    *((IdentifierKind.OTHER, number) for number in _all(group, "National Identification Number")),
                ],
                programs=_all(group, "Regime"),
            )
            if entry is not None:
                yield entry


class _text:  # noqa: N801 - used as a function
    """The file as text, given back when it was read: its owner hashes what is left."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="")

    def __enter__(self) -> TextIOWrapper:
        return self._text

    def __exit__(self, *_: object) -> None:
        self._text.detach()


def _rows(lines: TextIOWrapper, delimiter: str, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        reader = csv.DictReader(lines, delimiter=delimiter, restkey="", strict=True)
        header = tuple(reader.fieldnames or ())
        if missing := [name for name in needed if name not in header]:
            raise unreadable(f"the header has no column {missing[0]}")
        for row in reader:
            if "" in row or None in row.values():
                raise unreadable("a row has another number of columns than the header", line=reader.line_num)
            yield {name: value.strip() for name, value in row.items()}
    except (csv.Error, UnicodeDecodeError) as error:
        raise unreadable(f"not CSV in UTF-8: {error.__class__.__name__}") from error


def _grouped(rows: Iterator[Row], key: str, reading: Reading) -> dict[str, list[Row]]:
    """Rows by number, in the order of the file; the rows of one subject need not stand together."""
    groups: dict[str, list[Row]] = {}
    for number, row in enumerate(rows, start=1):
        if number > ENTRIES_MAX:
            raise ListFileTooLarge(facts={"entries_max": ENTRIES_MAX})
        if uid := row[key]:
            groups.setdefault(uid, []).append({name: value for name, value in row.items() if value})
        else:
            reading.report(f"row {number}", "entry_without_number")
    return groups


def _first(group: list[Row], column: str) -> str:
    return next((row[column] for row in group if column in row), "")


def _all(group: list[Row], column: str) -> list[str]:
    return [row[column] for row in group if column in row]


def _passport_or_other(code: str) -> IdentifierKind:
    return IdentifierKind.PASSPORT if "passport" in code.lower() else IdentifierKind.OTHER
