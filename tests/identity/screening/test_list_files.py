"""A list file is read in a stream; what is odd is reported, what is broken refuses the whole file."""

import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from kapital.identity.adapters.lists import files, reading
from kapital.identity.adapters.lists.files import ListFile, ListFormat
from kapital.identity.domain.problems import (
    ListFileEmpty,
    ListFileTooLarge,
    ListFileUnreadable,
    ListVersionNotFound,
    ListVersionSuperseded,
    MakerAndCheckerMustDiffer,
)
from kapital.identity.domain.screening import Identifier, IdentifierKind, ListPurpose, ListSource, SubjectKind
from kapital.identity.domain.states import ListVersionState
from kapital.kernel.actor import NotPermitted
from kapital.platform.ids import new_uuid7
from tests.identity.screening.conftest import (
    DATA,
    LOADER,
    ONBOARDER,
    OTHER_OFFICER,
    World,
    ftm,
    ftm_person,
    perechen,
    person,
)

UN = DATA / "un_consolidated_2026-02-27_excerpt.xml"


def file_of(tmp_path: Path, content: bytes, file_format: ListFormat) -> ListFile:
    path = tmp_path / "list"
    path.write_bytes(content)
    return ListFile(path, file_format)


# --- real samples ------------------------------------------------------------------------------------------


def test_the_un_sample_is_read_whole() -> None:
    file = ListFile(UN, ListFormat.UN_XML)
    entries = list(file.read())

    assert len(entries) == 50
    assert sum(e.particulars.kind is SubjectKind.PERSON for e in entries) == 35
    assert file.deviation_count == 0
    assert file.list_date == "2026-02-27T00:00:09.554Z"
    badege = entries[0]
    assert (badege.uid, badege.particulars.names, badege.particulars.birth_dates) == (
        "6907993",
        ("ERIC BADEGE",),
        ("1971",),
    )
    assert sum(any("Ѐ" <= s <= "ӿ" for n in e.particulars.names for s in n) for e in entries) == 10


@pytest.fixture
def ofac_folder(tmp_path: Path) -> Path:
    for name in ("sdn", "alt", "sdn_comments"):
        shutil.copy(DATA / f"watchman_ofac_small_{name}.csv", tmp_path / f"{name}.csv")
    return tmp_path


def test_the_ofac_sample_is_read_with_aliases_and_remarks(ofac_folder: Path) -> None:
    file = ListFile(ofac_folder, ListFormat.OFAC_CSV)
    entries = {entry.uid: entry for entry in file.read()}

    assert len(entries) == 11
    logan = entries["10278"].particulars
    assert logan.names == ("Elvis Angus LOGAN MOREY", "BURTON BURGESS")
    assert logan.birth_dates == ("1963-07-28",)
    assert Identifier(IdentifierKind.PASSPORT, "P0017003") in logan.identifiers
    assert "HESA TRADE CENTER" in entries["11195"].particulars.names
    assert {d.code for d in file.reading.deviations} == {"thing_left_out"}


def test_a_missing_file_of_the_ofac_set_is_reported_and_a_missing_list_refused(ofac_folder: Path) -> None:
    (ofac_folder / "alt.csv").unlink()
    file = ListFile(ofac_folder, ListFormat.OFAC_CSV)
    assert len(list(file.read())) == 11
    assert ("alt.csv", "file_of_set_missing") in file.deviations

    (ofac_folder / "sdn.csv").unlink()
    with pytest.raises(ListFileUnreadable):
        list(ListFile(ofac_folder, ListFormat.OFAC_CSV).read())


# --- formats by their description --------------------------------------------------------------------------


def test_the_list_of_rosfinmonitoring_is_read_and_its_blocks_of_changes_are_not(tmp_path: Path) -> None:
    content = perechen(("1", "ИВАНОВ ИВАН", "1970-01-02"), ("2", "ПЕТРОВ ПЁТР", None)).replace(
        "</Перечень>".encode(),
        (
            "<ПоследниеИсключенные><Субъект><ИдСубъекта>9</ИдСубъекта><ФЛ><ФИО>БЫВШИЙ</ФИО></ФЛ></Субъект>"
            "</ПоследниеИсключенные></Перечень>"
        ).encode(),
    )
    file = file_of(tmp_path, content, ListFormat.ROSFINMONITORING_XML)
    entries = list(file.read())

    assert [(e.uid, e.particulars.names, e.particulars.birth_dates) for e in entries] == [
        ("1", ("ИВАНОВ ИВАН",), ("1970-01-02",)),
        ("2", ("ПЕТРОВ ПЁТР",), ()),
    ]
    assert file.list_date == "2026-03-01"


