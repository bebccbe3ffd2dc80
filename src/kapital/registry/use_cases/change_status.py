"""Use cases: a role or status is proposed, decided on by another person, withdrawn, or comes to its end."""

from collections.abc import Callable
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
from kapital.registry.contract_forms import participant_status
from kapital.registry.domain.participant import ParticipantKind, ParticipantRole
from kapital.registry.domain.problems import (
    IssuerOwesStill,
    ParticipantMustBeLive,
    ParticipantNotFound,
)
from kapital.registry.domain.standing import Participant
from kapital.registry.domain.states import StatusState
from kapital.registry.domain.status import (
    ROLES,
    Status,
    StatusEnd,
    StatusSaid,
    StatusSource,
    require_lasting_role,
)
from kapital.registry.domain.status_problems import StatusAlreadyProposed, StatusNotFound
from kapital.registry.use_cases.state_changes import record_of
from kapital.registry.use_cases.status_changes import StatusParts, keep_changes

BATCH_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeStatus:
    """Propose that a participant hold a role or status."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    said: StatusSaid


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideStatus:
    """Accept or refuse what was proposed; `status_sha256` is what was seen."""

    command_id: CommandId
    actor: Actor
    status_id: UUID
    accept: bool
    status_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawStatus:
    """End a role or status at once; `basis_reference` names the reason."""

    command_id: CommandId
    actor: Actor
    status_id: UUID
    basis_reference: str


async def propose_status(
    cmd: ProposeStatus, *, uow: UnitOfWork, parts: StatusParts, new_id: Callable[[], UUID]
) -> contract.ParticipantStatus:
    """Keep a proposal that another person decides on; nothing is held by it.

    Law: 39-FZ art. 51.2, 5635-U (the standing of a qualified investor has evidence, a date and who recognised it).
    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, ParticipantMustBeLive, what
    `StatusSaid.require_sound` raises, StatusAlreadyProposed.
    Not: that the document says what is claimed; the second person sees it.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStatus)
        participant = await _live(tx, parts, cmd)
        held = (await parts.statuses.held_by(tx.conn, [cmd.participant_id]))[cmd.participant_id]
        cmd.said.require_sound(await _kind(tx, parts, cmd.participant_id), held, now=tx.now)
        proposed = Status(
            status_id=new_id(),
            participant_id=participant.participant_id,
            name=cmd.said.name,
            source=StatusSource.OFFICE,
            state=StatusState.PROPOSED,
            basis_reference=cmd.said.basis_reference,
            asked_from=cmd.said.valid_from,
            valid_until=cmd.said.valid_until,
            recognised_by=cmd.said.recognised_by,
            evidence_sha256=cmd.said.evidence_sha256,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
        )
        if not await parts.statuses.propose(tx.conn, proposed):
            raise StatusAlreadyProposed
        basis = {"reference": proposed.basis_reference, "status_sha256": proposed.sha256}
        await tx.audit.append(
            "registry.status_proposed", proposed.status_id, cmd.actor, basis=basis, after={"status": proposed.name}
        )
        return await _answer(tx, cmd, mark, proposed)


