"""The one place where identifiers are drawn at random."""

from uuid import UUID

import uuid_utils

from kapital.kernel.ids import id_of


def new_uuid7() -> UUID:
    """A fresh UUIDv7 (RFC 9562): ordered by time, so indexes grow at their right edge."""
    return id_of(uuid_utils.uuid7().bytes)