def test_an_organisation_of_rosfinmonitoring_brings_names_and_numbers(tmp_path: Path) -> None:
    content = (
        "<Перечень><АктуальныйПеречень><Субъект><ИдСубъекта>7</ИдСубъекта>"
        "<ТипСубъекта><Идентификатор>3</Идентификатор></ТипСубъекта><ЮЛ><Наименование>ООО «Ромашка»</Наименование>"
        "<СписокДрНаименований><ДрНаименование><Наименование>Romashka LLC</Наименование></ДрНаименование>"
        "</СписокДрНаименований><ИНН>7700000000</ИНН><ОГРН>1027700000000</ОГРН></ЮЛ></Субъект>"
        "<Субъект><ИдСубъекта>8</ИдСубъекта><ТипСубъекта><Идентификатор>2</Идентификатор></ТипСубъекта><ФЛ>"
        "<ФИО>ХАН</ФИО><ГодРождения>1980</ГодРождения><СписокДокументов><Документ><Серия>AB</Серия>"
        "<Номер>12 34</Номер></Документ></СписокДокументов></ФЛ></Субъект>"
        "</АктуальныйПеречень></Перечень>"
    ).encode()
    company, man = file_of(tmp_path, content, ListFormat.ROSFINMONITORING_XML).read()

    assert company.particulars.kind is SubjectKind.ORGANISATION
    assert company.particulars.names == ("ООО «Ромашка»", "Romashka LLC")
    assert {i.kind.value: i.value for i in company.particulars.identifiers} == {
        "inn": "7700000000",
        "ogrn": "1027700000000",
    }
    assert man.particulars.identifiers == (Identifier(IdentifierKind.PASSPORT, "AB1234"),)
    assert man.particulars.birth_dates == ("1980",)


def test_sdn_xml_is_read(tmp_path: Path) -> None:
    content = b"""<?xml version="1.0"?><sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/XML">
      <publshInformation><Publish_Date>03/02/2026</Publish_Date></publshInformation>
      <sdnEntry><uid>36</uid><firstName>Ivan</firstName><lastName>PETROV</lastName><sdnType>Individual</sdnType>
        <programList><program>SDGT</program></programList>
        <idList><id><uid>1</uid><idType>Passport</idType><idNumber>AA 123456</idNumber></id>
                <id><uid>2</uid><idType>Tax ID No.</idType><idNumber>7700000000</idNumber></id></idList>
        <akaList><aka><uid>3</uid><type>a.k.a.</type><lastName>PETROFF</lastName><firstName>Ivan</firstName></aka></akaList>
        <dateOfBirthList><dateOfBirthItem><dateOfBirth>05 Apr 1971</dateOfBirth></dateOfBirthItem></dateOfBirthList>
      </sdnEntry>
      <sdnEntry><uid>37</uid><lastName>SHIP</lastName><sdnType>Vessel</sdnType></sdnEntry></sdnList>"""
    file = file_of(tmp_path, content, ListFormat.OFAC_XML)
    [entry] = file.read()

    assert entry.particulars.names == ("Ivan PETROV", "Ivan PETROFF")
    assert entry.particulars.birth_dates == ("1971-04-05",)
    assert [i.value for i in entry.particulars.identifiers] == ["7700000000", "AA123456"]
    assert (file.list_date, file.deviations) == ("03/02/2026", [("37", "thing_left_out")])


def test_the_eu_list_is_read(tmp_path: Path) -> None:
    content = """<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-03-01T00:00:00">
      <sanctionEntity logicalId="13" euReferenceNumber="EU.1.1"><subjectType code="person"/>
        <nameAlias wholeName="Иван Петров"/><nameAlias firstName="Ivan" lastName="Petrov" wholeName=""/>
        <birthdate birthdate="1971-04-05" year="1971"/><citizenship countryIso2Code="RU"/>
        <identification number="AA1234567" identificationTypeCode="passport"/></sanctionEntity></export>""".encode()
    [entry] = file_of(tmp_path, content, ListFormat.EU_XML).read()

    assert entry.uid == "13"
    assert entry.particulars.names == ("Иван Петров", "Ivan Petrov")
    assert (entry.particulars.birth_dates, entry.particulars.countries) == (("1971-04-05",), ("ru",))


def test_followthemoney_entities_are_read_and_public_officials_told_apart(tmp_path: Path) -> None:
    content = ftm(
        ftm_person(
            "Q1", "Иван Петров", alias=["Ivan Petroff"], innCode=["7700000000"], topics=["sanction", "role.pep"]
        ),
        ftm_person("Q2", "Пётр Иванов", topics=["role.pep"]),
        {"id": "a", "schema": "Address", "properties": {"full": ["x"]}},
    )
    file = file_of(tmp_path, content, ListFormat.FTM_JSON)
    one, other = file.read()

    assert one.particulars.names == ("Иван Петров", "Ivan Petroff")
    assert (one.purpose, other.purpose) == (ListPurpose.SANCTIONS, ListPurpose.PEP)
    assert file.deviations == [("a", "schema_left_out")]


