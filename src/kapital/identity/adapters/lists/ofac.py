"""The SDN list of OFAC: `sdn.xml` (sdnList), or the folder of `sdn.csv`, `alt.csv` and `sdn_comments.csv`."""

import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO, Final

from kapital.identity.adapters.lists.reading import Reading, entry_of, unreadable
from kapital.identity.adapters.lists.xml_stream import Node, records_of
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind

_EMPTY: Final = "-0-"
_COLUMNS: Final = 12
_BORN: Final = re.compile(r"\b(?:alt\. )?DOB (?:circa )?([^;.]+)")
_PASSPORT: Final = re.compile(r"\bPassport ([A-Z0-9-]+)")
_NUMBER: Final = re.compile(r"\b(?:National ID No\.|Registration (?:Number|ID)|Company Number|SSN) ([A-Z0-9.-]+)")
_ALIAS: Final = re.compile(r"[af]\.k\.a\. '([^']+)'")
_THINGS: Final = ("vessel", "aircraft")


def read_xml(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Entries of `sdn.xml`; vessels and aircraft are left out and counted."""
    for root, record in records_of(file, roots=("sdnList",), records=("sdnEntry", "publshInformation")):
        if record.name == "publshInformation":
            reading.list_date = record.first("Publish_Date")
            continue
        del root
        if (entry := _entry(record, reading)) is not None:
            yield entry


def _entry(record: Node, reading: Reading) -> ListEntry | None:
    uid, kind = record.first("uid"), record.first("sdnType").lower()
    if kind in _THINGS:
        reading.report(uid, "thing_left_out")
        return None
    return entry_of(
        reading,
        uid=uid,
        kind=_kind(kind),
        names=[_name(record), *(_name(aka) for aka in record.all("akaList", "aka"))],
        birth_dates=record.texts("dateOfBirthList", "dateOfBirthItem", "dateOfBirth"),
        identifiers=[(_number_kind(i.first("idType")), i.first("idNumber")) for i in record.all("idList", "id")],
        programs=record.texts("programList", "program"),
    )


def _name(node: Node) -> str:
    return f"{node.first('firstName')} {node.first('lastName')}".strip()


def _kind(text: str) -> SubjectKind:
    return SubjectKind.PERSON if text == "individual" else SubjectKind.ORGANISATION


def _number_kind(text: str) -> IdentifierKind:
    text = text.lower()
    if "passport" in text:
        return IdentifierKind.PASSPORT
    if "tax id" in text:
        return IdentifierKind.INN
    return IdentifierKind.OTHER


def read_csv(sdn: BinaryIO, alt: BinaryIO | None, comments: BinaryIO | None, reading: Reading) -> Iterator[ListEntry]:
    """Entries of the CSV set. Birth dates, passports and weak aliases stand inside the remarks."""
    aliases: dict[str, list[str]] = {}
    for row in _rows(alt, 5) if alt is not None else ():
        aliases.setdefault(row[0], []).append(_turned(row[3]))
    remarks: dict[str, str] = {}
    for row in _rows(comments, 2) if comments is not None else ():
        remarks[row[0]] = remarks.get(row[0], "") + row[1]
    for row in _rows(sdn, _COLUMNS):
        uid, name, kind, program, remark = row[0], row[1], row[2].lower(), row[3], row[11] + remarks.get(row[0], "")
        if kind in _THINGS:
            reading.report(uid, "thing_left_out")
            continue
        person = kind == "individual"
        entry = entry_of(
            reading,
            uid=uid,
            kind=_kind(kind),
            names=[_turned(name) if person else name, *aliases.get(uid, ()), *_ALIAS.findall(remark)],
            birth_dates=_BORN.findall(remark) if person else (),
            identifiers=[
                *((IdentifierKind.PASSPORT, number) for number in _PASSPORT.findall(remark)),
                *((IdentifierKind.OTHER, number) for number in _NUMBER.findall(remark)),
            ],
            programs=program.replace("] [", ";").split(";"),
        )
        if entry is not None:
            yield entry


def _rows(file: BinaryIO, columns: int) -> Iterator[list[str]]:
    """Rows with `-0-` emptied. The files end with a control sign (0x1A), and may be in an old code page."""
    text = TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    try:
        for number, row in enumerate(csv.reader(text, strict=True), start=1):
            if not row or row == ["\x1a"]:
                continue
            if len(row) != columns:
                raise unreadable(f"{len(row)} columns in place of {columns}", line=number)
            yield ["" if cell.strip() == _EMPTY else cell.strip() for cell in row]
    except csv.Error as error:
        raise unreadable(f"not CSV: {error}") from error
    finally:
        text.detach()


def _turned(name: str) -> str:
    """«SURNAME, Given» as «Given SURNAME»."""
    surname, comma, given = name.partition(", ")
    return f"{given} {surname}" if comma else name
