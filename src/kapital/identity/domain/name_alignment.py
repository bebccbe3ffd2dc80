"""Pairing the folded words of two names: equal, as initials, as slips of the pen; and what is left on each side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TYPO_LENGTH_MIN: Final = 7
"""Folded signs of a word from which on one wrong sign may be a slip."""
SHORT_TYPO_LENGTH_MIN: Final = 5
"""The same across scripts, where the slip may be the transliteration's."""

Fits = Callable[[str, str], bool]

PATRONYMIC: Final = ("oviQ", "eviQ", "ovna", "evna", "iQna", "ogli", "kizi")
# Endings that make one root another surname. Masculine and feminine differ on purpose.
_ENDINGS: Final = (
    "ova", "eva", "ina", "skaia", "Ckaia", "ov", "ev", "in", "ski", "Cki", "enko", "ko", "iX", "uk", "Quk", "ian",
    "iC", "ia", "i",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alignment:
    """Words of two names paired: equal, as initials, as slips; and what is left on each side."""

    equal: int
    initials: int
    turned: bool
    slips: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]

    @classmethod
    def of(cls, ours: tuple[str, ...], theirs: tuple[str, ...], *, both_cyrillic: bool) -> "Alignment":
        """Pair folded words: equal ones first, then slips, then initials."""
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
    if not _one_edit(one, other):
        return False
    if min(len(one), len(other)) < shortest:
        return _is_slip_in_patronymic(one, other) or _is_slip_in_patronymic(other, one)
    ending = _ending(one)
    return not has_digit(one + other) and ending == _ending(other) and not _has_suffix_k(one, other, ending)


def _is_slip_in_patronymic(whole: str, damaged: str) -> bool:
    """Whether the slip is in the ending, which says nothing: Юрьевч. The name before it is right."""
    ending = next((one for one in PATRONYMIC if whole.endswith(one)), "")
    return bool(ending) and len(whole) > len(ending) + 1 and damaged.startswith(whole.removesuffix(ending))


def _has_suffix_k(one: str, other: str, ending: str) -> bool:
    """Whether a suffix makes one surname of the other: Солодов and Солодков, Рыбин and Рыбкин."""
    stems = sorted((one.removesuffix(ending), other.removesuffix(ending)), key=len)
    return bool(ending) and stems[1] == f"{stems[0]}k"


def has_digit(text: str) -> bool:
    """Whether any sign is a digit."""
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


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")
