"""Use case: what a member of staff may do ends, at once."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.problems import StaffAlreadyEnded, StaffNotFound
from kapital.registry.ports import AccessStore, StaffStore


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStaff:
    """End a member of staff. `basis_reference` is the order or letter, 1 to 200 characters."""

    command_id: CommandId
    actor: Actor
    staff_id: UUID
    basis_reference: str


async def end_staff(
    cmd: EndStaff, *, uow: UnitOfWork, staff: StaffStore, access: AccessStore, forget: Callable[[bytes], None]
) -> contract.EndedStaff:
    """Note the end and revoke every token of the member. `forget` drops a token from this process's cache.

    Promise: a token issued meanwhile is revoked here, or refused there.
    Raises: IdempotencyKeyReused, NotPermitted, StaffNotFound, StaffAlreadyEnded.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.EndedStaff)
        tx.access.require(cmd.actor, "end_staff")
        member = await staff.lock(tx.conn, cmd.staff_id)
        if member is None:
            raise StaffNotFound
        if member.ended_at is not None:
            raise StaffAlreadyEnded(facts={"ended_at": member.ended_at.isoformat()})
        await staff.end(tx.conn, cmd.staff_id, reference=cmd.basis_reference, ended_by=cmd.actor.id, now=tx.now)
        revoked = await access.revoke_tokens_of(tx.conn, [cmd.staff_id], revoked_by=cmd.actor.id, now=tx.now)
        answer = contract.EndedStaff(staff_id=cmd.staff_id, ended_at=tx.now)
        basis = {"reference": cmd.basis_reference}
        await tx.audit.append("registry.staff_ended", cmd.staff_id, cmd.actor, basis=basis, after=answer)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    for token_sha256 in revoked:
        forget(token_sha256)
    return answer
