"""Use case: an officer records a doubt about the truth of what a participant was identified by."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import identification_doubt
from kapital.identity.domain.doubt import doubted
from kapital.identity.domain.events import KYC_TERM_CHANGED
from kapital.identity.domain.problems import IdentificationAlreadyDoubted, KycCaseNotFound
from kapital.identity.ports import CaseStore, DoubtStore
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import BusinessCalendar
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.events import Event
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDoubt:
    """Doubt the approved identification whose hash the officer saw."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    identification_sha256: str
    reason: str


async def record_doubt(
    cmd: RecordDoubt, *, uow: UnitOfWork, cases: CaseStore, doubts: DoubtStore, calendar: BusinessCalendar
) -> contract.IdentificationDoubt:
    """Shorten the term of the approval in force and tell it; what happens at its end is what happens at any.

    Law: 115-FZ art. 7(1)(3).
    Promise: one doubt an approval; the term runs from the first. The others are told the term and never the reason.
    Raises: IdempotencyKeyReused, NotPermitted, KycCaseNotFound, WrongState, DecisionNamesAnotherIdentification,
    IdentificationAlreadyDoubted – in this order of precedence.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.IdentificationDoubt)
        tx.access.require(cmd.actor, "record_identification_doubt", Resource("KycCase"))
        one = [cmd.participant_id]
        latest = (await cases.lock_latest(tx.conn, one)).get(cmd.participant_id)
        if latest is None:
            raise KycCaseNotFound
        # A renewal may be under way beside the approval that it is to replace.
        case = (await cases.lock_approved(tx.conn, one)).get(cmd.participant_id, latest)
        doubt = doubted(
            case,
            identification_sha256=cmd.identification_sha256,
            reason=cmd.reason,
            officer_id=cmd.actor.id,
            now=tx.now,
            calendar=calendar,
        )
        if (earlier_doubt := await doubts.of_case(tx.conn, case.case_id)) is not None:
            raise IdentificationAlreadyDoubted(facts={"recorded_at": earlier_doubt.recorded_at.isoformat()})
        await cases.save(tx.conn, [case])
        await doubts.add(tx.conn, doubt)
        # The reason may hold personal data and stays in the doubt.
        await tx.audit.append(
            "identity.identification_doubted",
            case.case_id,
            cmd.actor,
            basis={"identification_sha256": cmd.identification_sha256},
            before={"valid_until": doubt.valid_until_before},
            after={"valid_until": doubt.valid_until},
        )
        await tx.outbox.add(
            Event(
                type=KYC_TERM_CHANGED,
                aggregate_id=str(case.participant_id),
                data=contract.KycTermChanged(participant_id=case.participant_id, valid_until=doubt.valid_until),
            )
        )
        answer = identification_doubt(doubt)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
