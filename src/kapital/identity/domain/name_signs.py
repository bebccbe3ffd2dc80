"""Signs of a name that are there to deceive: letters of a third script, of no ordinary shape, or without any shape.

A word of Cyrillic and Latin letters is read as its lists are (`name_spelling.repaired`); what is found here nothing
can read for what it looks like, so it is not taken in.
"""

import re
import unicodedata
from typing import Final

from kapital.identity.domain.name_spelling import is_cyrillic, is_latin

_PARTS: Final = re.compile(r"[\s\-]+")
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters to Unicode, nothing to the eye."""


def is_disguised(name: str) -> bool:
    """Whether a word mixes in letters of a script beyond Cyrillic and Latin, or holds signs without a shape."""
    if any(sign in _FILLERS or unicodedata.category(sign) == "Me" for sign in name):
        return True
    return any(len(scripts) > 1 and scripts - {"cyrillic", "latin"} for scripts in map(_scripts, _PARTS.split(name)))


def is_mixed(name: str) -> bool:
    """Whether a word looks like one alphabet and is written in two, Cyrillic and Latin."""
    return any({"cyrillic", "latin"} <= _scripts(word) for word in _PARTS.split(name))


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
