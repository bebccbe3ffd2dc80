"""What readers of all formats share: limits, oddities, and the reading of dates, names and numbers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from kapital.identity.domain.name_spelling import NAME_LENGTH_MAX
from kapital.identity.domain.problems import ListFileUnreadable
from kapital.identity.domain.screening import (
    NAMES_MAX,
    Identifier,
    IdentifierKind,
    ListEntry,
    ListPurpose,
    Particulars,
    SubjectKind,
)

FILE_BYTES_MAX: Final = 1_073_741_824
ENTRIES_MAX: Final = 3_000_000
ENTRY_BYTES_MAX: Final = 8_388_608
"""Text of one entry; the largest seen in public lists are under 200 KB."""
DEVIATIONS_KEPT: Final = 1_000
_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DOTTED: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")
_YEAR: Final = re.compile(r"\b(1[89]\d{2}|20\d{2})\b")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_WORDED: Final = re.compile(r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4})")


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that was not as the format says. Shape: `where` is the entry's number or a place; no names."""

    where: str
    code: str


@dataclass(slots=True)
class Reading:
    """What a reader met besides entries. Shape: at most 1,000 deviations are kept, all are counted."""

    list_date: str | None = None
    deviation_count: int = 0
    deviations: list[Deviation] = field(default_factory=list)

    def report(self, where: str, code: str) -> None:
        """Note one deviation."""
        self.deviation_count += 1
        if len(self.deviations) < DEVIATIONS_KEPT:
            self.deviations.append(Deviation(where[:100], code))


def unreadable(why: str, *, line: int | None = None) -> ListFileUnreadable:
    """The refusal of a whole file."""
    return ListFileUnreadable(why, {} if line is None else {"line": line})


def entry_of(
    reading: Reading,
    *,
    uid: str,
    kind: SubjectKind,
    names: Iterable[str],
    birth_dates: Iterable[str] = (),
    identifiers: Iterable[tuple[IdentifierKind, str]] = (),
    countries: Iterable[str] = (),
    purpose: ListPurpose = ListPurpose.SANCTIONS,
    programs: Iterable[str] = (),
) -> ListEntry | None:
    """An entry from raw texts. None, and reported, when it has no number or no name: then nothing can be compared."""
    uid = uid.strip()
    if not uid:
        reading.report("entry without a number", "entry_without_number")
        return None
    said = _unique(" ".join(name.split()) for name in names)
    if any(len(name) > NAME_LENGTH_MAX for name in said):
        reading.report(uid, "name_cut")
    kept = tuple(name[:NAME_LENGTH_MAX] for name in said[:NAMES_MAX])
    if len(said) > NAMES_MAX:
        reading.report(uid, "names_left_out")
    if not kept:
        reading.report(uid, "entry_without_name")
        return None
    days = []
    for text in birth_dates:
        if not text.strip():
            continue
        if (day := day_of(text)) is None:
            reading.report(uid, "birth_date_not_understood")
        else:
            days.append(day)
    numbers = (Identifier.of(kind_of_number, text) for kind_of_number, text in identifiers)
    return ListEntry(
        uid=uid[:200],
        particulars=Particulars(
            kind=kind,
            names=kept,
            birth_dates=tuple(sorted(set(days))),
            identifiers=tuple(sorted({number for number in numbers if number is not None})),
            countries=tuple(sorted({code.strip().lower() for code in countries if len(code.strip()) == 2})),
        ),
        purpose=purpose,
        programs=tuple(_unique(program.strip()[:200] for program in programs)),
    )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def day_of(text: str) -> str | None:
    """A birth date as `YYYY-MM-DD`, or the year when only that is certain; None when neither is there."""
    text = text.strip()
    if found := _DAY.match(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DOTTED.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    elif (found := _WORDED.fullmatch(text)) and found[2].lower() in _MONTHS:
        day, month, year = int(found[1]), _MONTHS[found[2].lower()], int(found[3])
    else:
        found = _YEAR.search(text)
        return found[1] if found else None
    if month == 0 or day == 0 or month > 12 or day > 31:
        return f"{year:04d}" if year > 0 else None
    return f"{year:04d}-{month:02d}-{day:02d}"
