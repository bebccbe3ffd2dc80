"""Fields that terms are made of: texts with a form, numbers with bounds, the day count."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

# `(?!\n)` because Python's `$` also matches before a final line feed; the pattern means the same in ECMA-262.
DecimalText = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?$(?!\n)")]
"""An exact decimal in quotes, such as "0.165": never a float. `decimal(text)` reads it."""
ClockText = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
"""A time of the day in Moscow, hh:mm."""
Code = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_-]{2,31}$(?!\n)")]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,47}$(?!\n)")]
Sha256Text = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Digits = Annotated[str, Meta(pattern=r"^[0-9]{10,15}$(?!\n)")]
Line = Annotated[str, Meta(max_length=500, pattern=r"^(?=.*\S)[^\r\n\t]+$(?!\n)")]
"""One line of text that is not blank."""
Text = Annotated[str, Meta(max_length=20_000, pattern=r"\S")]
"""Paragraphs of text, not blank; empty lines part paragraphs."""
Instant = Annotated[datetime, Meta(tz=True)]
Units = Annotated[int, Meta(ge=0, le=10**12)]
Kopecks = Annotated[int, Meta(ge=0, le=10**15)]
Days = Annotated[int, Meta(ge=0, le=366)]


class DayCount(StrEnum):
    """How a period becomes a fraction of a year (база расчёта)."""

    ACT_365F = "act_365f"
    ACT_ACT_ISDA = "act_act_isda"
    THIRTY_360 = "thirty_360"


def decimal(text: str) -> Decimal:
    """The exact value of a DecimalText."""
    return Decimal(text)
