"""Identifiers as distinct types, and identifiers derived from others so that a repeat meets itself."""

from hashlib import sha256
from typing import Final, NewType
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure

CommandId = NewType("CommandId", str)
"""Chosen by the caller (the `Idempotency-Key`); names the command across repeats."""

_TIMESTAMP_SHIFT: Final = 80
_RANDOM_MASK: Final = (1 << _TIMESTAMP_SHIFT) - 1
_VERSION_7: Final = 7 << 76
_VERSION_MASK: Final = 0xF << 76
_VARIANT_RFC: Final = 0b10 << 62
_VARIANT_MASK: Final = 0b11 << 62


def id_text(identifier: UUID) -> str:
    """As `str(identifier)`, in a quarter of the time: the ids of an order are written many times on its way."""
    written: str = msgspec.to_builtins(identifier)
    return written


def id_of(octets: bytes) -> UUID:
    """The identifier of these 16 bytes, as `UUID(bytes=…)` makes it, in two fifths of the time.

    Raises: msgspec.ValidationError for another length.
    """
    return msgspec.convert(octets, UUID)


def derive_uuid7(source: UUID, purpose: str) -> UUID:
    """Derive the one UUIDv7 that belongs to `source` for `purpose`.

    Shape: the 48-bit millisecond time stamp is that of `source` when it is a UUIDv7 (so the derived id
    lands beside it in an index), else zero, meaning "time unknown"; the other 74 free bits are the leading
    ones of SHA-256(source bytes + purpose in UTF-8). RFC 9562 section 5.7.
    Promise: the same arguments give the same id in every process and release.
    """
    ensure(bool(purpose), "a derived id needs a purpose")
    digest = sha256(source.bytes + purpose.encode()).digest()
    bits = int.from_bytes(digest[:10], "big") & ~(_VERSION_MASK | _VARIANT_MASK)
    number = source.int
    # As `source.version == 7`, which asks for the variant as well.
    is_7 = number & (_VERSION_MASK | _VARIANT_MASK) == _VERSION_7 | _VARIANT_RFC
    timestamp = number & ~_RANDOM_MASK if is_7 else 0
    return id_of((timestamp | _VERSION_7 | _VARIANT_RFC | bits).to_bytes(16, "big"))


def wallet_id_of(participant_id: UUID) -> UUID:
    """The id of the wallet that a participant is given first; derived, so that a repeated opening meets the first.

    It may not be open yet.
    """
    return derive_uuid7(participant_id, "wallet")
