"""A change of the roles of a member of staff (изменение ролей сотрудника): proposed by one, made by another."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.roles import Role
from kapital.registry.domain.staff_problems import (
    StaffChangeHashMustMatch,
    StaffChangeNeedsAnotherPerson,
    StaffTermOutOfRange,
)
from kapital.registry.domain.states import STAFF_CHANGE, StaffChangeState


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChange:
    """A proposal and what came of it. `roles` take the place of those held; `valid_until` None: without an end."""

    change_id: UUID
    staff_id: UUID
    roles: frozenset[Role]
    valid_until: datetime | None
    basis_reference: str
    proposed_by: str
    proposed_at: datetime
    state: StaffChangeState = StaffChangeState.PROPOSED
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def sha256(self) -> str:
        """Hash (hex) of the RFC 8785 form of what was proposed: what the second person decides on."""
        said = {
            "basis_reference": self.basis_reference,
            "change_id": str(self.change_id),
            "proposed_at": self.proposed_at.astimezone(UTC).isoformat(),
            "proposed_by": self.proposed_by,
            "roles": sorted(role.value for role in self.roles),
            "staff_id": str(self.staff_id),
            "valid_until": None if self.valid_until is None else self.valid_until.astimezone(UTC).isoformat(),
        }
        return sha256(canonical_bytes(said)).hexdigest()

    @property
    def as_proposed(self) -> "StaffChange":
        """The same before anybody decided."""
        return replace(self, state=StaffChangeState.PROPOSED, decided_by=None, decided_at=None)

    def decided(self, *, make: bool, person_id: str, seen_sha256: str, now: datetime) -> "StaffChange":
        """The same after the decision.

        Raises: WrongState, StaffChangeHashMustMatch, StaffChangeNeedsAnotherPerson, StaffTermOutOfRange.
        """
        state = STAFF_CHANGE.step(self.state, "made" if make else "refused").target
        if seen_sha256 != self.sha256:
            raise StaffChangeHashMustMatch
        if person_id in {self.proposed_by, str(self.staff_id)}:
            raise StaffChangeNeedsAnotherPerson
        if make:
            require_ahead(self.valid_until, now=now)
        return replace(self, state=state, decided_by=person_id, decided_at=now)


def require_ahead(valid_until: datetime | None, *, now: datetime) -> None:
    """Return if roles may be held until then. Raises: StaffTermOutOfRange."""
    if valid_until is not None and valid_until <= now:
        raise StaffTermOutOfRange


def change_of(row: Any) -> StaffChange:
    """A change from the columns that keep it."""
    return StaffChange(
        # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
        change_id=UUID(str(row.change_id)),
        staff_id=UUID(str(row.staff_id)),
        roles=frozenset(map(Role, row.roles)),
        valid_until=row.valid_until,
        basis_reference=row.basis_reference,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        state=StaffChangeState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
