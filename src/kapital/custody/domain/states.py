"""States of a key (domain.md 3.2) as a table.

Rotation is in the table and has no command yet: a key is replaced by generating one of another name and
suspending, then revoking, the old one.
"""

from enum import StrEnum
from typing import Final

from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class KeyState(StrEnum):
    """Where a key stands in its life."""

    GENERATED = "generated"  # exists, signs nothing yet
    ACTIVE = "active"  # the only state in which a key signs
    SUSPENDED = "suspended"  # stopped at once by one person; returns only by two
    ROTATING = "rotating"
    RETIRED = "retired"
    COMPROMISED = "compromised"  # known to be in other hands; can only be revoked
    REVOKED = "revoked"


KEY_LIFE: Final = StateMachine(
    "key",
    steps=(
        Step(KeyState.GENERATED, "activated", KeyState.ACTIVE, Role.CUSTODY_OFFICER),
        Step(KeyState.ACTIVE, "suspended", KeyState.SUSPENDED, Role.SECURITY, guard="at once, by one person"),
        Step(KeyState.ACTIVE, "compromise_found", KeyState.COMPROMISED, Role.SECURITY),
        Step(KeyState.ACTIVE, "rotation_started", KeyState.ROTATING, Role.CUSTODY_OFFICER, dual_control=True),
        Step(KeyState.ROTATING, "rotation_finished", KeyState.RETIRED, Role.CUSTODY_OFFICER),
        Step(KeyState.SUSPENDED, "resumed", KeyState.ACTIVE, Role.CUSTODY_OFFICER, dual_control=True),
        Step(KeyState.SUSPENDED, "compromise_found", KeyState.COMPROMISED, Role.SECURITY),
        Step(KeyState.SUSPENDED, "revoked", KeyState.REVOKED, Role.CUSTODY_OFFICER),
        Step(KeyState.COMPROMISED, "revoked", KeyState.REVOKED, Role.CUSTODY_OFFICER),
    ),
    terminal=(KeyState.RETIRED, KeyState.REVOKED),
    initial=KeyState.GENERATED,
)

ensure(KeyState.ACTIVE not in KEY_LIFE.reachable(KeyState.COMPROMISED), "no way back for a compromised key")
