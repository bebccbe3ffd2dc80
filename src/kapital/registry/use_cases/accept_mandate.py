"""Use case: a broker accepts a mandate; from now on it orders by it."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform import access
from kapital.platform.access import Resource
from kapital.platform.acts.form import Act, SignedAct, act_of
from kapital.platform.acts.problems import ActMustBeOne
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.mandate import Mandate, MandateSaid
from kapital.registry.domain.mandate_problems import MandateNeedsBroker, MandateNotFound
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import ParticipantMustBeLive
from kapital.registry.use_cases.mandate_parts import (
    MandateParts,
    answer_with,
    as_resource,
    authorise_mandate,
    note_mandate,
    wording_of_acceptance,
    wording_of_giving,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptMandate:
    """Accept a mandate by the hash of its text."""

    command_id: CommandId
    actor: Actor
    mandate_id: UUID
    text_sha256: str
    signed_act: SignedAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareMandateAct:
    """`idempotency_key` is that of the command to come: `mandate`, or `acceptance` (id, hash of the text)."""

    actor: Actor
    idempotency_key: str
    mandate: MandateSaid | None = None
    acceptance: tuple[UUID, str] | None = None


def prepare_mandate_act(cmd: PrepareMandateAct, *, uow: UnitOfWork) -> Act:
    """The act that a participant signs to give a mandate, or a broker to accept one; kept nowhere.

    Raises: NotPermitted, ActMustBeOne, what `MandateSaid.sound` raises.
    """
    access.require(cmd.actor, "prepare_mandate_act")
    owner, now = cmd.actor.participant_id, uow.clock.now()
    if owner is None:
        raise InvariantBroken("the policies let participants prepare acts, and nobody else")
    if cmd.mandate is not None and cmd.acceptance is None:
        wording = wording_of_giving(owner, cmd.mandate.sound(owner, now))
    elif cmd.acceptance is not None and cmd.mandate is None:
        wording = wording_of_acceptance(*cmd.acceptance)
    else:
        raise ActMustBeOne
    made_at = now.replace(microsecond=0)
    return act_of(wording, actor=cmd.actor, idempotency_key=cmd.idempotency_key, made_at=made_at)


async def accept_mandate(cmd: AcceptMandate, *, parts: MandateParts) -> contract.Mandate:
    """Bring the mandate into force, and tell of it.

    Law: Civil Code art. 971 [M]; 39-FZ art. 3 [M]; 63-FZ art. 6.
    Promise: a mandate is accepted once; of an acceptance and an end at once one is made.
    Raises: IdempotencyKeyReused, MandateNotFound (also for another's), NotPermitted, MandateNeedsBroker,
    ParticipantMustBeLive, MandateMustBeGiven, MandateTextMustMatch, refusals of acts.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Mandate)
        (await _required(tx, parts, cmd)).accepted(cmd.text_sha256, now=tx.now)
    wording = wording_of_acceptance(cmd.mandate_id, cmd.text_sha256)
    act = await authorise_mandate(parts, cmd.actor, cmd.command_id, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Mandate)
        one = await _required(tx, parts, cmd)
        accepted = one.accepted(cmd.text_sha256, now=tx.now)
        file_sha256 = None if act is None else act.file_sha256
        await parts.mandates.save_accepted(tx.conn, accepted, by=cmd.actor.id, act_sha256=file_sha256)
        await keep_acts(tx.conn, [act] if act else [])
        basis = {"text_sha256": cmd.text_sha256, "act_file_sha256": file_sha256}
        before = one.state_at(tx.now).value
        await note_mandate(tx, "mandate_accepted", accepted, actor=cmd.actor, basis=basis, before=before)
        return await answer_with(tx, accepted, command_id=cmd.command_id, actor=cmd.actor, mark=mark)


async def _required(tx: Transaction, parts: MandateParts, cmd: AcceptMandate) -> Mandate:
    """The mandate, locked after its two participants, if the actor may accept and both are there.

    Raises: MandateNotFound, NotPermitted, MandateNeedsBroker, ParticipantMustBeLive.
    """
    seen = await parts.mandates.find(tx.conn, cmd.mandate_id)
    locked = [seen.principal_id, seen.said.broker_id] if seen is not None else []
    participants = await parts.participants.lock(tx.conn, sorted(locked))
    one = None if seen is None else await parts.mandates.lock(tx.conn, cmd.mandate_id)
    own = Resource("Mandate", agent=cmd.actor.participant_id)
    whose = as_resource(cmd.mandate_id, one)
    tx.access.require(cmd.actor, "accept_mandate", whose, hidden=MandateNotFound, own=own)
    if one is None:
        raise MandateNotFound
    broker, principal = participants[one.said.broker_id], participants[one.principal_id]
    if broker.has_ended or ParticipantRole.BROKER not in broker.roles:
        raise MandateNeedsBroker
    if principal.has_ended:
        raise ParticipantMustBeLive
    return one
