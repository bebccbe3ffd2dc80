"""How else a Latin word may have been meant: French, German, Polish, Ukrainian, Turkic and English habits.

One Latin letter stands for several Russian ones, according to who wrote it: Chevtchenko, Schewtschenko and Szewczenko
are Шевченко. Each habit gives one more reading of a word; it counts only where it gives a word of the other name.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from kapital.identity.domain.name_spelling import NAMES_KEPT, folded_word
from kapital.identity.domain.name_variants import russian_form
from kapital.kernel.names import is_cyrillic

_BARE_H: Final = re.compile(r"(?<![kzscptg])h")
_SINGLE_S: Final = re.compile(r"(?<!s)s(?!s|ch)")
_HARD_C: Final = re.compile(r"c(?![eéiyh])")
_GU: Final = re.compile(r"gu(?=[eéèiï])")


def _ukrainian(word: str) -> str:
    return _BARE_H.sub("g", word)


def _french(word: str) -> str:
    word = _GU.sub("g", word).replace("tch", "č").replace("ch", "š").replace("ou", "u").replace("j", "ž")
    return _emigrant(word.removesuffix("e") if word.endswith("ine") else word)


def _german(word: str) -> str:
    word = word.replace("schtsch", "š").replace("tsch", "č").replace("sch", "š")
    return _emigrant(word.replace("ch", "kh").replace("tz", "z").replace("z", "ts"))


def _german_soft(word: str) -> str:
    return _SINGLE_S.sub("\0", _german(word)).replace("ts", "\1").replace("\0", "z").replace("\1", "ts")


def _polish(word: str) -> str:
    word = word.replace("szcz", "š").replace("sz", "š").replace("cz", "č").replace("ch", "kh")
    return word.replace("rz", "ž").replace("ż", "ž").replace("ó", "u")


def _turkic(word: str) -> str:
    word = word.replace("ch", "č").replace("c", "dzh").replace("q", "k").replace("j", "dzh").replace("ə", "a")
    return word.replace("oʻ", "u").replace("o'", "u").replace("gʻ", "g").replace("g'", "g")


def _azeri(word: str) -> str:
    return _BARE_H.sub("g", _turkic(word.replace("q", "g")).replace("kh", "χ")).replace("χ", "kh")


def _english(word: str) -> str:
    return _emigrant(_HARD_C.sub("k", word).replace("ee", "i").replace("oo", "u"))


def _emigrant(word: str) -> str:
    """The endings of older papers: Popoff, Lebedeff."""
    for written, meant in (("off", "ov"), ("eff", "ev")):
        if word.endswith(written):
            return word.removesuffix(written) + meant
    return word


_HABITS: Final[tuple[Callable[[str], str], ...]] = (
    _ukrainian, _english, _french, _german, _german_soft, _polish, _turkic, _azeri,
)  # fmt: skip


# Marks of habits that change so much that an index of the usual forms would not find the name.
_MARKED: Final[tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]] = (
    (re.compile("tch|ch.*ou|ou.*ch|jou|ou(?=[dklmrt])"), _french),
    (re.compile("sch|zew|zow"), _german),
    (re.compile("sz|cz"), _polish),
    (re.compile("ə"), _azeri),
    (re.compile(r"(?<![kzscptg])h\w*[oe]va?\b"), _ukrainian),  # Ibrahimov
)


def given_name(word: str) -> str:
    """The folded Russian form of a word that is a given name or patronymic under some habit, else its folded form."""
    for form in (found := readings(word)):
        if (russian := russian_form(form, is_lettered=False)) != form:
            return russian
    return found[0]


def spelled_otherwise(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The folded words of a Latin name under each habit whose marks it bears, for an index; none for most names."""
    said = tuple(word.casefold() for word in words)
    whole = " ".join(said)
    for mark, habit in _MARKED:
        if mark.search(whole) and not is_cyrillic(whole):
            forms = (folded_word(habit(word)) for word in said)
            yield tuple(russian_form(form, is_lettered=False) for form in forms if form)


@lru_cache(maxsize=NAMES_KEPT)
def readings(word: str) -> tuple[str, ...]:
    """Folded forms of a word under every habit, the usual one first; of a Cyrillic word that one alone."""
    usual = folded_word(word)
    if is_cyrillic(word):
        return (usual,)
    said = word.casefold()
    return tuple(dict.fromkeys((usual, *(form for habit in _HABITS if (form := folded_word(habit(said)))))))
