"""The numbers of the income tax on ЦФА, each with its term and basis. What is from memory awaits a tax adviser.

Law: Tax Code art. 214.11 (base), 226.2 (agents), 224 (1), (1.1) and (3) (rates), 52 (6) (rounding).
"""

from datetime import date
from typing import Final, NamedTuple

from kapital.kernel.parameters import Confidence, DatedParameter


class Band(NamedTuple):
    """A rate in per cent, for the part of the year's base up to so many kopecks; None: whatever is above."""

    percent: int
    up_to_kopecks: int | None


Scale = tuple[Band, ...]

RESIDENT_SCALE: Final = DatedParameter[Scale](
    "personal_income_tax_resident",
    [
        (
            date(2023, 1, 1),
            date(2024, 12, 31),
            (Band(13, 500_000_000), Band(15, None)),
            "Tax Code art. 224 (1), art. 226.2 (1); 324-FZ of 14.07.2022",
            Confidence.RECALLED,
        ),
        (
            date(2025, 1, 1),
            None,
            (Band(13, 240_000_000), Band(15, None)),
            "Tax Code art. 224 (1.1), art. 226.2 (1); 176-FZ of 12.07.2024",
            Confidence.RECALLED,
        ),
    ],
)
"""What a tax resident pays on income from ЦФА: the scale runs over the calendar year."""

NON_RESIDENT_SCALE: Final = DatedParameter[Scale](
    "personal_income_tax_non_resident",
    [
        (
            date(2023, 1, 1),
            None,
            (Band(30, None),),
            "Tax Code art. 224 (3), art. 226.2 (1)",
            Confidence.RECALLED,
        ),
    ],
)
"""What one who is no tax resident pays."""

TAX_UNIT_KOPECKS: Final = DatedParameter[int](
    "tax_unit_kopecks",
    [(date(2023, 1, 1), None, 100, "Tax Code art. 52 (6): whole roubles, 50 kopecks up", Confidence.RECALLED)],
)
"""What a sum of tax is a multiple of; a half is rounded up."""
