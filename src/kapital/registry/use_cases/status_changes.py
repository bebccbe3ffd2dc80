"""What every change of roles and statuses shares: keep, note the roles, end tokens, audit, tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.events import CloudEvent, Event
from kapital.platform.unit_of_work import Transaction
from kapital.registry.domain.access import roles_open_to
from kapital.registry.domain.events import PARTICIPANT_STATUSES_CHANGED
from kapital.registry.domain.mandate import MandateEnd
from kapital.registry.domain.standing import Participant
from kapital.registry.domain.states import StatusState
from kapital.registry.domain.status import Status, roles_of
from kapital.registry.ports import AccessStore, MandateStore, ParticipantStore, StatusStore
from kapital.registry.use_cases.mandate_parts import end_mandates


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusParts:
    """What every change works with. `forget` drops a token from this process's cache."""

    statuses: StatusStore
    participants: ParticipantStore
    access: AccessStore
    mandates: MandateStore
    forget: Callable[[bytes], None]


async def keep_changes(
    tx: Transaction,
    changes: Mapping[UUID, Sequence[Status]],
    held: Mapping[UUID, Sequence[Status]],
    *,
    locked: Mapping[UUID, Participant],
    parts: StatusParts,
    actor: Actor,
) -> list[bytes]:
    """Write changes of locked participants; return the tokens to forget after the commit.

    `held`: what each held before. Tokens with a role that is lost are revoked, also those of representatives.
    """
    await parts.statuses.save(tx.conn, [one for some in changes.values() for one in some])
    moved: list[Participant] = []
    lost: list[tuple[UUID, Role]] = []
    for participant_id, some in changes.items():
        left = held_after(held[participant_id], some)
        participant = locked[participant_id]
        open_before = roles_open_to(participant.roles)
        if participant.take_roles(roles_of(left)):
            moved.append(participant)
            lost += [(participant_id, role) for role in open_before - roles_open_to(participant.roles)]
        await note_changes(tx, participant_id, some, left, actor=actor)
    await parts.participants.save(tx.conn, moved, now=tx.now)
    await _end_mandates(tx, lost, parts=parts, actor=actor)
    return await parts.access.revoke_roles(tx.conn, lost, revoked_by=actor.id, now=tx.now) if lost else []


async def _end_mandates(
    tx: Transaction, lost: Sequence[tuple[UUID, Role]], *, parts: StatusParts, actor: Actor
) -> None:
    """Whoever is a broker no more orders for nobody, and for whoever is an investor no more nobody orders."""
    brokers = {who for who, role in lost if role is Role.BROKER}
    principals = {who for who, role in lost if role is Role.INVESTOR}
    if brokers or principals:
        living = await parts.mandates.lock_living(tx.conn, sorted(brokers | principals), now=tx.now)
        rest = [one for one in living if one.said.broker_id in brokers or one.principal_id in principals]
        await end_mandates(tx, rest, MandateEnd.ROLE_LOST, mandates=parts.mandates, actor=actor, basis={})


def held_after(held: Iterable[Status], changes: Iterable[Status]) -> list[Status]:
    """What is held after the changes."""
    by_id = {one.status_id: one for one in (*held, *changes)}
    return [one for one in by_id.values() if one.state is StatusState.HELD]


async def note_changes(
    tx: Transaction,
    participant_id: UUID,
    changes: Sequence[Status],
    left: Sequence[Status],
    *,
    actor: Actor,
    cause: CloudEvent | None = None,
) -> None:
    """Audit each change, and tell the others all that the participant holds now."""
    for one in changes:
        basis = {"reference": one.end_reference or one.basis_reference, "status_sha256": one.sha256}
        await tx.audit.append(
            f"registry.status_{one.end or one.state}", one.status_id, actor, basis=basis, after=_noted(one)
        )
    held = [
        contract.HeldStatus(
            status=contract.StatusName(one.name.value), valid_from=one.valid_from, valid_until=one.valid_until
        )
        for one in sorted(left, key=lambda one: one.name)
        if one.valid_from is not None
    ]
    told = contract.ParticipantStatusesChanged(participant_id=participant_id, statuses=held, changed_at=tx.now)
    await tx.outbox.add(
        Event(type=PARTICIPANT_STATUSES_CHANGED, aggregate_id=str(participant_id), data=told), cause=cause
    )


def _noted(one: Status) -> dict[str, Any]:
    return {
        "participant_id": one.participant_id,
        "status": one.name,
        "state": one.state,
        "valid_from": one.valid_from,
        "valid_until": one.valid_until,
        "ended_at": one.ended_at,
    }
