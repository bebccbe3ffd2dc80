"""The other forms in which lists come: OFAC's advanced XML, tables of the EU and the UK, dBASE, archives."""

import struct
import zipfile
from pathlib import Path

import pytest

from kapital.identity.adapters.lists import files
from kapital.identity.adapters.lists.files import ListFile, ListFormat
from kapital.identity.domain.problems import ListFileTooLarge, ListFileUnreadable
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind
from tests.identity.screening.conftest import perechen

ADVANCED = """<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="http://www.un.org/sanctions/1.0">
  <DateOfIssue CalendarTypeID="1"><Year>2026</Year><Month>8</Month><Day>5</Day></DateOfIssue>
  <ReferenceValueSets>
    <FeatureTypeValues><FeatureType ID="8">Birthdate</FeatureType></FeatureTypeValues>
    <IDRegDocTypeValues><IDRegDocType ID="1571">Passport</IDRegDocType></IDRegDocTypeValues>
    <PartySubTypeValues>
      <PartySubType ID="1" PartyTypeID="4">Vessel</PartySubType>
      <PartySubType ID="3" PartyTypeID="2">Unknown</PartySubType>
      <PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType>
    </PartySubTypeValues>
    <PartyTypeValues>
      <PartyType ID="1">Individual</PartyType><PartyType ID="2">Entity</PartyType>
      <PartyType ID="4">Transport</PartyType>
    </PartyTypeValues>
  </ReferenceValueSets>
  <IDRegDocuments><IDRegDocument ID="7" IDRegDocTypeID="1571" IdentityID="901">
    <IDRegistrationNo>AB 12-345678</IDRegistrationNo></IDRegDocument></IDRegDocuments>
  <DistinctParties>
    <DistinctParty FixedRef="11"><Profile ID="11" PartySubTypeID="4">
      <Identity ID="901" Primary="true">
        <Alias AliasTypeID="1403" Primary="true"><DocumentedName ID="1">
          <DocumentedNamePart><NamePartValue>PROVERKIN</NamePartValue></DocumentedNamePart>
          <DocumentedNamePart><NamePartValue>Prov</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
        <Alias AliasTypeID="1400"><DocumentedName ID="2">
          <DocumentedNamePart><NamePartValue>ПРОВЕРКИН Пров</NamePartValue></DocumentedNamePart>
          </DocumentedName></Alias>
      </Identity>
      <Feature ID="5" FeatureTypeID="8"><FeatureVersion ID="6"><DatePeriod>
        <Start><From><Year>1962</Year><Month>3</Month><Day>4</Day></From></Start>
        <End><To><Year>1962</Year><Month>3</Month><Day>4</Day></To></End></DatePeriod></FeatureVersion></Feature>
    </Profile></DistinctParty>
    <DistinctParty FixedRef="12"><Profile ID="12" PartySubTypeID="3"><Identity ID="902"><Alias><DocumentedName>
      <DocumentedNamePart><NamePartValue>ELOVY BEREG LLC</NamePartValue></DocumentedNamePart>
    </DocumentedName></Alias></Identity></Profile></DistinctParty>
    <DistinctParty FixedRef="13"><Profile ID="13" PartySubTypeID="1"><Identity ID="903"><Alias><DocumentedName>
      <DocumentedNamePart><NamePartValue>MV SOMETHING</NamePartValue></DocumentedNamePart>
    </DocumentedName></Alias></Identity></Profile></DistinctParty>
  </DistinctParties>
</Sanctions>"""
EU = (
    "\ufefffileGenerationDate;Entity_LogicalId;Entity_SubjectType;NameAlias_WholeName;BirthDate_BirthDate;"
    "BirthDate_Year;Identification_Number;Identification_TypeCode;Citizenship_CountryIso2Code;"
    "Entity_Regulation_Programme\n"
    "05/08/2026;13;P;Prov Proverkin;;;;;;UKR\n"
    "05/08/2026;14;E;ООО «Еловый берег»;;;;;;UKR\n"
    "05/08/2026;13;P;;1962-03-04;;;;;\n"
    "05/08/2026;13;P;;;;AB 12345;passport;RU;\n"
)
UK_HEADER = (
    "Name 6,Name 1,Name 2,Name Non-Latin Script,DOB,Passport Number,National Identification Number,Group Type,"
    "Regime,Group ID\n"
)
UK = (
    "Last Updated,05/08/2026\n"
    + UK_HEADER
    + "PROVERKIN,Prov,Provovich,Пров Проверкин,04/03/1962,,,Individual,Russia,100\n"
    + "PROVERKINE,Prov,,,00/00/1962,AB12345,,Individual,Russia,100\n"
    + "SOME SHIP,,,,,,,Ship,Russia,101\n"
    + "ELOVY BEREG,,,,,,,Entity,Russia,102\n"
)


