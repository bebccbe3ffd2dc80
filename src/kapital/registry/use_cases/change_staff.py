"""Use cases: one person proposes what a member of staff is to hold, another decides on exactly that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.access import ActorRef, Resource
from kapital.platform.row_versions import NO_ROW
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.contract_forms import staff_change
from kapital.registry.domain.access import STAFF_ROLES, require_compatible
from kapital.registry.domain.problems import StaffAlreadyEnded, StaffNotFound
from kapital.registry.domain.staff_change import StaffChange, require_ahead
from kapital.registry.domain.staff_problems import StaffChangeAlreadyProposed, StaffChangeNotFound
from kapital.registry.ports import AccessStore, StaffMember, StaffStore

BATCH_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeStaffChange:
    """Propose roles in the place of those held. `basis_reference` is the order or letter, 1 to 200 characters."""

    command_id: CommandId
    actor: Actor
    staff_id: UUID
    roles: frozenset[Role]
    valid_until: datetime | None
    basis_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideStaffChange:
    """Make or refuse what was proposed, having seen `change_sha256`."""

    command_id: CommandId
    actor: Actor
    change_id: UUID
    make: bool
    change_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffParts:
    """What the changes work with. `forget` drops a token from this process's cache."""

    uow: UnitOfWork
    staff: StaffStore
    access: AccessStore
    new_id: Callable[[], UUID]
    forget: Callable[[bytes], None]


async def propose_staff_change(cmd: ProposeStaffChange, *, parts: StaffParts) -> contract.StaffChange:
    """Keep a proposal; the member holds what it held.

    Raises: IdempotencyKeyReused, NotPermitted, StaffRolesIncompatible, StaffTermOutOfRange, StaffNotFound,
    StaffAlreadyEnded, StaffChangeAlreadyProposed.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.StaffChange)
        tx.access.require(cmd.actor, "propose_staff_change")
        require_compatible(cmd.roles)
        require_ahead(cmd.valid_until, now=tx.now)
        await _locked(tx, parts, cmd.staff_id)
        change = StaffChange(
            change_id=parts.new_id(),
            staff_id=cmd.staff_id,
            roles=cmd.roles,
            valid_until=cmd.valid_until,
            basis_reference=cmd.basis_reference,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
        )
        if not await parts.staff.propose(tx.conn, change):
            raise StaffChangeAlreadyProposed
        return await _answer(tx, cmd, mark, change, before=None)


async def decide_staff_change(cmd: DecideStaffChange, *, parts: StaffParts) -> contract.StaffChange:
    """Let the member hold the roles from now on until the end of the term, or leave everything as it is.

    Law: 757-P [M] (what staff may do is given by two). Tokens with a role that is lost are revoked by the same act,
    and all of them where the term held before was over: an old token opens nothing anew.
    Promise: a token issued meanwhile is revoked here, or refused there.
    Raises: IdempotencyKeyReused, NotPermitted, StaffChangeNotFound, StaffAlreadyEnded (not of a refusal), WrongState,
    StaffChangeHashMustMatch, StaffChangeNeedsAnotherPerson, StaffTermOutOfRange.
    """
    mark = fingerprint(cmd)
    revoked: list[bytes] = []
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.StaffChange)
        proposed = await _proposed(tx, parts, cmd)
        member = await _locked(tx, parts, proposed.staff_id, live=cmd.make)
        # Read again: another decision may have been made before the lock was given.
        proposed = await parts.staff.find_change(tx.conn, cmd.change_id) or proposed
        decided = proposed.decided(make=cmd.make, person_id=cmd.actor.id, seen_sha256=cmd.change_sha256, now=tx.now)
        await parts.staff.save_change(tx.conn, decided)
        if cmd.make:
            await parts.staff.next_term(tx.conn, decided, now=tx.now)
            revoked = await _revoke_lost(tx, parts, cmd.actor, member, decided)
        before = {"roles": sorted(member.roles), "valid_until": member.valid_until}
        answer = await _answer(tx, cmd, mark, decided, before=before)
    for token_sha256 in revoked:
        parts.forget(token_sha256)
    return answer


async def expire_staff_terms(now: datetime, *, parts: StaffParts) -> int:
    """End every term whose end has come, as of that end, with the tokens that rest on it; return how many.

    Promise: batch by batch, each its own transaction; safe in several processes at once. Nobody is let in by a token
    after the end of the term, whether this has come by or not.
    """
    total, actor = 0, machine_actor(Role.SCHEDULER)
    while True:
        async with parts.uow.begin() as tx:
            over = await parts.staff.end_due(tx.conn, now=now, limit=BATCH_MAX)
            ids = [member.staff_id for member in over]
            revoked = await parts.access.revoke_tokens_of(tx.conn, ids, revoked_by=actor.id, now=tx.now)
            for member in over:
                before = {"roles": sorted(member.roles), "valid_until": member.valid_until}
                await tx.audit.append("registry.staff_term_over", member.staff_id, actor, before=before)
        for token_sha256 in revoked:
            parts.forget(token_sha256)
        if not over:
            return total
        total += len(over)


async def _proposed(tx: Transaction, parts: StaffParts, cmd: DecideStaffChange) -> StaffChange:
    found = await parts.staff.find_change(tx.conn, cmd.change_id)
    if found is None:
        tx.access.require(cmd.actor, "decide_staff_change", Resource("StaffChange", cmd.change_id, NO_ROW))
        raise StaffChangeNotFound
    version = await parts.staff.change_version(tx.conn, cmd.change_id)
    asked = Resource("StaffChange", cmd.change_id, version, proposed_by=ActorRef(found.proposed_by))
    tx.access.require(cmd.actor, "decide_staff_change", asked)
    return found


async def _locked(tx: Transaction, parts: StaffParts, staff_id: UUID, *, live: bool = True) -> StaffMember:
    member = await parts.staff.lock(tx.conn, staff_id)
    if member is None:
        raise StaffNotFound
    if live and member.ended_at is not None:
        raise StaffAlreadyEnded(facts={"ended_at": member.ended_at.isoformat()})
    return member


async def _revoke_lost(
    tx: Transaction, parts: StaffParts, actor: Actor, before: StaffMember, change: StaffChange
) -> list[bytes]:
    if not before.holds_at(tx.now):
        return await parts.access.revoke_tokens_of(tx.conn, [change.staff_id], revoked_by=actor.id, now=tx.now)
    lost = [(change.staff_id, role) for role in sorted(STAFF_ROLES - change.roles)]
    return await parts.access.revoke_roles(tx.conn, lost, revoked_by=actor.id, now=tx.now)


async def _answer(
    tx: Transaction,
    cmd: ProposeStaffChange | DecideStaffChange,
    mark: str,
    change: StaffChange,
    *,
    before: Mapping[str, object] | None,
) -> contract.StaffChange:
    answer = staff_change(change)
    basis = {"reference": change.basis_reference, "change_sha256": change.sha256}
    action = f"registry.staff_change_{change.state}"
    await tx.audit.append(action, change.staff_id, cmd.actor, basis=basis, before=before, after=answer)
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    return answer