async def decide_status(cmd: DecideStatus, *, uow: UnitOfWork, parts: StatusParts) -> contract.ParticipantStatus:
    """Let the participant hold what was proposed, in the place of the same status held before; or refuse.

    What must hold is looked at again: the proposal may be older than another change.
    Promise: of two decisions at once one is made. Raises: IdempotencyKeyReused, NotPermitted, StatusNotFound,
    WrongState, StatusHashMustMatch, StatusNeedsAnotherPerson, ParticipantMustBeLive, what
    `StatusSaid.require_sound` raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStatus)
        proposed, participant = await _locked(tx, parts, cmd.status_id, cmd.actor, "decide_status")
        decided = proposed.decided(
            accept=cmd.accept, officer_id=cmd.actor.id, seen_sha256=cmd.status_sha256, now=tx.now
        )
        tokens: list[bytes] = []
        if cmd.accept:
            _require_live(participant)
            whose = participant.participant_id
            held = await parts.statuses.held_by(tx.conn, [whose])
            decided.said.require_sound(await _kind(tx, parts, whose), held[whose], now=tx.now)
            replaced = [
                one.ended(StatusEnd.REPLACED, by=cmd.actor.id, now=tx.now)
                for one in held[whose]
                if one.name is decided.name
            ]
            changes = {whose: [*replaced, decided]}
            tokens = await keep_changes(tx, changes, held, locked={whose: participant}, parts=parts, actor=cmd.actor)
        else:
            await parts.statuses.save(tx.conn, [decided])
            basis = {"status_sha256": decided.sha256}
            await tx.audit.append("registry.status_refused", decided.status_id, cmd.actor, basis=basis)
        answer = await _answer(tx, cmd, mark, decided)
    _forget(parts, tokens)
    return answer


async def withdraw_status(cmd: WithdrawStatus, *, uow: UnitOfWork, parts: StatusParts) -> contract.ParticipantStatus:
    """End what is held, at once and by one officer: it opens nothing. Access tokens with a lost role are revoked.

    Law: 39-FZ art. 51.2 part 11 (exclusion from the register of persons recognised as qualified).
    Raises: IdempotencyKeyReused, NotPermitted, StatusNotFound, WrongState, ParticipantMustKeepRole, IssuerOwesStill.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ParticipantStatus)
        one, participant = await _locked(tx, parts, cmd.status_id, cmd.actor, "withdraw_status")
        whose = participant.participant_id
        ended = one.ended(StatusEnd.WITHDRAWN, by=cmd.actor.id, now=tx.now, reference=cmd.basis_reference)
        held = await parts.statuses.held_by(tx.conn, [whose])
        if one.name in ROLES:
            require_lasting_role(other for other in held[whose] if other.status_id != one.status_id)
        if ROLES.get(one.name) is ParticipantRole.ISSUER:
            count = await parts.participants.live_issues(tx.conn, whose)
            if count:
                raise IssuerOwesStill(facts={"issues": count})
        tokens = await keep_changes(
            tx, {whose: [ended]}, held, locked={whose: participant}, parts=parts, actor=cmd.actor
        )
        answer = await _answer(tx, cmd, mark, ended)
    _forget(parts, tokens)
    return answer


async def expire_statuses(now: datetime, *, uow: UnitOfWork, parts: StatusParts) -> int:
    """End every status whose term is over, as of the end of its term; return of how many participants.

    Promise: batch by batch, each its own transaction; safe in several processes at once.
    """
    total = 0
    while True:
        async with uow.begin() as tx:
            due = await parts.statuses.due(tx.conn, now=now, limit=BATCH_MAX)
            locked = await parts.participants.lock(tx.conn, due)
            held = await parts.statuses.held_by(tx.conn, list(locked))
            actor = machine_actor(Role.SCHEDULER)
            # Looked at again under the lock: another process may have been here.
            changes = {
                participant_id: ended
                for participant_id, some in held.items()
                if (
                    ended := [
                        one.ended(StatusEnd.TERM_OVER, by=actor.id, now=now)
                        for one in some
                        if one.valid_until is not None and one.valid_until <= now
                    ]
                )
            }
            tokens = await keep_changes(tx, changes, held, locked=locked, parts=parts, actor=actor)
        _forget(parts, tokens)
        if not due:
            return total
        total += len(changes)


async def _live(tx: Transaction, parts: StatusParts, cmd: ProposeStatus) -> Participant:
    found = (await parts.participants.lock(tx.conn, [cmd.participant_id])).get(cmd.participant_id)
    tx.access.require(cmd.actor, "propose_status", record_of(cmd.participant_id, found))
    if found is None:
        raise ParticipantNotFound
    _require_live(found)
    return found


def _require_live(participant: Participant) -> None:
    if participant.has_ended:
        raise ParticipantMustBeLive(facts={"state": participant.state.value})


async def _kind(tx: Transaction, parts: StatusParts, participant_id: UUID) -> ParticipantKind:
    return ParticipantKind(await parts.participants.kind(tx.conn, participant_id))


async def _locked(
    tx: Transaction, parts: StatusParts, status_id: UUID, actor: Actor, action: str
) -> tuple[Status, Participant]:
    """The status as it stands while its participant is locked."""
    found = await parts.statuses.find(tx.conn, status_id)
    if found is None:
        tx.access.require(actor, action, Resource("ParticipantStatus", status_id, NO_ROW))
        raise StatusNotFound
    locked = await parts.participants.lock(tx.conn, [found.participant_id])
    found = await parts.statuses.find(tx.conn, status_id) or found
    asked = Resource(
        "ParticipantStatus",
        status_id,
        await parts.statuses.row_version(tx.conn, status_id),
        owner=found.participant_id,
        proposed_by=ActorRef(found.proposed_by),
    )
    tx.access.require(actor, action, asked)
    return found, locked[found.participant_id]


async def _answer(
    tx: Transaction, cmd: ProposeStatus | DecideStatus | WithdrawStatus, mark: str, one: Status
) -> contract.ParticipantStatus:
    answer = participant_status(one)
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    return answer


def _forget(parts: StatusParts, tokens: list[bytes]) -> None:
    for token in tokens:
        parts.forget(token)