# --- odd and broken input ----------------------------------------------------------------------------------


def test_oddities_are_reported_and_the_rest_is_taken(tmp_path: Path) -> None:
    subjects = (
        ("1", "ИВАНОВ ИВАН", "32.13.1970"),
        ("1", "ИВАНОВ ИВАН", None),
        ("", "БЕЗ НОМЕРА", None),
        ("3", " ", None),
        ("4", "А" * 1500, "нет"),
    )
    file = file_of(tmp_path, perechen(*subjects), ListFormat.ROSFINMONITORING_XML)
    entries = list(file.read())

    assert [entry.uid for entry in entries] == ["1", "4"]
    assert {code for _, code in file.deviations} == {
        "number_again",
        "entry_without_number",
        "entry_without_name",
        "name_cut",
        "birth_date_not_understood",
    }
    assert entries[0].particulars.birth_dates == ("1970",)


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE CONSOLIDATED_LIST [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><CONSOLIDATED_LIST><INDIVIDUAL><DATAID>&c;</DATAID></INDIVIDUAL>
</CONSOLIDATED_LIST>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE CONSOLIDATED_LIST [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<CONSOLIDATED_LIST><INDIVIDUAL><DATAID>&a;</DATAID></INDIVIDUAL></CONSOLIDATED_LIST>"""
WHOLE = UN.read_bytes()
BROKEN: dict[str, tuple[bytes, ListFormat]] = {
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], ListFormat.UN_XML),
    "billion laughs": (LAUGHS, ListFormat.UN_XML),
    "entity of a file": (OUTSIDE, ListFormat.UN_XML),
    "another list": (WHOLE, ListFormat.EU_XML),
    "advanced OFAC": (b"<Sanctions><DistinctParties/></Sanctions>", ListFormat.OFAC_XML),
    "a page of the site": (b"<html><body>503</body></html>", ListFormat.ROSFINMONITORING_XML),
    "not XML": (b"\x00\x01\x02", ListFormat.UN_XML),
    "not its encoding": (b"<?xml version='1.0' encoding='utf-8'?><export>\xcf\xe5</export>", ListFormat.EU_XML),
    "unknown encoding": (b"<?xml version='1.0' encoding='klingon'?><export/>", ListFormat.EU_XML),
    "too deep": (b"<export>" + b"<a>" * 100 + b"</a>" * 100 + b"</export>", ListFormat.EU_XML),
    "not JSON": (b'{"id": "a", "schema"', ListFormat.FTM_JSON),
    "JSON of another shape": (b'{"id": 5}\n', ListFormat.FTM_JSON),
    "nothing": (b"", ListFormat.UN_XML),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_is_refused_whole(name: str, world: World) -> None:
    content, file_format = BROKEN[name]
    source = files.SOURCES[file_format][0]

    with pytest.raises(ListFileUnreadable):
        await world.load(content, file_format=file_format, source=source)
    for table in ("screening_list_version", "screening_entry", "screening_staged", "audit_event"):
        assert await world.count(f"SELECT count(*) FROM {table}") == 0


async def test_a_list_of_nobody_is_refused(world: World) -> None:
    with pytest.raises(ListFileEmpty):
        await world.load(perechen())
    with pytest.raises(ListFileEmpty):
        await world.load(b"\n", file_format=ListFormat.FTM_JSON, source=ListSource.OPENSANCTIONS)


@pytest.mark.parametrize("limit", ["FILE_BYTES_MAX", "ENTRIES_MAX"])
async def test_a_file_over_a_limit_is_refused_whole(
    limit: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, limit, 3)
    with pytest.raises(ListFileTooLarge):
        await world.load(perechen(*((str(n), f"ИВАНОВ {n}", None) for n in range(5))))
    assert await world.count("SELECT count(*) FROM screening_staged") == 0


@pytest.mark.parametrize("file_format", [ListFormat.UN_XML, ListFormat.FTM_JSON])
def test_one_entry_of_a_gigabyte_stops_the_reader_early(tmp_path: Path, file_format: ListFormat) -> None:
    path = tmp_path / "bomb"
    with path.open("wb") as out:
        xml = file_format is ListFormat.UN_XML
        out.write(b"<CONSOLIDATED_LIST><INDIVIDUAL><COMMENTS1>" if xml else b'{"id": "')
        out.truncate(out.tell())
        for _ in range(40):
            out.write(b"x" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(ListFileTooLarge):
        list(ListFile(path, file_format).read())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5 * reading.ENTRY_BYTES_MAX


def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = file_of(
            tmp_path,
            perechen(*((str(n), f"ИВАНОВ ИВАН {n}", None) for n in range(count))),
            ListFormat.ROSFINMONITORING_XML,
        )
        tracemalloc.start()
        assert sum(1 for _ in file.read()) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # what is imported and remembered at the first reading does not count
    # What stays of an entry is its number alone, and the chunk in work has one size.
    assert peak(20_000) - peak(5_000) < 15_000 * 200


# --- versions ----------------------------------------------------------------------------------------------


def many(count: int) -> list[tuple[str, str, str | None]]:
    return [(str(n), f"ИВАНОВ ИВАН {n}", None) for n in range(count)]


async def test_the_version_keeps_hash_source_time_and_count(world: World) -> None:
    version = await world.load_persons(*many(3))

    assert (version.number, version.entry_count, version.entries_before, version.state.value) == (1, 3, 0, "in_force")
    assert len(version.file_sha256) == 64
    [shown] = (await world.read.list_screening_lists(actor=OTHER_OFFICER)).versions
    assert (shown.file_sha256, shown.loaded_by, shown.source.value) == (
        version.file_sha256,
        LOADER.id,
        "rosfinmonitoring_terror",
    )


async def test_the_same_file_again_is_the_version_it_is(world: World) -> None:
    first = await world.load_persons(*many(3))
    assert await world.load_persons(*many(3)) == first
    assert await world.count("SELECT count(*) FROM screening_list_version") == 1


@pytest.mark.parametrize(("left", "state"), [(6, "in_force"), (5, "held"), (1, "held")])
async def test_a_list_that_lost_half_is_held(left: int, state: str, world: World) -> None:
    await world.load_persons(*many(10))
    version = await world.load_persons(*many(left))

    assert version.state.value == state
    in_force = await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL")
    assert in_force == (left if state == "in_force" else 10)


@pytest.mark.parametrize(
    ("day", "state"), [("2026-03-02", "in_force"), ("01.03.2026", "in_force"), ("2026-02-28", "held")]
)
async def test_a_list_of_an_earlier_day_is_held(day: str, state: str, world: World) -> None:
    await world.load_persons(*many(10), date="2026-03-01")

    assert (await world.load_persons(*many(11), date=day)).state.value == state


async def test_a_held_version_comes_into_force_by_another_person_only(world: World) -> None:
    await world.load_persons(*many(10))
    held = await world.load_persons(*many(3))

    with pytest.raises(MakerAndCheckerMustDiffer):
        await world.decide_list(held.version_id, actor=LOADER)
    with pytest.raises(NotPermitted):
        await world.decide_list(held.version_id, actor=ONBOARDER)
    decided = await world.decide_list(held.version_id)

    assert decided.state.value == "in_force"
    assert await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL") == 3
    assert await world.count("SELECT count(*) FROM screening_list_version WHERE state = 'superseded'") == 1


async def test_a_rejected_version_leaves_nothing(world: World) -> None:
    await world.load_persons(*many(10))
    held = await world.load_persons(*many(3))
    decided = await world.decide_list(held.version_id, approved=False)

    assert decided.state.value == ListVersionState.REJECTED.value
    assert await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL") == 10
    assert await world.count("SELECT count(*) FROM screening_staged") == 0


async def test_a_held_version_older_than_the_one_in_force_stays_out(world: World) -> None:
    await world.load_persons(*many(10))
    held = await world.load_persons(*many(3))
    await world.load_persons(*many(11))

    with pytest.raises(ListVersionSuperseded):
        await world.decide_list(held.version_id)
    assert await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL") == 11
    with pytest.raises(ListVersionNotFound):
        await world.decide_list(new_uuid7())


async def test_lists_do_not_touch_each_other(world: World) -> None:
    await world.load_persons(*many(4))
    await world.load(WHOLE, file_format=ListFormat.UN_XML, source=ListSource.UN)

    assert await world.count("SELECT count(*) FROM screening_entry WHERE to_number IS NULL") == 54


async def test_only_the_officer_loads(world: World) -> None:
    with pytest.raises(NotPermitted):
        await world.load(perechen(*many(1)), actor=ONBOARDER)


async def test_who_stands_in_the_real_sample_is_found_by_another_script(world: World) -> None:
    await world.load(WHOLE, file_format=ListFormat.UN_XML, source=ListSource.UN)
    found: Any = await world.screen(person("ERIC BADEGE"), person("Эрик Бадеге"), person("Пётр Иванов"))

    assert [f.new_hits for f in found] == [1, 1, 0]
