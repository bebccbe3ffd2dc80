"""What all generated types stand on. Written by hand."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")

AwareDatetime: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with an offset: an instant without one is refused."""


class Contract(Struct, kw_only=True, forbid_unknown_fields=True):
    """A message of a contract: fields by name only; a field the contract does not know is refused."""


def given(value: T | UnsetType) -> T | None:
    """What a message says in an optional field; None when it was left out."""
    return None if isinstance(value, UnsetType) else value


def unset_if_none(value: T | None) -> T | UnsetType:
    """What to write into an optional field: nothing for None."""
    return UNSET if value is None else value


def given_in_utc(value: datetime | UnsetType | None) -> datetime | None:
    """The instant that a request gave, in UTC; None where it gave none."""
    return value.astimezone(UTC) if isinstance(value, datetime) else None
