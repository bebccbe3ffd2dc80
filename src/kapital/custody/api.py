"""The public face of custody: what a service that needs a signature says, and what it is told.

The bytes given are the bytes signed (Ed25519, RFC 8032), so that C2SP signed notes can be made. Domains are
kept apart by profile instead of a prefix: an ANCHOR key signs only checkpoint texts, ISSUER and OPERATOR keys
only RFC 8785 JSON objects. A checkpoint ends with a line break and canonical JSON contains none, so that no
text is both.
"""

from datetime import datetime
from typing import Final, Protocol

import msgspec

from kapital.custody.domain.problems import (
    KeyMaterialDamaged,
    KeyMustBeActive,
    KeyNameMalformed,
    KeyNotFound,
    KeyProfileDiffers,
    MessageNotAllowedForProfile,
    MessageTooLarge,
    PurposeMalformed,
)
from kapital.custody.domain.profiles import (
    KEY_NAME_LENGTH_MAX,
    MESSAGE_BYTES_MAX,
    KeyProfile,
    issuer_key_name,
)
from kapital.custody.domain.states import KeyState

__all__ = [
    "ALGORITHM_ED25519",
    "KEY_NAME_LENGTH_MAX",
    "MACHINE_ACTOR",
    "MESSAGE_BYTES_MAX",
    "OPERATOR_KEY_NAME",
    "Custody",
    "KeyInfo",
    "KeyMaterialDamaged",
    "KeyMustBeActive",
    "KeyNameMalformed",
    "KeyNotFound",
    "KeyProfile",
    "KeyProfileDiffers",
    "KeyState",
    "MessageNotAllowedForProfile",
    "MessageTooLarge",
    "PurposeMalformed",
    "Signer",
    "issuer_key_name",
]

ALGORITHM_ED25519: Final = "ed25519"

OPERATOR_KEY_NAME: Final = "operator"
"""The key with which the operator countersigns decisions."""

MACHINE_ACTOR: Final = "machine:custody"
"""Who is logged when a caller names no actor: the system signed for itself, e.g. a checkpoint."""


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What may be known of a key. Shape: `public_key` is the 32 raw bytes of RFC 8032."""

    name: str
    profile: KeyProfile
    algorithm: str
    public_key: bytes
    state: KeyState
    created_at: datetime
    version: int


class Signer(Protocol):
    """One key, one purpose, one actor: signs messages of its profile's form.

    Promise: the signature is logged (key, SHA-256 of the message, purpose, actor, time) durably before it is
    released. Concurrent calls are gathered into one write of the log.
    """

    @property
    def key_name(self) -> str:
        """Name of the key; an ANCHOR key's name stands in the signature line of a note."""
        ...

    @property
    def algorithm(self) -> str:
        """`ed25519`."""
        ...

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return the 64 raw bytes of the signature over exactly `message`.

        Raises: MessageTooLarge, MessageNotAllowedForProfile, KeyMustBeActive, KeyMaterialDamaged.
        """
        ...


class Custody(Protocol):
    """What other services may ask of custody."""

    async def ensure_key(self, name: str, profile: KeyProfile, *, actor: str = MACHINE_ACTOR) -> KeyInfo:
        """Return the key, made and activated first if there is none. Concurrent first calls make one key.

        Raises: KeyNameMalformed, KeyProfileDiffers.
        """
        ...

    async def key(self, name: str) -> KeyInfo:
        """Return what may be known of the key. Raises: KeyNotFound."""
        ...

    async def signer(self, key_name: str, *, purpose: str | None = None, actor: str = MACHINE_ACTOR) -> Signer:
        """Return a signer bound to a key; `purpose` defaults to `checkpoint` (ANCHOR) or `act`.

        `purpose` and `actor` go to the signature log and are not part of what is signed.
        Raises: KeyNotFound, KeyMustBeActive, PurposeMalformed.
        """
        ...
