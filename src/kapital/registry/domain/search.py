"""How names are made comparable for a search: one spelling of what people write in many ways."""

import re
import unicodedata
from typing import Final

_APART: Final = re.compile(r"[^\w]+")
_FORMS: Final = (
    "общество с ограниченной ответственностью",
    "публичное акционерное общество",
    "непубличное акционерное общество",
    "закрытое акционерное общество",
    "открытое акционерное общество",
    "акционерное общество",
    "индивидуальный предприниматель",
    "ооо",
    "пао",
    "нао",
    "зао",
    "оао",
    "ао",
    "ип",
)
"""Legal forms that stand before a name and that nobody types first."""


def name_key(name: str) -> str:
    """The form of a name by which it is found: folded case, е for ё, words apart by one space, no legal form.

    Two names with one key are not one name: a search shows all. Empty when nothing is left.
    """
    # Composed before the letter is exchanged, or ё and й would come as two signs.
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = _APART.sub(" ", unicodedata.normalize("NFKC", folded).replace("ё", "е")).strip()
    for form in _FORMS:
        if words.startswith(form + " "):
            return words[len(form) + 1 :]
    return words
