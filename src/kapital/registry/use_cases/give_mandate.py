"""Use case: a participant lets a broker order for it; the mandate holds once the broker has accepted it."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.form import SignedAct
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.registry.domain.mandate import LIVE_MAX, Mandate, MandateSaid
from kapital.registry.domain.mandate_problems import MandateAlreadyGiven, MandateNeedsBroker, MandatesTooMany
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import ParticipantMustBeLive, ParticipantNotFound
from kapital.registry.use_cases.mandate_parts import (
    MandateParts,
    answer_with,
    authorise_mandate,
    note_mandate,
    wording_of_giving,
)
from kapital.registry.use_cases.state_changes import record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveMandate:
    """Give a mandate; `participant_id` is the principal."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    said: MandateSaid
    signed_act: SignedAct | None = None


async def give_mandate(cmd: GiveMandate, *, parts: MandateParts) -> contract.Mandate:
    """Keep what the principal says, with its act; nobody else is told before the broker accepts it.

    The text that was shown is kept in the object store by its hash, whether the act was signed or not.
    Law: Civil Code art. 185, 971 [M]; 63-FZ art. 6. Promise: between two participants one mandate lives at a time,
    whatever comes at once.
    Raises: IdempotencyKeyReused, ParticipantNotFound (also for another's), NotPermitted, ParticipantMustBeLive, what
    `MandateSaid.sound` raises, MandateNeedsBroker, MandatesTooMany, refusals of acts, MandateAlreadyGiven.
    Not: that the broker's licence covers it, nor that the two know each other otherwise.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Mandate)
        said = await _sound(tx, parts, cmd)
    wording = wording_of_giving(cmd.participant_id, said)
    act = await authorise_mandate(parts, cmd.actor, cmd.command_id, wording, cmd.signed_act)
    text_sha256 = await parts.acts.files.put(wording.text.encode())
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.Mandate)
        said = await _sound(tx, parts, cmd)
        one = Mandate(
            mandate_id=parts.new_id(),
            principal_id=cmd.participant_id,
            said=said,
            text_sha256=text_sha256,
            given_at=tx.now,
        )
        file_sha256 = None if act is None else act.file_sha256
        if not await parts.mandates.add(tx.conn, one, by=cmd.actor.id, act_sha256=file_sha256):
            raise MandateAlreadyGiven
        await keep_acts(tx.conn, [act] if act else [])
        basis = {"text_sha256": text_sha256, "act_file_sha256": file_sha256}
        await note_mandate(tx, "mandate_given", one, actor=cmd.actor, basis=basis, before=None)
        return await answer_with(tx, one, command_id=cmd.command_id, actor=cmd.actor, mark=mark)


async def _sound(tx: Transaction, parts: MandateParts, cmd: GiveMandate) -> MandateSaid:
    """What is said, with both participants locked, if one may give it and the other take it."""
    ids = sorted({cmd.participant_id, cmd.said.broker_id})
    found = await parts.participants.lock(tx.conn, ids)
    principal, broker = found.get(cmd.participant_id), found.get(cmd.said.broker_id)
    whose = record_of(cmd.participant_id, principal)
    tx.access.require(cmd.actor, "give_mandate", whose, hidden=ParticipantNotFound)
    if principal is None:
        raise ParticipantNotFound
    if principal.has_ended:
        raise ParticipantMustBeLive(facts={"state": principal.state.value})
    said = cmd.said.sound(cmd.participant_id, tx.now)
    if broker is None or broker.has_ended or ParticipantRole.BROKER not in broker.roles:
        raise MandateNeedsBroker
    if await parts.mandates.count_living(tx.conn, cmd.participant_id, now=tx.now) >= LIVE_MAX:
        raise MandatesTooMany(facts={"limit": LIVE_MAX})
    return said
