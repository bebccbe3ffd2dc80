"""Exact money: integer kopecks, prices as Decimal with a declared rounding, shares that add up."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

from kapital.kernel.problems import Family, Problem, Retry, ensure

INT64_MAX: Final = 2**63 - 1
"""Largest amount, either sign. The bound is symmetric so that every amount can be negated."""

KOPECKS_PER_RUBLE: Final = 100

_DECIMAL_PLACES_MAX: Final = 20

Language = Literal["ru", "en"]
# Group separator, decimal mark, unit. A no-break space keeps a sum on one line.
_FORMATS: Final[dict[Language, tuple[str, str, str]]] = {
    "ru": ("\u00a0", ",", "\u00a0₽"),
    "en": (",", ".", "\u00a0RUB"),
}


class AmountOutOfRange(Problem):
    """An amount does not fit a signed 64-bit integer, or a number is not one an amount can be made of."""

    code = "amount_out_of_range"
    title = "The amount is outside the range the register can hold"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class Rounding(StrEnum):
    """How a number between two kopecks becomes one of them; DOWN is towards zero, UP away from it."""

    HALF_UP = ROUND_HALF_UP
    HALF_EVEN = ROUND_HALF_EVEN
    DOWN = ROUND_DOWN
    UP = ROUND_UP


def require_int64(amount: int) -> int:
    """Return `amount` if its magnitude is at most INT64_MAX. Raises: AmountOutOfRange."""
    if abs(amount) > INT64_MAX:
        raise AmountOutOfRange("the amount does not fit a signed 64-bit integer")
    return amount


@lru_cache(maxsize=4096)
def format_rubles(amount_kopecks: int, lang: Language) -> str:
    """Write kopecks for people: `1 234,56 ₽` (ru, no-break spaces), `1,234.56 RUB` (en); minus is U+2212."""
    ensure(lang in _FORMATS, f"no format of money for the language {lang!r}")
    group, mark, unit = _FORMATS[lang]
    rubles, kopecks = divmod(abs(amount_kopecks), KOPECKS_PER_RUBLE)
    sign = "\u2212" if amount_kopecks < 0 else ""
    return f"{sign}{rubles:,}".replace(",", group) + f"{mark}{kopecks:02d}{unit}"


def round_kopecks(amount_rubles: Decimal, rounding: Rounding) -> int:
    """Round an exact number of roubles to whole kopecks.

    Raises: AmountOutOfRange for NaN, infinity, more than 20 decimals or a result beyond ±INT64_MAX.
    """
    numerator, denominator = _exact_ratio(amount_rubles)
    return require_int64(divide_rounded(numerator * KOPECKS_PER_RUBLE, denominator, rounding))


def price_amount_kopecks(price: Decimal, units: int, rounding: Rounding, *, scale: int = 0) -> int:
    """What `units` cost at `price` roubles for one whole, rounded once, at the end.

    Units: `units` count the smallest parts; one whole is 10**scale of them (see `kernel.quantity`).
    Raises: AmountOutOfRange for a negative or unusable price, negative units or too large a result.
    """
    ensure(scale >= 0, "a scale is not negative")
    numerator, denominator = _exact_ratio(price)
    if numerator < 0 or units < 0:
        raise AmountOutOfRange("a price and a number of units are not negative")
    whole = denominator * 10**scale
    return require_int64(divide_rounded(numerator * units * KOPECKS_PER_RUBLE, whole, rounding))


def divide_rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide two integers exactly and round the quotient. `denominator` is positive."""
    ensure(denominator > 0, "a denominator is positive")
    quotient, rest = divmod(abs(numerator), denominator)
    away_from_zero = {
        Rounding.DOWN: False,
        Rounding.UP: rest > 0,
        Rounding.HALF_UP: 2 * rest >= denominator,
        Rounding.HALF_EVEN: 2 * rest + quotient % 2 > denominator,
    }
    magnitude = quotient + away_from_zero[rounding]
    return -magnitude if numerator < 0 else magnitude


def split_pro_rata(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights` by the largest remainder; equal remainders: lower index first.

    Shape: one share per weight, in order; shares are whole, not negative, and sum to `total` exactly. Each
    is its exact proportion rounded down or up, so with total <= sum(weights) no share exceeds its weight.
    """
    ensure(total >= 0 and all(weight >= 0 for weight in weights), "a split has no negative numbers")
    weight_sum = sum(weights)
    ensure(weight_sum > 0 or total == 0, "something cannot be split among nobody")
    if weight_sum == 0:
        return [0] * len(weights)
    shares, remainders = [], []
    for weight in weights:
        share, remainder = divmod(total * weight, weight_sum)
        shares.append(share)
        remainders.append(remainder)
    # A stable sort keeps the lower index first among equal remainders.
    by_remainder = sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def _exact_ratio(number: Decimal) -> tuple[int, int]:
    # Integers instead of Decimal arithmetic: the ambient context (28 digits) would round in silence.
    # The bounds come first, because 1E+999999999 is a short text and a huge integer.
    ensure(isinstance(number, Decimal), "prices and rates are Decimal, never float")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or number.adjusted() > _DECIMAL_PLACES_MAX or exponent < -_DECIMAL_PLACES_MAX:
        raise AmountOutOfRange("the number has more digits than an amount can be made of")
    return number.as_integer_ratio()
