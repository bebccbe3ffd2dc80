"""The SDN list of OFAC in the advanced format (`sdn_advanced.xml`, root Sanctions).

Kinds of parties, features and papers stand as numbers whose meanings the file itself tells before; papers stand
before the parties whose identities they name. Programmes stand after them and are not read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from kapital.identity.adapters.lists.reading import ENTRIES_MAX, Reading, entry_of
from kapital.identity.adapters.lists.xml_stream import Node, records_of
from kapital.identity.domain.problems import ListFileTooLarge
from kapital.identity.domain.screening import IdentifierKind, ListEntry, SubjectKind

_MEANINGS: Final = ("PartyType", "PartySubType", "FeatureType", "IDRegDocType")
_KINDS: Final = {"individual": SubjectKind.PERSON, "entity": SubjectKind.ORGANISATION}


@dataclass(slots=True)
class _Known:
    """What the file told before its parties."""

    meanings: dict[tuple[str, str], str] = field(default_factory=dict)
    type_of_subtype: dict[str, str] = field(default_factory=dict)
    papers: dict[str, list[tuple[IdentifierKind, str]]] = field(default_factory=dict)

    def take(self, record: Node) -> None:
        """Note a meaning or a paper. Raises: ListFileTooLarge."""
        if record.name in _MEANINGS:
            self.meanings[record.name, record.attributes.get("ID", "")] = record.text
            if record.name == "PartySubType":
                self.type_of_subtype[record.attributes.get("ID", "")] = record.attributes.get("PartyTypeID", "")
            return
        kind = self.meanings.get(("IDRegDocType", record.attributes.get("IDRegDocTypeID", "")), "")
        owner = record.attributes.get("IdentityID", "")
        if len(self.papers) > ENTRIES_MAX:
            raise ListFileTooLarge(facts={"entries_max": ENTRIES_MAX})
        self.papers.setdefault(owner, []).append((_number_kind(kind), record.first("IDRegistrationNo")))


def read(file: BinaryIO, reading: Reading) -> Iterator[ListEntry]:
    """Persons and entities; vessels, aircraft and other things are left out and counted."""
    known = _Known()
    records = (*_MEANINGS, "IDRegDocument", "DateOfIssue", "DistinctParty")
    for _, record in records_of(file, roots=("Sanctions",), records=records):
        if record.name == "DateOfIssue":
            reading.list_date = _day(record) or None
        elif record.name != "DistinctParty":
            known.take(record)
        elif (entry := _entry(record, known, reading)) is not None:
            yield entry


def _entry(party: Node, known: _Known, reading: Reading) -> ListEntry | None:
    uid = party.attributes.get("FixedRef", "")
    profiles = list(party.all("Profile"))
    said = {_kind_of(profile, known) for profile in profiles} - {None}
    kind = next(iter(said)) if len(said) == 1 else None
    if kind is None:
        things = {known.type_of_subtype.get(p.attributes.get("PartySubTypeID", ""), "") for p in profiles}
        known_things = {known.meanings.get(("PartyType", thing), "").lower() for thing in things} - {""}
        if known_things and known_things.isdisjoint(_KINDS):
            reading.report(uid, "thing_left_out")
            return None
        reading.report(uid, "subject_kind_not_known")
        kind = SubjectKind.UNKNOWN
    identities = [identity for profile in profiles for identity in profile.all("Identity")]
    return entry_of(
        reading,
        uid=uid,
        kind=kind,
        names=[_name(name) for one in identities for name in one.all("Alias", "DocumentedName")],
        birth_dates=[day for profile in profiles for day in _born(profile, known)],
        identifiers=[
            paper for one in identities for paper in known.papers.get(one.attributes.get("ID", ""), ()) if paper[1]
        ],
    )


def _kind_of(profile: Node, known: _Known) -> SubjectKind | None:
    party_type = known.type_of_subtype.get(profile.attributes.get("PartySubTypeID", ""), "")
    return _KINDS.get(known.meanings.get(("PartyType", party_type), "").lower())


def _name(documented: Node) -> str:
    return " ".join(documented.texts("DocumentedNamePart", "NamePartValue"))


def _born(profile: Node, known: _Known) -> Iterator[str]:
    """A day, or the years of a span when the beginning and the end of the period differ."""
    for feature in profile.all("Feature"):
        if known.meanings.get(("FeatureType", feature.attributes.get("FeatureTypeID", "")), "") != "Birthdate":
            continue
        for period in feature.all("FeatureVersion", "DatePeriod"):
            first, last = (next(period.all(*path), Node("")) for path in (("Start", "From"), ("End", "To")))
            if _day(first) == _day(last) or not _day(last):
                yield _day(first)
            elif first.first("Year").isdigit() and last.first("Year").isdigit():
                span = range(int(first.first("Year")), int(last.first("Year")) + 1)
                yield from (str(year) for year in span[:31])


def _day(node: Node) -> str:
    year, month, day = (node.first(part) for part in ("Year", "Month", "Day"))
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        return year if year.isdigit() else ""
    return f"{int(year):04d}-{int(month):02d}-{int(day):02d}"


def _number_kind(text: str) -> IdentifierKind:
    text = text.lower()
    if "passport" in text:
        return IdentifierKind.PASSPORT
    return IdentifierKind.INN if "tax id" in text else IdentifierKind.OTHER
