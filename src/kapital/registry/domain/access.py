"""Access: which roles a token may carry, how long it lives, how its text is formed."""

import re
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import (
    StaffRolesIncompatible,
    TokenLifetimeOutOfRange,
    TokenRolesExceedSubject,
)

TOKEN_PREFIX: Final = "kpt_"  # noqa: S105 - the mark by which secret scanners know a token, not a secret
SECRET_BYTES: Final = 32
TOKEN_LIFETIME_MIN: Final = timedelta(minutes=1)
TOKEN_LIFETIME_MAX: Final = timedelta(days=366)

_TOKEN: Final = re.compile(r"kpt_[A-Za-z0-9_-]{43}")


class TokenSubjectKind(StrEnum):
    """On whose behalf a token acts."""

    PARTICIPANT = "participant"
    STAFF = "staff"
    REPRESENTATIVE = "representative"


STAFF_ROLES: Final = frozenset(
    {
        Role.ONBOARDING,
        Role.AML_OFFICER,
        Role.COMPLIANCE,
        Role.ISSUE_MANAGER,
        Role.SETTLEMENT,
        Role.CUSTODY_OFFICER,
        Role.LEGAL,
        Role.RISK,
        Role.SECURITY,
        Role.AUDITOR,
        Role.REGULATOR,
        Role.ADMIN,
    }
)
STAND_ALONE: Final = (Role.ADMIN, Role.AUDITOR, Role.REGULATOR)
"""Roles held without any other: an administrator has no business rights, auditor and regulator only read."""

ROLES_OF_PARTICIPANT: Final = {
    ParticipantRole.INVESTOR: frozenset({Role.INVESTOR}),
    ParticipantRole.ISSUER: frozenset({Role.ISSUER, Role.ISSUER_SIGNATORY}),
    # A nominee acquires as an investor does, for those it holds for.
    ParticipantRole.NOMINEE: frozenset({Role.NOMINEE, Role.INVESTOR}),
    # A broker orders for others; for itself only where it is an investor, too.
    ParticipantRole.BROKER: frozenset({Role.BROKER}),
}


def require_compatible(roles: frozenset[Role]) -> None:
    """Return if one member of staff may hold all of `roles`. Raises: StaffRolesIncompatible."""
    ensure(bool(roles) and roles <= STAFF_ROLES, "staff roles come from the contract's list")
    for alone in STAND_ALONE:
        if alone in roles and len(roles) > 1:
            raise StaffRolesIncompatible(facts={"alone": alone.value})


def roles_open_to(roles: frozenset[ParticipantRole]) -> frozenset[Role]:
    """The roles as which a participant with these register roles may act."""
    return frozenset().union(*(ROLES_OF_PARTICIPANT[role] for role in roles))


def require_within(asked: frozenset[Role], held: frozenset[Role]) -> None:
    """Return if every role asked for is held. Raises: TokenRolesExceedSubject."""
    if excess := asked - held:
        raise TokenRolesExceedSubject(facts={"excess": ", ".join(sorted(excess))})


def require_lifetime(expires_at: datetime, *, now: datetime) -> None:
    """Return if a token issued now may live until `expires_at`. Raises: TokenLifetimeOutOfRange."""
    if not TOKEN_LIFETIME_MIN <= expires_at - now <= TOKEN_LIFETIME_MAX:
        limits = {
            "minimum_s": int(TOKEN_LIFETIME_MIN.total_seconds()),
            "maximum_s": int(TOKEN_LIFETIME_MAX.total_seconds()),
        }
        raise TokenLifetimeOutOfRange(facts=limits)


def token_text(secret: bytes) -> str:
    """The bearer form of a secret: `kpt_` and 43 signs of base64url (RFC 4648 section 5, no padding)."""
    ensure(len(secret) == SECRET_BYTES, "a token is made of 32 random bytes")
    return TOKEN_PREFIX + urlsafe_b64encode(secret).rstrip(b"=").decode()


def token_sha256(text: str) -> bytes:
    """What is kept of a token. A plain hash is enough: 256 random bits cannot be guessed from it."""
    return sha256(text.encode()).digest()


def is_well_formed(text: str) -> bool:
    """True when `text` can be a token at all; the others need no look into the database."""
    return _TOKEN.fullmatch(text) is not None
