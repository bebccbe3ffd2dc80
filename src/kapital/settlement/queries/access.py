"""How much one page shows."""

from typing import Final

PAGE_MAX: Final = 500
