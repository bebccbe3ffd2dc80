"""What Russian names say about each other: same person or company, another one, or nothing.

General matchers do not know that a patronymic, an initial or a surname's ending tells two people apart. These rules
do, and only these: where they are silent the general score stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from kapital.identity.domain.legal_forms import has_russian_form, without_forms
from kapital.identity.domain.name_spelling import NAMES_KEPT, folded, is_cyrillic, repaired, words

TYPO_LENGTH_MIN: Final = 7
"""Folded signs of a word from which on one wrong sign may be a slip."""
SHORT_TYPO_LENGTH_MIN: Final = 5
"""The same across scripts, where the slip may be the transliteration's."""


Fits = Callable[[str, str], bool]

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
_PATRONYMIC: Final = ("oviQ", "eviQ", "ovna", "evna", "iQna", "ogli", "kizi")
# Endings that make one root another surname. Masculine and feminine differ on purpose.
_ENDINGS: Final = (
    "ova", "eva", "ina", "skaia", "Ckaia", "ov", "ev", "in", "ski", "Cki", "enko", "ko", "iX", "uk", "Quk", "ian",
    "iC", "ia", "i",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spelled:
    """What is looked at of a name again and again."""

    words: tuple[str, ...]
    folded: tuple[str, ...]
    sorted_folded: tuple[str, ...]
    is_cyrillic: bool
    has_patronymic: bool


@lru_cache(maxsize=NAMES_KEPT)
def _spelled(name: str) -> _Spelled:
    of_name = folded(name)
    return _Spelled(
        words=tuple(sorted(word.casefold() for word in words(name))),
        folded=of_name,
        sorted_folded=tuple(sorted(of_name)),
        is_cyrillic=is_cyrillic(repaired(name)),
        has_patronymic=len(of_name) > 2 and any(word.endswith(_PATRONYMIC) for word in of_name),
    )


def compare_persons(one: str, other: str) -> Agreement:
    """Compare two names of natural persons."""
    ours, theirs = _spelled(one), _spelled(other)
    if len(ours.words) > 1 and ours.words == theirs.words:
        return Agreement(Verdict.IDENTICAL, "the same words")
    cyrillic = ours.is_cyrillic, theirs.is_cyrillic
    if not any(cyrillic) and not (ours.has_patronymic and theirs.has_patronymic):
        return _SILENT
    if ours.sorted_folded == theirs.sorted_folded and len(ours.folded) > 1:
        return Agreement(Verdict.IDENTICAL, "the same words: " + " ".join(ours.sorted_folded))
    if len(ours.folded) < 2 or len(theirs.folded) < 2:
        return _SILENT
    if len(ours.folded) != len(theirs.folded) and _joined(ours.folded, theirs.folded):
        return Agreement(Verdict.IDENTICAL, "the same words, written apart or together")
    return _judged(_Alignment.of(ours.folded, theirs.folded, both_cyrillic=all(cyrillic)))


def compare_companies(one: str, other: str) -> Agreement:
    """Compare two names of legal entities; legal forms do not count."""
    if (numbers := _numerals(one)) != _numerals(other) and not _has_digit(one + other):
        return Agreement(Verdict.CONTRADICTS, f"numbered otherwise: {', '.join(sorted(numbers ^ _numerals(other)))}")
    whole_one, whole_other = folded(one), folded(other)
    ours, theirs = without_forms(whole_one), without_forms(whole_other)
    cyrillic = is_cyrillic(repaired(one)), is_cyrillic(repaired(other))
    if not any(cyrillic):
        return _SILENT
    if sorted(ours) == sorted(theirs) or "".join(ours) == "".join(theirs):
        return Agreement(Verdict.IDENTICAL, "the same words without the legal form: " + " ".join(ours))
    both_russian = all(cyrillic) or (has_russian_form(whole_one) and has_russian_form(whole_other))
    if not both_russian:
        return _SILENT
    found = _Alignment.of(ours, theirs, both_cyrillic=True)
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


@dataclass(frozen=True, slots=True)
class _Alignment:
    """Words of two names paired: equal, as initials, as slips; and what is left on each side."""

    equal: int
    initials: int
    turned: bool
    slips: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]

    @classmethod
    def of(cls, ours: tuple[str, ...], theirs: tuple[str, ...], *, both_cyrillic: bool) -> "_Alignment":
        left, right = list(ours), list(theirs)
        equal = 0
        for word in ours:
            if len(word) > 1 and word in right:
                left.remove(word)
                right.remove(word)
                equal += 1
        is_slip = _is_slip_of_cyrillic if both_cyrillic else _is_slip_across_scripts
        slips = _paired(left, right, is_slip)
        initials = _paired(left, right, _is_initial)
        turned = [ours.index(a) for a, _ in initials], [theirs.index(b) for _, b in initials]
        return cls(
            equal,
            len(initials),
            turned[0] != sorted(turned[0]) or turned[1] != sorted(turned[1]),
            tuple(f"{a}~{b}" for a, b in slips),
            tuple(left),
            tuple(right),
        )


def _paired(left: list[str], right: list[str], fits: Fits) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    if not right:
        return pairs
    for word in tuple(left):
        if (match := next((other for other in right if fits(word, other)), None)) is not None:
            left.remove(word)
            right.remove(match)
            pairs.append((word, match))
    return pairs


def _judged(found: _Alignment) -> Agreement:
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


def _is_initial(one: str, other: str) -> bool:
    """An initial and a word; ё and е, ю and я have several Latin forms, of which folding keeps the first sound."""
    short, whole = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) > 2:
        return False
    if len(short) == 1:
        # Ксения has the initial К, and the first sound of "ks".
        return short != whole and (whole.startswith(short) or (short == "k" and whole.startswith("X")))
    return short == "ia" and whole.startswith(short) and short != whole


def _is_slip_of_cyrillic(one: str, other: str) -> bool:
    return _is_slip(one, other, TYPO_LENGTH_MIN)


def _is_slip_across_scripts(one: str, other: str) -> bool:
    return _is_slip(one, other, SHORT_TYPO_LENGTH_MIN)


def _is_slip(one: str, other: str, shortest: int) -> bool:
    if one[0] != other[0] and one[-1] != other[-1]:  # One wrong sign leaves the first or the last one right.
        return False
    if min(len(one), len(other)) < shortest or not _one_edit(one, other):
        return False
    return not _has_digit(one + other) and _ending(one) == _ending(other)


def _numerals(name: str) -> frozenset[str]:
    """Roman numerals above one, as companies of a group are numbered."""
    return frozenset(word for word in words(name) if word in _ROMAN_NUMERALS)


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _one_edit(one: str, other: str) -> bool:
    """Whether one sign put in, left out, changed, or two neighbours turned make one of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
