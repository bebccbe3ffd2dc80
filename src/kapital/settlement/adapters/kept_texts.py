"""Texts of a bank that no table can keep: the message is refused, the house goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError

from kapital.settlement.domain.problems import BankMessageUnreadable

_UNKEEPABLE: Final = ("22", "54")
"""Classes of SQLSTATE: the value is none of its type; it is larger than what an index takes (2.7 kB)."""


@contextmanager
def unreadable_if_unkeepable() -> Iterator[None]:
    """Around the writing of what a message says. Raises: BankMessageUnreadable."""
    try:
        yield
    except DBAPIError as error:
        if _is_unkeepable(error):
            raise BankMessageUnreadable("a text cannot be kept", {"reason": "cannot_be_kept"}) from error
        raise


def _is_unkeepable(error: DBAPIError) -> bool:
    """Look through the driver's chain; what asyncpg itself cannot write it tells as a ValueError."""
    seen: BaseException | None = error.orig
    while seen is not None:
        if isinstance(seen, ValueError) or str(getattr(seen, "sqlstate", None) or "").startswith(_UNKEEPABLE):
            return True
        seen = seen.__cause__
    return False
