"""Key profiles (domain.md 3.2), their names and limits."""

import re
from enum import StrEnum
from typing import Final
from uuid import UUID

from kapital.custody.domain.problems import KeyNameMalformed, PurposeMalformed, ReasonMalformed

KEY_NAME_LENGTH_MAX: Final = 128
REASON_LENGTH_MAX: Final = 500

_KEY_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}")
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class KeyProfile(StrEnum):
    """What a key is for, and thereby the only form of message it signs.

    This provider does not offer CLIENT_SELF (the client's own key, never here), CLIENT_MANAGED, TREASURY and
    NOMINEE (need a certified module) and OPERATOR_CORRECTION (needs a quorum).
    """

    ANCHOR = "anchor"  # signs checkpoints of the ledger's log, nothing else
    ISSUER = "issuer"  # signs acts of one issuer
    OPERATOR = "operator"  # countersigns acts on behalf of the operator


MESSAGE_BYTES_MAX: Final = {
    KeyProfile.ANCHOR: 4_096,
    KeyProfile.ISSUER: 262_144,
    KeyProfile.OPERATOR: 262_144,
}
"""Longest message in bytes; a decision on issuance with all its terms is well below 256 KiB."""


def require_key_name(name: str) -> str:
    """Return `name` if it can name a key. Raises: KeyNameMalformed."""
    if not _KEY_NAME.fullmatch(name):
        raise KeyNameMalformed("a key name is 1 to 128 of a-z 0-9 . _ / - and starts with a letter or digit")
    return name


def require_purpose(purpose: str) -> str:
    """Return `purpose` if it can be logged. Raises: PurposeMalformed."""
    if not _PURPOSE.fullmatch(purpose):
        raise PurposeMalformed("a purpose is 1 to 64 of a-z 0-9 _ and starts with a letter")
    return purpose


def require_reason(reason: str) -> str:
    """Return the trimmed reason of a change. Raises: ReasonMalformed."""
    trimmed = reason.strip()
    if not 1 <= len(trimmed) <= REASON_LENGTH_MAX or _CONTROL.search(trimmed):
        raise ReasonMalformed(
            f"a reason is one line of 1 to {REASON_LENGTH_MAX} characters",
            {"length": len(trimmed), "length_max": REASON_LENGTH_MAX},
        )
    return trimmed


def issuer_key_name(issuer_participant_id: UUID) -> str:
    """Return the name of the key of one issuer: `issuer/<participant id>`."""
    return f"issuer/{issuer_participant_id}"