def read(tmp_path: Path, content: bytes, file_format: ListFormat) -> tuple[ListFile, list[ListEntry]]:
    path = tmp_path / "list"
    path.write_bytes(content)
    file = ListFile(path, file_format)
    return file, list(file.read())


def dbf(*rows: tuple[str, str, str], fields: tuple[str, ...] = ("NUMBER", "NAMEU", "GR")) -> bytes:
    widths = dict(zip(fields, (6, 254, 8), strict=True))
    head = struct.pack("<BBBBIHH20x", 3, 126, 8, 5, len(rows), 33 + 32 * len(fields), 1 + sum(widths.values()))
    described = b"".join(struct.pack("<11sc4xB15x", name.encode(), b"C", width) for name, width in widths.items())
    body = b"".join(
        b" " + b"".join(c.encode("cp866").ljust(w) for c, w in zip(row, widths.values(), strict=True)) for row in rows
    )
    return head + described + b"\r" + body + b"\x1a"


def test_the_advanced_list_of_ofac_is_read_by_the_meanings_it_tells(tmp_path: Path) -> None:
    file, [prov, bereg] = read(tmp_path, ADVANCED.encode(), ListFormat.OFAC_ADVANCED_XML)

    assert (prov.uid, prov.particulars.kind) == ("11", SubjectKind.PERSON)
    assert prov.particulars.names == ("PROVERKIN Prov", "ПРОВЕРКИН Пров")
    assert prov.particulars.birth_dates == ("1962-03-04",)
    assert [(i.kind, i.value) for i in prov.particulars.identifiers] == [(IdentifierKind.PASSPORT, "AB12345678")]
    assert (bereg.uid, bereg.particulars.kind) == ("12", SubjectKind.ORGANISATION)
    assert file.list_date == "2026-08-05"
    assert file.deviations == [("13", "thing_left_out")]


def test_a_span_of_births_is_every_year_of_it(tmp_path: Path) -> None:
    span = ADVANCED.replace("<End><To><Year>1962</Year>", "<End><To><Year>1964</Year>")

    _, [prov, _] = read(tmp_path, span.encode(), ListFormat.OFAC_ADVANCED_XML)

    assert prov.particulars.birth_dates == ("1962", "1963", "1964")


def test_the_table_of_the_eu_gathers_rows_that_stand_apart(tmp_path: Path) -> None:
    file, [prov, bereg] = read(tmp_path, EU.encode(), ListFormat.EU_CSV)

    assert (prov.uid, prov.particulars.kind, prov.particulars.names) == (
        "13",
        SubjectKind.PERSON,
        ("Prov Proverkin",),
    )
    assert prov.particulars.birth_dates == ("1962-03-04",)
    assert [(i.kind, i.value) for i in prov.particulars.identifiers] == [(IdentifierKind.PASSPORT, "AB12345")]
    assert (prov.particulars.countries, prov.programs) == (("ru",), ("UKR",))
    assert bereg.particulars.kind is SubjectKind.ORGANISATION
    assert (file.list_date, file.deviation_count) == ("05/08/2026", 0)


