"""The demonstration: real terms from decision to redemption, on embedded parts, with synthetic people.

It is also the first tutorial: every step is a use case that routes call too; nothing is put into a table from here.
"""

from typing import Final

INVESTORS: Final = 240
"""Synthetic investors when nothing else is asked for."""
INVESTORS_MIN: Final = 3
"""One forgets the payment code, one orders too late, one is given a statement."""
INVESTORS_MAX: Final = 5_000
ISSUES_MAX: Final = 20
