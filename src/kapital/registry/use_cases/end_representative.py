"""Use case: what a representative may do ends – by the participant, an officer, the term, or with the relation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.platform.access import Resource
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.events import REPRESENTATIVE_ENDED
from kapital.registry.domain.problems import RepresentativeNotFound
from kapital.registry.domain.representative import Representative, RepresentativeEnd
from kapital.registry.ports import AccessStore, RepresentativeStore, ShownRepresentative
from kapital.registry.use_cases.state_changes import record_of

BATCH_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingParts:
    """What every end works with. `forget` drops a token from this process's cache."""

    representatives: RepresentativeStore
    access: AccessStore
    forget: Callable[[bytes], None]
    show: ShownRepresentative


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRepresentative:
    """End it at once; `basis_reference` names the revocation."""

    command_id: CommandId
    actor: Actor
    representative_id: UUID
    basis_reference: str


async def end_representative(
    cmd: EndRepresentative, *, uow: UnitOfWork, parts: EndingParts
) -> contract.Representative:
    """End what the representative may do, and its access tokens with it.

    Law: Civil Code art. 188, 189. Promise: no token of it is issued or valid after the end is committed; another
    process may let one in for two seconds more (`REVOCATION_BOUND`).
    Raises: IdempotencyKeyReused, RepresentativeNotFound (also for another participant's), NotPermitted,
    RepresentativeAlreadyEnded.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return await parts.show(tx.conn, msgspec.json.decode(earlier, type=UUID))
        one = await parts.representatives.lock(tx.conn, cmd.representative_id)
        whose = Resource("ParticipantRecord")
        if one is not None:
            principal = await parts.representatives.principal(tx.conn, one.participant_id)
            whose = record_of(one.participant_id, principal)
        tx.access.require(cmd.actor, "end_representative", whose, hidden=RepresentativeNotFound)
        if one is None:
            raise RepresentativeNotFound
        own = cmd.actor.participant_id is not None
        end = RepresentativeEnd.BY_PARTICIPANT if own else RepresentativeEnd.BY_OFFICER
        ended = one.ended(end, now=tx.now)
        tokens = await end_all(tx, [ended], parts=parts, actor=cmd.actor, reference=cmd.basis_reference)
        # The id alone: names stay in one table, and of what has ended nothing changes.
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(one.representative_id))
        answer = await parts.show(tx.conn, one.representative_id)
    for token in tokens:
        parts.forget(token)
    return answer


async def expire_representatives(now: datetime, *, uow: UnitOfWork, parts: EndingParts) -> int:
    """End every representative whose term is over, as of the end of its term; return how many.

    Promise: batch by batch, each its own transaction; safe in several processes at once.
    """
    total = 0
    while True:
        async with uow.begin() as tx:
            due = await parts.representatives.lock_due(tx.conn, now=now, limit=BATCH_MAX)
            ended = [one.ended(RepresentativeEnd.TERM_OVER, now=now) for one in due]
            tokens = await end_all(tx, ended, parts=parts, actor=machine_actor(Role.SCHEDULER), reference=None)
        for token in tokens:
            parts.forget(token)
        if not due:
            return total
        total += len(due)


async def end_all(
    tx: Transaction,
    ended: Sequence[Representative],
    *,
    parts: EndingParts,
    actor: Actor,
    reference: str | None,
) -> list[bytes]:
    """Write ends of locked representatives, revoke their tokens, tell; return what to forget after the commit."""
    if not ended:
        return []
    await parts.representatives.save_ends(tx.conn, ended, by=actor.id, reference=reference)
    ids = [one.representative_id for one in ended]
    tokens = await parts.access.revoke_tokens_of(tx.conn, ids, revoked_by=actor.id, now=tx.now)
    for one in ended:
        told = _told(one)
        basis = {"reference": reference}
        await tx.audit.append("registry.representative_ended", one.representative_id, actor, basis=basis, after=told)
        await tx.outbox.add(Event(type=REPRESENTATIVE_ENDED, aggregate_id=str(one.participant_id), data=told))
    return tokens


def _told(one: Representative) -> contract.RepresentativeEnded:
    if one.ended_at is None or one.end is None:
        raise InvariantBroken(f"the end of {one.representative_id} is told before it has ended")
    return contract.RepresentativeEnded(
        participant_id=one.participant_id,
        representative_id=one.representative_id,
        kind=contract.RepresentativeKind(one.kind.value),
        powers=sorted(one.powers),
        valid_from=one.valid_from,
        valid_until=one.ended_at,
        end=contract.RepresentativeEnd(one.end.value),
    )