def test_the_list_of_the_united_kingdom_is_read(tmp_path: Path) -> None:
    file, [prov, bereg] = read(tmp_path, UK.encode(), ListFormat.UK_CSV)

    assert (prov.uid, prov.particulars.kind) == ("100", SubjectKind.PERSON)
    assert prov.particulars.names == ("Prov Provovich PROVERKIN", "Prov PROVERKINE", "Пров Проверкин")
    assert prov.particulars.birth_dates == ("1962", "1962-03-04")
    assert [i.value for i in prov.particulars.identifiers] == ["AB12345"]
    assert bereg.particulars.kind is SubjectKind.ORGANISATION
    assert (file.list_date, file.deviations) == ("05/08/2026", [("101", "thing_left_out")])


def test_the_old_table_of_rosfinmonitoring_is_read(tmp_path: Path) -> None:
    long = "Общество " * 28 + "кк"
    rows = (("1", "ПРОВЕРКИН ПРОВ*", "19620304"), ("2", long[:254], ""), ("2", "конец", ""), ("1", "", "x"))

    file, entries = read(tmp_path, dbf(*rows[:3]), ListFormat.ROSFINMONITORING_DBF)

    assert [(e.uid, e.particulars.birth_dates) for e in entries] == [("1", ("1962-03-04",)), ("2", ())]
    assert entries[0].particulars.names == ("ПРОВЕРКИН ПРОВ*",)
    assert entries[0].particulars.kind is SubjectKind.UNKNOWN
    assert entries[1].particulars.names == (" ".join((long[:254] + "конец").split()),)
    assert file.list_date == "2026-08-05"


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (ADVANCED.encode()[:-200], ListFormat.OFAC_ADVANCED_XML),
        (b"<sdnList/>", ListFormat.OFAC_ADVANCED_XML),
        (EU.replace("NameAlias_WholeName", "Name").encode(), ListFormat.EU_CSV),
        (EU.encode() + b"1;2\n", ListFormat.EU_CSV),
        (EU.encode("utf-16"), ListFormat.EU_CSV),
        (UK.split("\n", 1)[1].encode(), ListFormat.UK_CSV),
        (UK.encode() + "Ю".encode("cp1251") + b"\n", ListFormat.UK_CSV),
        (dbf(("1", "ПРОВЕРКИН", ""))[:-100], ListFormat.ROSFINMONITORING_DBF),
        (dbf(("1", "ПРОВЕРКИН", ""), fields=("NUMBER", "NAME", "GR")), ListFormat.ROSFINMONITORING_DBF),
        (b"", ListFormat.ROSFINMONITORING_DBF),
        (b"\x03" + b"\xff" * 400, ListFormat.ROSFINMONITORING_DBF),
    ],
)
def test_a_broken_one_is_refused_whole(tmp_path: Path, content: bytes, file_format: ListFormat) -> None:
    with pytest.raises(ListFileUnreadable):
        read(tmp_path, content, file_format)


def zipped(tmp_path: Path, **members: bytes) -> bytes:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


def test_an_archive_of_one_file_is_that_file(tmp_path: Path) -> None:
    content = perechen(("1", "ПРОВЕРКИН ПРОВ", None))

    plain, entries = read(tmp_path, content, ListFormat.ROSFINMONITORING_XML)
    packed, same = read(tmp_path, zipped(tmp_path, te21=content), ListFormat.ROSFINMONITORING_XML)

    assert same == entries
    assert packed.sha256 == plain.sha256


def test_an_archive_of_more_or_of_nothing_or_broken_is_refused(tmp_path: Path) -> None:
    content = perechen(("1", "ПРОВЕРКИН ПРОВ", None))
    good = zipped(tmp_path, a=content * 50)
    broken = bytearray(good)
    broken[60:80] = b"\xff" * 20

    for made in (zipped(tmp_path, a=content, b=content), good[: len(good) // 2], bytes(broken)):
        with pytest.raises(ListFileUnreadable):
            read(tmp_path, made, ListFormat.ROSFINMONITORING_XML)


def test_a_bomb_is_stopped_at_the_size_that_a_file_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_BYTES_MAX", 1_000_000)
    bomb = zipped(tmp_path, a=perechen(("1", "ПРОВЕРКИН ПРОВ", None)) + b" " * 50_000_000)
    assert len(bomb) < 100_000

    with pytest.raises(ListFileTooLarge):
        read(tmp_path, bomb, ListFormat.ROSFINMONITORING_XML)
