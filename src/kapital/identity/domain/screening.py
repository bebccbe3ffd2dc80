"""Screening (проверка по перечням): whom is looked for, what a list says, and what a comparison found."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from kapital.identity.domain.name_agreement import Agreement, Verdict, compare_companies, compare_persons
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.parameters import Confidence, DatedParameter

NAMES_MAX: Final = 200
"""Names of one entry that are looked at."""
IDENTIFIER_LENGTH_MIN: Final = 6
"""Signs from which on an equal document number is a hit by itself: shorter ones are shared by chance."""


class SubjectKind(StrEnum):
    """Who is meant."""

    PERSON = "person"
    ORGANISATION = "organisation"
    UNKNOWN = "unknown"  # the list does not say; compared with both


class IdentifierKind(StrEnum):
    """What number it is. A passport is compared with any other paper as well: lists mix them."""

    INN = "inn"
    OGRN = "ogrn"
    SNILS = "snils"
    PASSPORT = "passport"
    OTHER = "other"


class ListPurpose(StrEnum):
    """Why a person stands in a list."""

    SANCTIONS = "sanctions"
    PEP = "pep"  # публичное должностное лицо (ПДЛ)


class ListEffect(StrEnum):
    """What an exact hit in a list does."""

    FREEZE = "freeze"  # 115-FZ: at once, by the machine
    REVIEW = "review"  # foreign and commercial lists: a person decides


class ListSource(StrEnum):
    """Where a list comes from. Each has its own line of versions."""

    ROSFINMONITORING_TERROR = "rosfinmonitoring_terror"
    ROSFINMONITORING_PROLIFERATION = "rosfinmonitoring_proliferation"
    ROSFINMONITORING_MVK = "rosfinmonitoring_mvk"
    UN = "un"
    OFAC_SDN = "ofac_sdn"
    EU = "eu"
    UK = "uk"
    OPENSANCTIONS = "opensanctions"


FREEZING: Final = frozenset(
    {
        ListSource.ROSFINMONITORING_TERROR,
        ListSource.ROSFINMONITORING_PROLIFERATION,
        ListSource.ROSFINMONITORING_MVK,
        ListSource.UN,
    }
)
"""Law: 115-FZ art. 6, 7, 7.4, 7.5 (lists on which property is frozen). The others are looked at by policy."""


def effect_of(source: ListSource) -> ListEffect:
    """What an exact hit in this list does."""
    return ListEffect.FREEZE if source in FREEZING else ListEffect.REVIEW


class Identifier(msgspec.Struct, frozen=True, order=True):
    """A number of a person, company or paper. Shape: `value` is upper-case letters and digits only."""

    kind: IdentifierKind
    value: str

    @classmethod
    def of(cls, kind: IdentifierKind, text: str) -> "Identifier | None":
        """The identifier in its comparable form; None when nothing is left of it."""
        value = "".join(sign for sign in text.upper() if sign.isalnum())[:64]
        return cls(kind, value) if value else None


def identifiers_of(*said: tuple[IdentifierKind, str | None]) -> tuple[Identifier, ...]:
    """The identifiers of numbers that were said; what is not said, or says nothing, is left out."""
    made = (Identifier.of(kind, number) for kind, number in said if number is not None)
    return tuple(one for one in made if one is not None)


class Particulars(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of somebody. Personal data: stays in identity's own tables.

    Shape: `birth_dates` are `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `countries` ISO 3166-1 alpha-2, lower case. `also` is
    how the same one is described elsewhere, each compared by itself: words that were poured together could hide what
    one of them alone shows (another birth date lowers a score). They have no `also` of their own; unset, it is no
    part of the canonical bytes, so that what was recorded before keeps its hash.
    """

    kind: SubjectKind
    names: tuple[str, ...]
    birth_dates: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    countries: tuple[str, ...] = ()
    also: tuple["Particulars", ...] | UnsetType = UNSET

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form."""
        return sha256_hex(canonical_bytes(self))

    @property
    def descriptions(self) -> tuple["Particulars", ...]:
        """Each description by itself: these words, then the others."""
        if self.also is UNSET:
            return (self,)
        return (replace(self, also=UNSET), *self.also)

    def described_also(self, said: "Particulars") -> "Particulars":
        """The same with one more description, unless comparing one that is there was comparing it too."""
        if any(_says_all(there, said) for there in self.descriptions):
            return self
        return replace(self, also=(*(self.also or ()), said))

    def keeping(self, earlier: "Particulars") -> "Particulars":
        """These words in the place of `earlier` ones, of which the other descriptions stay."""
        return self if earlier.also is UNSET else replace(self, also=earlier.also)


def _says_all(there: Particulars, said: Particulars) -> bool:
    """Whether comparing `there` was comparing `said` too: nothing is missing, no other birth date in the way."""
    return (
        there.kind is said.kind
        and {folded(name) for name in said.names} <= {folded(name) for name in there.names}
        and set(there.birth_dates) == set(said.birth_dates)
        and set(said.identifiers) <= set(there.identifiers)
        and set(said.countries) <= set(there.countries)
    )


def folded(name: str) -> str:
    """A name by which the same words are told: case and spaces do not count."""
    return " ".join(name.casefold().split())


class ListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One person or organisation of a list. Shape: `uid` is the list's own number, unique in the list."""

    uid: str
    particulars: Particulars
    purpose: ListPurpose = ListPurpose.SANCTIONS
    programs: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form: changes when anything of the entry does."""
        return sha256_hex(canonical_bytes(self))


class Grade(StrEnum):
    """How much a comparison says."""

    EXACT = "exact"  # the same identifier, or the same name and birth date
    FUZZY = "fuzzy"  # the score reaches the threshold
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What comparing a client with an entry gave. Shape: `score_ppm` millionths, 1,000,000 is certainty."""

    grade: Grade
    score_ppm: int
    reasons: tuple[str, ...]

    def beside(self, other: "Match") -> "Match":
        """The stronger of two of the same pair, with the reasons of both: a decision is on the person."""
        first, second = (self, other) if self._strength >= other._strength else (other, self)
        return Match(
            grade=first.grade,
            score_ppm=first.score_ppm,
            reasons=tuple(dict.fromkeys((*first.reasons, *second.reasons))),
        )

    @property
    def _strength(self) -> tuple[bool, int]:
        return (self.grade is Grade.EXACT, self.score_ppm)


