"""Use case: a member of staff is registered with the roles held."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.access import require_compatible
from kapital.registry.domain.problems import StaffAlreadyRegistered
from kapital.registry.domain.staff_change import require_ahead
from kapital.registry.ports import StaffMember, StaffStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterStaff:
    """Register a member of staff. `staff_id` is a pseudonym, drawn when None; `valid_until` None: without an end."""

    command_id: CommandId
    actor: Actor
    roles: frozenset[Role]
    staff_id: UUID | None = None
    valid_until: datetime | None = None


async def register_staff(
    cmd: RegisterStaff, *, uow: UnitOfWork, staff: StaffStore, new_id: Callable[[], UUID]
) -> contract.Staff:
    """Enter a member of staff, who holds the roles from now on.

    Raises: IdempotencyKeyReused, NotPermitted, StaffRolesIncompatible, StaffTermOutOfRange, StaffAlreadyRegistered.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Staff)
        tx.access.require(cmd.actor, "register_staff")
        require_compatible(cmd.roles)
        require_ahead(cmd.valid_until, now=tx.now)
        member = StaffMember(staff_id=cmd.staff_id or new_id(), roles=cmd.roles, valid_until=cmd.valid_until)
        if not await staff.add(tx.conn, member, registered_by=cmd.actor.id, now=tx.now):
            raise StaffAlreadyRegistered
        answer = contract.Staff(
            staff_id=member.staff_id,
            roles=[contract.StaffRole(role.value) for role in sorted(member.roles)],
            registered_at=tx.now,
            valid_until=unset_if_none(member.valid_until),
        )
        await tx.audit.append("registry.staff_registered", member.staff_id, cmd.actor, after=answer)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
