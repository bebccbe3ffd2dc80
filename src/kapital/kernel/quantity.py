"""Quantities of an asset's units: whole numbers of smallest parts with an explicit scale."""

import re
from typing import Final

import msgspec

from kapital.kernel.money import require_int64
from kapital.kernel.problems import Family, Problem, Retry, ensure

SCALE_MAX: Final = 18
"""Most decimals a quantity may have; 10**18 still fits a signed 64-bit integer."""

_TEXT: Final = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,18}))?")


class QuantityTextMalformed(Problem):
    """A text is not a quantity of this asset: wrong characters, or more decimals than its scale."""

    code = "quantity_text_malformed"
    title = "The text is not a quantity"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ScalesMustMatch(Problem):
    """Quantities counted in different parts met in one sum."""

    code = "scales_must_match"
    title = "Quantities of different scales cannot be added"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class Quantity(msgspec.Struct, frozen=True):
    """`units` smallest parts, of which 10**scale make one whole; most issues have scale 0.

    Raises: AmountOutOfRange when made outside ±INT64_MAX, by arithmetic too.
    """

    units: int
    scale: int = 0

    def __post_init__(self) -> None:
        ensure(type(self.units) is int, "a quantity is a whole number of units")
        ensure(type(self.scale) is int and 0 <= self.scale <= SCALE_MAX, "a scale is 0 to 18")
        require_int64(self.units)

    def __add__(self, other: "Quantity") -> "Quantity":
        self._require_same_scale(other)
        return Quantity(self.units + other.units, self.scale)

    def __sub__(self, other: "Quantity") -> "Quantity":
        self._require_same_scale(other)
        return Quantity(self.units - other.units, self.scale)

    def __str__(self) -> str:
        """The whole with exactly `scale` decimals, e.g. `1.50` for 150 units of scale 2."""
        sign = "-" if self.units < 0 else ""
        whole, parts = divmod(abs(self.units), 10**self.scale)
        return f"{sign}{whole}.{parts:0{self.scale}d}" if self.scale else f"{sign}{whole}"

    def _require_same_scale(self, other: "Quantity") -> None:
        if self.scale != other.scale:
            raise ScalesMustMatch(facts={"left": self.scale, "right": other.scale})


def parse_quantity(text: str, scale: int) -> Quantity:
    """Read a non-negative quantity such as `12` or `12.5`; decimals beyond `scale` are refused, not rounded.

    Raises: QuantityTextMalformed, AmountOutOfRange.
    """
    found = _TEXT.fullmatch(text)
    parts = (found.group(2) or "") if found else ""
    if found is None or len(parts) > scale:
        raise QuantityTextMalformed(f"write a quantity with at most {scale} decimals", {"scale": scale})
    return Quantity(int(found.group(1) + parts.ljust(scale, "0")), scale)