THRESHOLD_PPM: Final = DatedParameter(
    "screening_threshold_ppm",
    [
        (
            date(2026, 1, 1),
            None,
            840_000,  # set on the labelled sets, see docs/explanation/screening.md
            "Rules of internal control (115-FZ art. 7 part 2); the operator's own choice, measured",
            Confidence.FOUND,
        ),
    ],
)
"""Millionths from which on a likeness is a hit for a person to decide."""

DECISION_HOURS: Final = DatedParameter(
    "screening_decision_hours",
    [
        (
            date(2026, 1, 1),
            None,
            24,
            "Rules of internal control: a suspected hit is decided within one day",
            Confidence.RECALLED,
        ),
    ],
)
"""Hours in which a person decides a fuzzy hit; operations are held meanwhile, and after it too."""

SHRINK_PERCENT: Final = DatedParameter(
    "screening_list_shrink_percent",
    [
        (
            date(2026, 1, 1),
            None,
            50,
            "Rules of internal control: a list that loses so much is taken for a fault until a person says otherwise",
            Confidence.RECALLED,
        ),
    ],
)
"""Percent of its entries that a list has to lose for its new version to be held."""


def threshold_ppm(at: datetime) -> int:
    """The threshold in force at an instant. Raises: ParameterNotInForce."""
    return THRESHOLD_PPM.at(at.astimezone(MOSCOW).date())


def shrinks_too_much(*, before: int, after: int, at: datetime) -> bool:
    """Whether a list that had `before` entries and now has `after` is to be held for a person."""
    lost = before - after
    return before > 0 and lost * 100 >= before * SHRINK_PERCENT.at(at.astimezone(MOSCOW).date())


def is_older(stated: str | None, than: str | None) -> bool:
    """Whether a list says a day of its own before the day of another; without two days that are understood, no."""
    one, other = _day_of_list(stated), _day_of_list(than)
    return one is not None and other is not None and one < other


def _day_of_list(stated: str | None) -> date | None:
    """The day that a list says it is of: `2026-11-20T…`, `20.11.2026`, and OFAC's `11/20/2026`."""
    for pattern in _LIST_DAYS:
        if found := pattern.match((stated or "").strip()):
            try:
                return date(int(found["year"]), int(found["month"]), int(found["day"]))
            except ValueError:
                return None
    return None


_LIST_DAYS: Final = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
    re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"),
)


def agreement_of(one: Particulars, other: Particulars, name: str, listed: str) -> Agreement:
    """What the rules for Russian names say of two names of these."""
    kinds = {one.kind, other.kind}
    if SubjectKind.PERSON in kinds and SubjectKind.ORGANISATION not in kinds:
        return compare_persons(name, listed)
    return compare_companies(name, listed)


def may_be_the_same(one: SubjectKind, other: SubjectKind) -> bool:
    """Whether a client of one kind can be an entry of the other."""
    return one is other or SubjectKind.UNKNOWN in (one, other)


def shared_identifier(one: Particulars, other: Particulars) -> str | None:
    """Say which number two have in common, None if none. Of tax and register numbers the kind must be the same."""
    if not one.identifiers or not other.identifiers:
        return None
    theirs = set(other.identifiers)
    papers = {i.value for i in theirs if i.kind in _PAPERS and len(i.value) >= IDENTIFIER_LENGTH_MIN}
    for identifier in one.identifiers:
        if identifier.kind in _PAPERS:
            if identifier.value in papers:
                return f"the same document number ({identifier.kind.value})"
        elif identifier in theirs and len(identifier.value) >= IDENTIFIER_LENGTH_MIN:
            return f"the same {identifier.kind.value.upper()}"
    return None


_PAPERS: Final = frozenset({IdentifierKind.PASSPORT, IdentifierKind.OTHER})


def shared_birth_date(one: Particulars, other: Particulars) -> str | None:
    """The full birth date that two have in common, None if there is none."""
    common = {day for day in one.birth_dates if len(day) == 10}.intersection(other.birth_dates)
    return min(common, default=None)


def exact_reason(one: Particulars, other: Particulars, verdict: Verdict) -> str | None:
    """Why a comparison is an exact hit, None if it is not.

    Law: 115-FZ art. 7(1)(6): measures are applied to the person in the list, so the name alone is never enough.
    """
    if (number := shared_identifier(one, other)) is not None:
        return number
    if verdict is Verdict.IDENTICAL and shared_birth_date(one, other) is not None:
        return "the same name and birth date"
    return None
