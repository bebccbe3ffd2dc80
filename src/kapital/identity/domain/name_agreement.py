"""What Russian names say about each other: same person or company, another one, or nothing.

General matchers do not know that a patronymic, an initial or a surname's ending tells two people apart. These rules
do, and only these: where they are silent the general score stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from kapital.identity.domain.legal_forms import has_russian_form, without_abbreviations, without_forms
from kapital.identity.domain.name_spelling import (
    NAMES_KEPT,
    folded,
    folded_word,
    is_cyrillic,
    lettered,
    repaired,
    words,
)

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
    initials: tuple[str, ...]  # their order tells «А.С.» from «С.А.»
    lettered: tuple[str, ...] | None  # None when a word is of another script
    is_cyrillic: bool
    has_patronymic: bool


# «Son of» and «daughter of» stand apart in Turkic names, and each passport office writes its own vowel.
_SON, _DAUGHTER = "ogli", "kizi"
_AS_ONE: Final = dict.fromkeys(("ogli", "oglu", "ugli", "uglu"), _SON) | dict.fromkeys(
    ("kizi", "qizi", "gizi", "kiz"), _DAUGHTER
)
# Given names that Ukrainian and Belarusian papers write as names of their own.
_THEIRS: Final = """
    Михайло=Михаил Дмитро=Дмитрий Олексій=Алексей Олександр=Александр Олександра=Александра Микола=Николай
    Сергій=Сергей Андрій=Андрей Володимир=Владимир Євген=Евгений Євгенія=Евгения Юрій=Юрий Василь=Василий
    Олена=Елена Ганна=Анна Катерина=Екатерина Пилип=Филипп Тетяна=Татьяна Наталія=Наталья Григорій=Григорий
    Аляксандр=Александр Аляксей=Алексей Сяргей=Сергей Мікалай=Николай Уладзімір=Владимир Дзмітрый=Дмитрий
    Міхаіл=Михаил Алена=Елена Кацярына=Екатерина Яўген=Евгений
"""
_GIVEN: Final = {
    folded_word(theirs): folded_word(russian) for theirs, russian in (pair.split("=") for pair in _THEIRS.split())
}
_STANDINGS: Final = (tuple(map(folded_word, ("индивидуальный", "предприниматель"))), (folded_word("ип"),))
"""What papers write before the name of a sole proprietor."""


def _plain(folded_words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that are the name itself, variants of particles and of given names as one."""
    for standing in _STANDINGS:
        if folded_words[: len(standing)] == standing and len(folded_words) > len(standing) + 1:
            folded_words = folded_words[len(standing) :]
    return tuple(_GIVEN.get(word, _AS_ONE.get(word, word)) for word in folded_words)


@lru_cache(maxsize=NAMES_KEPT)
def _spelled(name: str) -> _Spelled:
    of_name = _plain(folded(name))
    return _Spelled(
        words=tuple(sorted(word.casefold() for word in words(name))),
        folded=of_name,
        initials=tuple(word for word in of_name if len(word) == 1),
        lettered=_plain(lettered(name)) if all(map(is_cyrillic, words(name))) else None,
        is_cyrillic=is_cyrillic(repaired(name)),
        has_patronymic=len(of_name) > 2 and any(word.endswith(_PATRONYMIC) for word in of_name),
    )


def compare_persons(one: str, other: str) -> Agreement:
    """Compare two names of natural persons."""
    ours, theirs = _spelled(one), _spelled(other)
    if len(ours.words) > 1 and ours.words == theirs.words and ours.initials == theirs.initials:
        return Agreement(Verdict.IDENTICAL, "the same words")
    cyrillic = ours.is_cyrillic, theirs.is_cyrillic
    if not any(cyrillic) and not (ours.has_patronymic and theirs.has_patronymic):
        return _SILENT
    one_words, other_words = _comparable(ours, theirs)
    same = sorted(one_words) == sorted(other_words) and ours.initials == theirs.initials
    if same and len(one_words) > 1:
        return Agreement(Verdict.IDENTICAL, "the same words: " + " ".join(sorted(one_words)))
    if len(one_words) < 2 or len(other_words) < 2:
        return _SILENT
    if len(one_words) != len(other_words) and _joined(one_words, other_words):
        return Agreement(Verdict.IDENTICAL, "the same words, written apart or together")
    return _judged(_Alignment.of(one_words, other_words, both_cyrillic=all(cyrillic)))


def _comparable(ours: _Spelled, theirs: _Spelled) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Letters where both are Cyrillic; across scripts only sounds can be compared."""
    if ours.lettered is not None and theirs.lettered is not None:
        return ours.lettered, theirs.lettered
    return ours.folded, theirs.folded


def compare_companies(one: str, other: str) -> Agreement:
    """Compare two names of legal entities; legal forms do not count."""
    if (numbers := _numerals(one)) != _numerals(other) and not _has_digit(one + other):
        return Agreement(Verdict.CONTRADICTS, f"numbered otherwise: {', '.join(sorted(numbers ^ _numerals(other)))}")
    whole_one, whole_other = folded(one), folded(other)
    ours, theirs = without_abbreviations(without_forms(whole_one)), without_abbreviations(without_forms(whole_other))
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
    ending = _ending(one)
    return not _has_digit(one + other) and ending == _ending(other) and not _has_suffix_k(one, other, ending)


def _has_suffix_k(one: str, other: str, ending: str) -> bool:
    """Whether a suffix makes one surname of the other: Солодов and Солодков, Рыбин and Рыбкин."""
    stems = sorted((one.removesuffix(ending), other.removesuffix(ending)), key=len)
    return bool(ending) and stems[1] == f"{stems[0]}k"


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
