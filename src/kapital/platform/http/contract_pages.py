"""Interface first; the pages follow."""

from typing import Any

CONTRACT_ROUTES: tuple[Any, ...] = ()
