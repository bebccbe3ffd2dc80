"""Pairing the folded words of two names: equal, as initials, as slips of the pen; and what is left on each side."""

from dataclasses import dataclass
from typing import Final

TYPO_LENGTH_MIN: Final = 7
"""Folded signs of a word from which on one wrong sign may be a slip."""
SHORT_TYPO_LENGTH_MIN: Final = 5
"""The same across scripts, where the slip may be the transliteration's."""

INITIAL_LENGTH_MAX: Final = 2
"""Folded signs of an initial: of я there are two."""

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
        slips = _slips(left, right, TYPO_LENGTH_MIN if both_cyrillic else SHORT_TYPO_LENGTH_MIN)
        initials = _initials(left, right)
        return cls(
            equal,
            len(initials),
            bool(initials) and _is_turned(initials, ours, theirs),
            tuple(f"{a}~{b}" for a, b in slips),
            tuple(left),
            tuple(right),
        )


def _slips(left: list[str], right: list[str], shortest: int) -> list[tuple[str, str]]:
    pairs = []
    for word in tuple(left):
        first, last, length = word[0], word[-1], len(word)
        for other in right:
            # One wrong sign leaves the first or the last one right, and nearly the length: most words fail here.
            alike = first == other[0] or last == other[-1]
            if alike and -2 < length - len(other) < 2 and _is_slip(word, other, shortest):
                pairs.append((word, other))
                left.remove(word)
                right.remove(other)
                break
    return pairs


def _initials(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    if not left or not right or min(map(len, left + right)) > INITIAL_LENGTH_MAX:
        return pairs
    for word in tuple(left):
        if (match := next((other for other in right if _is_initial(word, other)), None)) is not None:
            pairs.append((word, match))
            left.remove(word)
            right.remove(match)
    return pairs


def _is_turned(initials: list[tuple[str, str]], ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    in_ours, in_theirs = [ours.index(a) for a, _ in initials], [theirs.index(b) for _, b in initials]
    return in_ours != sorted(in_ours) or in_theirs != sorted(in_theirs)


def _is_initial(one: str, other: str) -> bool:
    """An initial and a word; ё and е, ю and я have several Latin forms, of which folding keeps the first sound."""
    short, whole = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) > INITIAL_LENGTH_MAX:
        return False
    if len(short) == 1:
        # Ксения has the initial К, and the first sound of "ks".
        return short != whole and (whole.startswith(short) or (short == "k" and whole.startswith("X")))
    return short == "ia" and whole.startswith(short) and short != whole


def _is_slip(one: str, other: str, shortest: int) -> bool:
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
    start = 0
    for ours, theirs in zip(one, other, strict=False):
        if ours != theirs:
            break
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")
