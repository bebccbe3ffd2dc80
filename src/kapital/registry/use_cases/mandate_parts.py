"""What the use cases of mandates share: their parts, the signed act, and how the others are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.problems import InvariantBroken
from kapital.platform.access import Resource, of_row
from kapital.platform.acts.bindings import bound_to
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.commands import ActToCheck, authorise
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction, UnitOfWork
from kapital.registry.contract_forms import mandate as form
from kapital.registry.domain.act_texts import TEXT_VERSION
from kapital.registry.domain.events import MANDATE_CHANGED
from kapital.registry.domain.mandate import Mandate, MandateEnd, MandateSaid
from kapital.registry.domain.mandate_texts import (
    mandate_acceptance_command,
    mandate_acceptance_text,
    mandate_command,
    mandate_text,
)
from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from kapital.registry.ports import MandateStore, ParticipantStore, RepresentativeStore


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateParts:
    """What they work with."""

    uow: UnitOfWork
    participants: ParticipantStore
    representatives: RepresentativeStore
    mandates: MandateStore
    acts: Acts
    new_id: Callable[[], UUID]


def wording_of_giving(principal_id: UUID, said: MandateSaid) -> Wording:
    """What a principal signs."""
    return Wording(
        kind=ActKind.GIVE_MANDATE,
        command=mandate_command(principal_id, said),
        text=mandate_text(principal_id, said),
        text_version=TEXT_VERSION,
    )


def wording_of_acceptance(mandate_id: UUID, text_sha256: str) -> Wording:
    """What a broker's person signs."""
    return Wording(
        kind=ActKind.ACCEPT_MANDATE,
        command=mandate_acceptance_command(mandate_id, text_sha256),
        text=mandate_acceptance_text(mandate_id, text_sha256),
        text_version=TEXT_VERSION,
    )


def as_resource(mandate_id: UUID, one: Mandate | None) -> Resource:
    """A mandate as the policies see it: `owner` gave it, `agent` is the broker."""
    if one is None:
        return of_row("Mandate", mandate_id, None)
    return of_row("Mandate", mandate_id, one, owner=one.principal_id, agent=one.said.broker_id)


async def authorise_mandate(
    parts: MandateParts, actor: Actor, command_id: str, wording: Wording, signed: SignedAct | None
) -> ActRecord | None:
    """The row of the signed act, to be kept with the command; None where the session is enough.

    Authorities are asked outside of any transaction. The command was permitted, and not answered before.
    Raises: what `platform.acts.commands.authorise` raises.
    """
    owner = actor.participant_id
    if owner is None:
        raise InvariantBroken("a mandate is between participants")
    if signed is None and not parts.acts.needs_signature(ActKind(wording.kind)):
        return None
    async with parts.uow.database.connect() as conn:
        bound = (await bound_to(conn, [owner])).get(owner, {})
        is_entity = await _is_entity(conn, parts, owner)
    given = ActToCheck(
        wording=wording,
        actor=actor,
        command_id=command_id,
        signed=signed,
        bound=bound,
        is_legal_entity=is_entity,
    )
    return await authorise(parts.acts, parts.uow, "registry", given)


async def _is_entity(conn: AsyncConnection, parts: MandateParts, participant_id: UUID) -> bool:
    known = await parts.representatives.principal(conn, participant_id)
    return known is not None and ParticipantKind(known.kind) in ENTITIES


async def note_mandate(
    tx: Transaction, action: str, one: Mandate, *, actor: Actor, basis: dict[str, Any], before: str | None
) -> None:
    """Audit a change of a mandate, and tell it if the broker has, or had, it."""
    after = {"state": one.state_at(tx.now).value, "mandate": one.said.canonical(), "end": one.end}
    noted = None if before is None else {"state": before}
    await tx.audit.append(f"registry.{action}", one.mandate_id, actor, basis=basis, before=noted, after=after)
    if one.accepted_at is None:
        return
    told = contract.MandateChanged(
        mandate_id=one.mandate_id,
        participant_id=one.principal_id,
        broker_id=one.said.broker_id,
        powers=[contract.MandatePower(power.value) for power in sorted(one.said.powers)],
        order_limit_kopecks=one.said.order_limit_kopecks,
        day_limit_kopecks=one.said.day_limit_kopecks,
        valid_from=one.accepted_at,
        valid_until=one.ended_at or one.said.valid_until,
        changed_at=tx.now,
    )
    await tx.outbox.add(Event(type=MANDATE_CHANGED, aggregate_id=str(one.principal_id), data=told))


async def end_mandates(
    tx: Transaction,
    living: Sequence[Mandate],
    end: MandateEnd,
    *,
    mandates: MandateStore,
    actor: Actor,
    basis: dict[str, Any],
) -> None:
    """End locked mandates that live, and tell."""
    ended = [one.ended(end, now=tx.now) for one in living]
    await mandates.save_ends(tx.conn, ended, by=actor.id)
    for before, one in zip(living, ended, strict=True):
        state = before.state_at(tx.now).value
        await note_mandate(tx, "mandate_ended", one, actor=actor, basis=basis, before=state)


async def answer_with(tx: Transaction, one: Mandate, *, command_id: str, actor: Actor, mark: str) -> contract.Mandate:
    """The answer, kept for a repeat."""
    answer = form(one, tx.now)
    await tx.replies.keep(command_id, actor, mark, msgspec.json.encode(answer))
    return answer
