"""What all generated types stand on. Written by hand."""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

AwareDatetime: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with an offset: an instant without one is refused."""


class Contract(Struct, kw_only=True, forbid_unknown_fields=True):
    """A message of a contract: fields by name only; a field the contract does not know is refused."""
