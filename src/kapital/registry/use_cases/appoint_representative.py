"""Use case: a person who acts for a participant is entered, a power of attorney (МЧД) having been found good."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.owners import ShownPower, require_power
from kapital.platform.acts.problems import PowerOfAttorneyRequired
from kapital.platform.events import Event
from kapital.platform.signatures.certificates import INN, SNILS
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.events import REPRESENTATIVE_APPOINTED
from kapital.registry.domain.participant import ParticipantKind
from kapital.registry.domain.problems import (
    ParticipantMustBeLive,
    ParticipantNotFound,
    RepresentativeAlreadyAppointed,
    RepresentativesTooMany,
)
from kapital.registry.domain.representative import (
    LIVE_MAX,
    Representative,
    RepresentativeKind,
    RepresentativeSaid,
)
from kapital.registry.ports import (
    KeptPower,
    NewRepresentative,
    ParticipantStore,
    Principal,
    RepresentativeStore,
    SecretSource,
    ShownRepresentative,
    numbers_of,
)
from kapital.registry.use_cases.persons_file import keep_persons
from kapital.registry.use_cases.state_changes import record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointRepresentative:
    """Enter a person; `power` when it acts by one."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    said: RepresentativeSaid
    power: ShownPower | None = None


@dataclass(frozen=True, slots=True)
class _SeenPower:
    kept: KeptPower
    expires_on: date


async def appoint_representative(
    cmd: AppointRepresentative,
    *,
    uow: UnitOfWork,
    participants: ParticipantStore,
    representatives: RepresentativeStore,
    acts: Acts,
    secrets: SecretSource,
    new_id: Callable[[], UUID],
    show: ShownRepresentative,
) -> contract.Representative:
    """Check what the person acts by and enter it; it may act once identity has told that it is identified.

    Authorities are asked before the transaction that enters it. A power of attorney is kept by its hash. Who the
    person is identity reads in a file that the event names.
    Law: Civil Code art. 53, 185; 63-FZ art. 17.2. Promise: only a power found VALID is entered.
    Raises: IdempotencyKeyReused, NotPermitted, ParticipantNotFound, what `RepresentativeSaid.require_sound` raises,
    PowerOfAttorneyRequired, PowerOfAttorneyUnreadable, PowerOfAttorneyStatusUnavailable, PowerOfAttorneyInsufficient,
    SignatureIndeterminate, ParticipantMustBeLive, RepresentativeTermOutOfRange, RepresentativesTooMany,
    RepresentativeAlreadyAppointed.
    Not: that the extract of the state register says what `basis_reference` claims; a person has seen it.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return await _again(tx, earlier, show)
        principal = await representatives.principal(tx.conn, cmd.participant_id)
        tx.access.require(cmd.actor, "appoint_representative", record_of(cmd.participant_id, principal))
        if principal is None:
            raise ParticipantNotFound
    cmd.said.require_sound(ParticipantKind(principal.kind), shows_power=cmd.power is not None)
    seen = await _look(cmd, principal, acts)
    async with uow.begin() as tx:
        # Locked first: of two at once the second sees what the first entered.
        participant = (await participants.lock(tx.conn, [cmd.participant_id]))[cmd.participant_id]
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return await _again(tx, earlier, show)
        tx.access.require(cmd.actor, "appoint_representative", record_of(cmd.participant_id, participant))
        if participant.has_ended:
            raise ParticipantMustBeLive(facts={"state": participant.state.value})
        until = cmd.said.until(now=tx.now, power_expires_on=seen.expires_on if seen else None)
        if await representatives.count_living(tx.conn, cmd.participant_id) >= LIVE_MAX:
            raise RepresentativesTooMany(facts={"limit": LIVE_MAX})
        one = Representative(
            representative_id=new_id(),
            participant_id=cmd.participant_id,
            kind=cmd.said.kind,
            powers=cmd.said.powers,
            valid_from=tx.now,
            valid_until=until,
        )
        kept = seen.kept if seen else None
        new = NewRepresentative(representative=one, said=cmd.said, power=kept, appointed_by=cmd.actor.id)
        if not await representatives.add(tx.conn, new):
            raise RepresentativeAlreadyAppointed
        told = contract.RepresentativeAppointed(
            participant_id=one.participant_id,
            representative_id=one.representative_id,
            kind=contract.RepresentativeKind(one.kind.value),
            powers=sorted(one.powers),
            valid_from=one.valid_from,
            valid_until=one.valid_until,
            persons_sha256=await keep_persons([_person(cmd, one)], files=acts.files, secrets=secrets),
        )
        basis = {"reference": cmd.said.basis_reference, "power_sha256": kept.sha256 if kept else None}
        await tx.audit.append(
            "registry.representative_appointed", one.representative_id, cmd.actor, basis=basis, after=told
        )
        await tx.outbox.add(Event(type=REPRESENTATIVE_APPOINTED, aggregate_id=str(one.participant_id), data=told))
        # The id alone: names stay in one table.
        reply = msgspec.json.encode(one.representative_id)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, reply)
        return await _again(tx, reply, show)


def _person(cmd: AppointRepresentative, one: Representative) -> contract.RegisteredPerson:
    said = cmd.said
    return contract.RegisteredPerson(
        id=one.representative_id, name=said.name, inn=said.inn, ogrn=None, snils=said.snils
    )


async def _again(tx: Transaction, reply: bytes, show: ShownRepresentative) -> contract.Representative:
    """The answer as it was first given: of what it says only the identification and the end can have changed."""
    found = await show(tx.conn, msgspec.json.decode(reply, type=UUID))
    return msgspec.structs.replace(found, identified_at=None, ended_at=None)


async def _look(cmd: AppointRepresentative, principal: Principal, acts: Acts) -> _SeenPower | None:
    """What the outside world tells of the power of attorney; None for an executive, who has none."""
    if cmd.said.kind is RepresentativeKind.SOLE_EXECUTIVE:
        return None
    if cmd.power is None:
        raise PowerOfAttorneyRequired
    holder = {INN: cmd.said.inn} | ({SNILS: cmd.said.snils} if cmd.said.snils else {})
    found = await require_power(
        acts,
        cmd.power,
        numbers=numbers_of(principal),
        holder=holder,
        powers=cmd.said.powers,
    )
    kept = KeptPower(
        number=found.number,
        sha256=await acts.files.put(cmd.power.document),
        signature_sha256=await acts.files.put(cmd.power.signature),
    )
    return _SeenPower(kept, found.expires_on)
