"""Signs of a name that are there to deceive: two alphabets in a word, letters of no ordinary shape, or unseen ones.

What is found here nothing can read for what it looks like: no list finds it and no eye tells it from the name that it
imitates.
"""

import re
import unicodedata
from typing import Final

_CYRILLIC: Final = re.compile("[Ѐ-ӿ]")
_LATIN: Final = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]")
_PARTS: Final = re.compile(r"[\s\-]+")
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters to Unicode, nothing to the eye."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode without a shape of their own: controls, joiners, marks of direction, surrogates."""


def is_cyrillic(text: str) -> bool:
    """Whether any sign is Cyrillic."""
    return _CYRILLIC.search(text) is not None


def is_latin(text: str) -> bool:
    """Whether any sign is a Latin letter of names: no small capital, no letter of phonetics."""
    return _LATIN.search(text) is not None


def is_disguised(name: str) -> bool:
    """Whether a word mixes in letters of a script beyond Cyrillic and Latin, or holds signs without a shape."""
    if any(sign in _FILLERS or unicodedata.category(sign) == "Me" for sign in name):
        return True
    return any(len(scripts) > 1 and scripts - {"cyrillic", "latin"} for scripts in map(_scripts, _PARTS.split(name)))


def is_mixed(name: str) -> bool:
    """Whether a word looks like one alphabet and is written in two, Cyrillic and Latin."""
    return any({"cyrillic", "latin"} <= _scripts(word) for word in _PARTS.split(name))


def has_unseen(name: str) -> bool:
    """Whether a sign takes no place, so that two different names look the same."""
    return any(unicodedata.category(sign) in _UNSEEN for sign in name)


def _scripts(word: str) -> set[str]:
    return {_script(sign) for sign in unicodedata.normalize("NFKC", word) if unicodedata.category(sign)[0] == "L"}


def _script(letter: str) -> str:
    if is_cyrillic(letter):
        return "cyrillic"
    if is_latin(letter):
        return "latin"
    # A small capital or a letter of phonetics is "LATIN LETTER SMALL CAPITAL E": no script that names are written in.
    name = unicodedata.name(letter, "unnamed")
    return f"other {name.split(' ')[0]}"
