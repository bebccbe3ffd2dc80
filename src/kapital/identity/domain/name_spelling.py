"""How a name may be written, taken together: one folded form for Cyrillic and its transliterations.

Folding is lossy on purpose: what ICAO Doc 9303, GOST 7.79 A and B, older passports, German and French habits write
differently becomes one sound each. It finds candidates and says whether two Russian spellings agree; it is never
shown as a name.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from kapital.kernel.names import is_cyrillic, is_latin

NAME_LENGTH_MAX: Final = 1_000
"""Signs of a name that are looked at."""
NAMES_KEPT: Final = 200_000
"""Names whose forms are kept: each is compared many times."""
TOKENS_MAX: Final = 40
"""Words of a name that are looked at: alignment costs their square."""

# Pairs that look the same in most typefaces. In a word of both scripts the minority is a disguise, or a slip.
_CYRILLIC_LOOK: Final = "авекмнорстухьіїјѕԁԛԝАВЕЗКМНОРСТУХІЇЈЅҮ"
_LATIN_LOOK: Final = "abekmhopctyxbiïjsdqwABE3KMHOPCTYXIÏJSY"
_TO_LATIN: Final = dict(zip(_CYRILLIC_LOOK, _LATIN_LOOK, strict=True))
_TO_CYRILLIC: Final = {latin: cyrillic for cyrillic, latin in reversed(_TO_LATIN.items())} | {
    "u": "и", "n": "п", "m": "т", "r": "г", "k": "к", "K": "К", "y": "у", "Y": "У", "x": "х", "i": "і", "h": "н",
    "b": "ь", "s": "ѕ", "0": "О",
}  # fmt: skip

_ROMAN: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziiklmnoprstufie", strict=True))
    | {"ё": "e", "ж": "Z", "х": "X", "ц": "C", "ч": "Q", "ш": "W", "щ": "W", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
    # Ukrainian, Belarusian, Serbian, Kazakh, Kyrgyz, Mongolian letters.
    | dict(zip("іїєґўқұүөәңғһјљњћђџ", "iieguku" "uoangX" "ilnQQQ", strict=True))
)  # fmt: skip
_ACCENTED: Final = str.maketrans(
    {"ž": "Z", "š": "W", "ŝ": "W", "č": "Q", "ć": "Q", "ç": "Q", "ş": "W", "û": "iu", "â": "ia", "ł": "l", "ø": "o",
     "đ": "d", "ß": "ss", "æ": "e", "ı": "i"}
)  # fmt: skip
_ICAO_HARD_SIGN: Final = re.compile(r"(?<=[bcdfgklmnprstvz])ie(?=e|ia|iu|io)")
_HARD_C: Final = re.compile(r"(?<=[irn])c$")
_POLISH_CK: Final = re.compile(r"(?<=[ei])ck(?=[aiy])")
# Longest first. Capital letters are single sounds: Z ж, W ш щ, Q ч, C ц, X х.
_SOUNDS: Final = (
    ("schtsch", "W"), ("shch", "W"), ("stch", "W"), ("shh", "W"), ("tsch", "Q"), ("tch", "Q"), ("sch", "W"),
    ("iou", "iu"), ("ck", "k"), ("ksh", "kW"), ("kh", "X"), ("ks", "X"), ("zh", "Z"), ("sh", "W"), ("ch", "Q"),
    ("ph", "f"), ("gue", "ge"), ("gui", "gi"), ("dj", "dZ"),
    ("cz", "C"), ("ts", "C"), ("tz", "C"), ("c", "C"), ("h", "X"), ("x", "X"), ("w", "v"),
    ("yo", "e"), ("jo", "e"), ("ye", "e"), ("je", "e"), ("yu", "iu"), ("ju", "iu"), ("ya", "ia"), ("ja", "ia"),
    ("y", "i"), ("j", "i"), ("iu", "u"), ("gue", "ge"), ("gui", "gi"),
)  # fmt: skip
# Where two letters meet that Latin writes as one sound: сч and щ are both "sch", тч and ч both "tch".
_MET: Final = (("tQ", "Q"), ("CQ", "Q"), ("XQ", "kW"), ("sQ", "W"), ("WQ", "W"))
_AFTER_HUSH: Final = re.compile("(?<=[ZWQC])o(?=v)")
"""Хрущёв and Хрущов: after a hushing sound ё and о are one."""
_SPLIT: Final = re.compile(r"[^\w]+|_")
_NOT_SOUND: Final = re.compile(r"['’`ʹʺ\"ʼ´]")


@lru_cache(maxsize=NAMES_KEPT)
def repaired(text: str) -> str:
    """The name with compatibility forms resolved, invisible signs gone, and words of mixed script made of one.

    A word that holds both Cyrillic and Latin letters is written in the script of the letters that have no look-alike,
    those of the word before those of the whole name, Cyrillic when there are none. A word wholly of the other script
    is left: nothing tells that it is a disguise.
    """
    text = unicodedata.normalize("NFKC", text[:NAME_LENGTH_MAX])
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cc", "Mn") or sign == "\t")
    if not (is_cyrillic(text) and is_latin(text)):
        return " ".join(text.split())
    whole = _lean(text)
    return " ".join(_of_one_script(word, whole) for word in text.split())


def _lean(text: str) -> int:
    """Above zero for Cyrillic: letters that only that script has, against letters that only Latin has."""
    cyrillic = sum(is_cyrillic(sign) and sign not in _TO_LATIN for sign in text)
    return cyrillic - sum(is_latin(sign) and sign not in _TO_CYRILLIC for sign in text)


def _of_one_script(word: str, lean_of_name: int) -> str:
    if not (is_cyrillic(word) and is_latin(word)):
        return word
    lean = _lean(word) or lean_of_name
    if lean >= 0:
        return "".join(_TO_CYRILLIC.get(sign, sign) for sign in word)
    return "".join(_TO_LATIN.get(sign, sign) for sign in word)


@lru_cache(maxsize=200_000)
def folded_word(word: str) -> str:
    """The folded form of one word: lower-case Latin sounds, capitals for ж ш ч ц х; may be empty."""
    word = _NOT_SOUND.sub("", word.casefold())
    if is_cyrillic(word):
        word = word.translate(_ROMAN)
    else:
        word = word.translate(_ACCENTED)
        word = "".join(s for s in unicodedata.normalize("NFKD", word) if not unicodedata.combining(s))
        word = _POLISH_CK.sub("Ck", _ICAO_HARD_SIGN.sub("", word))
        word = _HARD_C.sub("k", word)
    for written, sound in (*_SOUNDS, *_MET):
        word = word.replace(written, sound)
    return _once(_AFTER_HUSH.sub("e", word))


@lru_cache(maxsize=200_000)
def lettered_word(word: str) -> str:
    """The folded form of a Cyrillic word that keeps its letters apart: Максин is not Махин, Матчин not Мачин.

    Transliterations cannot tell these apart, so across scripts `folded_word` has to do. Other words: as folded.
    """
    if not is_cyrillic(word):
        return folded_word(word)
    return _once(_NOT_SOUND.sub("", word.casefold()).translate(_ROMAN).replace("iu", "u"))


def _once(word: str) -> str:
    """Doubled letters once; digits stay."""
    return re.sub(r"([^0-9])\1+", r"\1", word)


@lru_cache(maxsize=NAMES_KEPT)
def words(name: str) -> tuple[str, ...]:
    """The words of a repaired name, punctuation gone, case kept; at most 40."""
    found = (_NOT_SOUND.sub("", word) for word in _SPLIT.split(_NOT_SOUND.sub("", repaired(name))))
    return tuple(word for word in found if word)[:TOKENS_MAX]


@lru_cache(maxsize=NAMES_KEPT)
def folded(name: str) -> tuple[str, ...]:
    """The folded words of a name, in its order, empty ones left out."""
    return tuple(f for word in words(name) if (f := folded_word(word)))


@lru_cache(maxsize=NAMES_KEPT)
def lettered(name: str) -> tuple[str, ...]:
    """The words of a name as `folded`, Cyrillic letters kept apart: for two Cyrillic names."""
    return tuple(f for word in words(name) if (f := lettered_word(word)))


_SPELLED: Final = str.maketrans({"Z": "zh", "W": "sh", "Q": "ch", "C": "ts", "X": "kh"})


def common_spelling(name: str) -> str:
    """The folded name in plain Latin letters: what two transliterations of one name have in common."""
    return " ".join(word.translate(_SPELLED) for word in folded(name))
