"""Use case: a member of the staff records who a representative is, by its document."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.events import REPRESENTATIVE_IDENTIFIED
from kapital.identity.domain.kyc_problems import RepresentativeNotAppointed
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.parties import PersonParticulars
from kapital.identity.domain.representative import RepresentativeIdentification, require_whole
from kapital.identity.ports import RepresentativeStore
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyRepresentative:
    """Record who it is; `document_sha256` is of the copy that was seen."""

    command_id: CommandId
    actor: Actor
    representative_id: UUID
    person: PersonParticulars
    document_sha256: str


async def identify_representative(
    cmd: IdentifyRepresentative, *, uow: UnitOfWork, representatives: RepresentativeStore, parties: PartyScreening
) -> contract.IdentifiedRepresentative:
    """Keep the particulars, compare them with the lists beside the register's words, and tell that it may act.

    Law: 115-FZ art. 7(1)(1) (the representative is identified before it is served), art. 7(1)(6).
    Raises: IdempotencyKeyReused, NotPermitted, RepresentativeNotAppointed, QuestionnaireIncomplete,
    RepresentativeOfAnother, ScreeningEngineMissing – in this order of precedence.
    Promise: what is found is told as the participant's measure only, and before the identification.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.IdentifiedRepresentative)
        tx.access.require(cmd.actor, "identify_representative")
        one = await representatives.lock(tx.conn, cmd.representative_id)
        if one is None:
            raise RepresentativeNotAppointed
        require_whole(cmd.person, on=day_of(tx.now))
        compared = await parties.compare(tx, [one.party(cmd.person)], actor=cmd.actor)
        await parties.keep_all(tx, compared, actor=cmd.actor)
        await representatives.note_screened(tx.conn, [one.representative_id], tx.now)
        said = RepresentativeIdentification(
            representative_id=one.representative_id,
            identified_at=tx.now,
            identified_by=cmd.actor.id,
            person=cmd.person,
            document_sha256=cmd.document_sha256,
        )
        await representatives.identify(tx.conn, said)
        await tx.audit.append(
            "identity.representative_identified",
            one.representative_id,
            cmd.actor,
            basis={"document_sha256": cmd.document_sha256},
        )
        await tx.outbox.add(
            Event(
                type=REPRESENTATIVE_IDENTIFIED,
                aggregate_id=str(one.participant_id),
                data=contract.RepresentativeIdentified(
                    participant_id=one.participant_id,
                    representative_id=one.representative_id,
                    identified_at=said.identified_at,
                ),
            )
        )
        answer = contract.IdentifiedRepresentative(
            representative_id=one.representative_id,
            participant_id=one.participant_id,
            identified_by=said.identified_by,
            identified_at=said.identified_at,
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
