"""What Russian names say about each other: same person or company, another one, or nothing.

General matchers do not know that a patronymic, an initial or a surname's ending tells two people apart. These rules
do, and only these: where they are silent the general score stands.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from kapital.identity.domain.legal_forms import (
    has_russian_form,
    without_abbreviations,
    without_forms,
    without_requisites,
)
from kapital.identity.domain.name_alignment import PATRONYMIC, Alignment, has_digit
from kapital.identity.domain.name_habits import readings
from kapital.identity.domain.name_spelling import (
    NAMES_KEPT,
    folded,
    folded_word,
    lettered,
    repaired,
    words,
)
from kapital.identity.domain.name_variants import russian_form
from kapital.kernel.names import is_cyrillic

_ROMAN_NUMERALS: Final = frozenset({"II", "III", "IV", "VI", "VII", "VIII", "IX"})


class Verdict(StrEnum):
    """What the rules say of a pair of names."""

    IDENTICAL = "identical"  # the same words, whatever script, order, ё, legal form
    AGREES = "agrees"  # every word of the shorter one is in the longer, whole or as an initial
    SILENT = "silent"  # the rules know nothing
    CONTRADICTS = "contradicts"  # both have a word that the other denies


@dataclass(frozen=True, slots=True)
class Agreement:
    """A verdict, and why, in English words and the folded forms."""

    verdict: Verdict
    reason: str


_SILENT: Final = Agreement(Verdict.SILENT, "")


@dataclass(frozen=True, slots=True)
class _Spelled:
    """What is looked at of a name again and again."""

    words: tuple[str, ...]
    folded: tuple[str, ...]
    initials: tuple[str, ...]  # their order tells «А.С.» from «С.А.»
    lettered: tuple[str, ...] | None  # None when a word is of another script
    readings: tuple[tuple[str, ...], ...]  # of each word of a name that is not Cyrillic
    is_cyrillic: bool
    has_patronymic: bool


# «Son of» and «daughter of» stand apart in Turkic names, and each passport office writes its own vowel.
_SON, _DAUGHTER = "ogli", "kizi"
_AS_ONE: Final = dict.fromkeys(("ogli", "oglu", "ugli", "uglu"), _SON) | dict.fromkeys(
    ("kizi", "qizi", "gizi", "kiz"), _DAUGHTER
)
_STANDINGS: Final = (tuple(map(folded_word, ("индивидуальный", "предприниматель"))), (folded_word("ип"),))
"""What papers write before the name of a sole proprietor."""


def _plain(folded_words: tuple[str, ...], *, is_lettered: bool = False) -> tuple[str, ...]:
    """The words that are the name itself, variants of particles and of given names as one."""
    for standing in _STANDINGS:
        if folded_words[: len(standing)] == standing and len(folded_words) > len(standing) + 1:
            folded_words = folded_words[len(standing) :]
    return tuple(_AS_ONE.get(word) or russian_form(word, is_lettered=is_lettered) for word in folded_words)


@lru_cache(maxsize=NAMES_KEPT)
def _spelled(name: str) -> _Spelled:
    of_name = _plain(folded(name))
    cyrillic = is_cyrillic(repaired(name))
    return _Spelled(
        words=tuple(sorted(word.casefold() for word in words(name))),
        folded=of_name,
        initials=tuple(word for word in of_name if len(word) == 1),
        lettered=_plain(lettered(name), is_lettered=True) if all(map(is_cyrillic, words(name))) else None,
        readings=() if cyrillic else _readings(name),
        is_cyrillic=cyrillic,
        has_patronymic=len(of_name) > 2 and any(word.endswith(PATRONYMIC) for word in of_name),
    )


def prepare(name: str) -> None:
    """Take a name apart before anybody waits for its comparison; kept for as long as `NAMES_KEPT` allows."""
    _spelled(name)


def _readings(name: str) -> tuple[tuple[str, ...], ...]:
    forms = (readings(word) for word in words(name) if folded_word(word))
    return tuple(tuple(russian_form(form, is_lettered=False) for form in of_word) for of_word in forms)


def compare_persons(one: str, other: str) -> Agreement:
    """Compare two names of natural persons."""
    ours, theirs = _spelled(one), _spelled(other)
    if len(ours.words) > 1 and ours.words == theirs.words and ours.initials == theirs.initials:
        return Agreement(Verdict.IDENTICAL, "the same words")
    if not (ours.is_cyrillic or theirs.is_cyrillic) and not (ours.has_patronymic and theirs.has_patronymic):
        return _SILENT
    one_words, other_words = _comparable(ours, theirs)
    if (read := _read_as(ours, theirs, one_words, other_words)) is not None:
        # What only a habit of writing makes equal is a likeness, and never enough to be the same without a person.
        return _judged(Alignment.of(*read, both_cyrillic=False))
    if len(one_words) > 1 and ours.initials == theirs.initials and sorted(one_words) == sorted(other_words):
        return Agreement(Verdict.IDENTICAL, "the same words: " + " ".join(sorted(one_words)))
    if len(one_words) < 2 or len(other_words) < 2:
        return _SILENT
    if len(one_words) != len(other_words) and _joined(one_words, other_words):
        return Agreement(Verdict.IDENTICAL, "the same words, written apart or together")
    return _judged(Alignment.of(one_words, other_words, both_cyrillic=ours.is_cyrillic and theirs.is_cyrillic))


def _comparable(ours: _Spelled, theirs: _Spelled) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Letters where both are Cyrillic; across scripts only sounds can be compared."""
    if ours.lettered is not None and theirs.lettered is not None:
        return ours.lettered, theirs.lettered
    return ours.folded, theirs.folded


_Words = tuple[str, ...]


def _read_as(ours: _Spelled, theirs: _Spelled, one: _Words, other: _Words) -> tuple[_Words, _Words] | None:
    """The words of both, those of the Latin one read as a habit has them where that gives a word of the Cyrillic one.

    None where both are of one script, or where no habit changes anything.
    """
    if ours.is_cyrillic == theirs.is_cyrillic:
        return None
    if theirs.is_cyrillic:
        read = _reading(ours, one, other)
        return None if read == one else (read, other)
    read = _reading(theirs, other, one)
    return None if read == other else (one, read)


def _reading(latin: _Spelled, plain: _Words, wanted: _Words) -> _Words:
    if len(latin.readings) != len(plain):  # A standing was left out of the plain words.
        return plain
    return tuple(
        word if word in wanted else next((form for form in forms if form in wanted), word)
        for word, forms in zip(plain, latin.readings, strict=True)
    )


def compare_companies(one: str, other: str) -> Agreement:
    """Compare two names of legal entities; legal forms do not count."""
    if (numbers := _numerals(one)) != _numerals(other) and not has_digit(one + other):
        return Agreement(Verdict.CONTRADICTS, f"numbered otherwise: {', '.join(sorted(numbers ^ _numerals(other)))}")
    whole_one, whole_other = without_requisites(folded(one)), without_requisites(folded(other))
    ours, theirs = without_abbreviations(without_forms(whole_one)), without_abbreviations(without_forms(whole_other))
    cyrillic = is_cyrillic(repaired(one)), is_cyrillic(repaired(other))
    if not any(cyrillic):
        return _SILENT
    if sorted(ours) == sorted(theirs) or "".join(ours) == "".join(theirs):
        return Agreement(Verdict.IDENTICAL, "the same words without the legal form: " + " ".join(ours))
    both_russian = all(cyrillic) or (has_russian_form(whole_one) and has_russian_form(whole_other))
    if not both_russian:
        return _SILENT
    found = Alignment.of(ours, theirs, both_cyrillic=True)
    if found.left or found.right:
        return Agreement(Verdict.CONTRADICTS, f"words of one only: {' '.join((*found.left, *found.right))}")
    return _SILENT


def _joined(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether joining neighbours of the longer one gives the words of the shorter."""
    longer, shorter = sorted((list(ours), list(theirs)), key=len, reverse=True)
    if len(longer) != len(shorter) + 1 or sum(map(len, longer)) != sum(map(len, shorter)):
        return False
    for at in range(len(longer) - 1):
        merged = [*longer[:at], longer[at] + longer[at + 1], *longer[at + 2 :]]
        if sorted(merged) == sorted(shorter):
            return True
    return False


def _judged(found: Alignment) -> Agreement:
    if found.left and found.right:
        return Agreement(Verdict.CONTRADICTS, f"{' '.join(found.left)} against {' '.join(found.right)}")
    if found.turned:
        return Agreement(Verdict.CONTRADICTS, "the initials stand in another order")
    rest = found.left or found.right
    if any(len(word) == 1 for word in rest) and found.initials == 0 and found.equal < 2:
        return _SILENT
    if found.slips:
        return _SILENT
    if found.equal >= 2 or (found.equal == 1 and found.initials >= 1):
        kind = "with initials" if found.initials else "one is shorter"
        return Agreement(Verdict.AGREES, f"nothing contradicts, {kind}")
    return _SILENT


def _numerals(name: str) -> frozenset[str]:
    """Roman numerals above one, as companies of a group are numbered."""
    return frozenset(word for word in words(name) if word in _ROMAN_NUMERALS)
