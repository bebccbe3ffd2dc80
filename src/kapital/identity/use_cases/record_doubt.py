"""Use case: an officer records a doubt about the truth of what a participant was identified by."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import identification_doubt
from kapital.identity.domain.doubt import doubted
from kapital.identity.domain.problems import IdentificationAlreadyDoubted, KycCaseNotFound
from kapital.identity.use_cases.doubting import Doubting
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource, of_row
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDoubt:
    """Doubt the approved identification whose hash the officer saw."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    identification_sha256: str
    reason: str


async def record_doubt(cmd: RecordDoubt, *, uow: UnitOfWork, doubting: Doubting) -> contract.IdentificationDoubt:
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
        one = [cmd.participant_id]
        latest = (await doubting.cases.lock_latest(tx.conn, one)).get(cmd.participant_id)
        # A renewal may be under way beside the approval that it is to replace.
        case = (await doubting.cases.lock_approved(tx.conn, one)).get(cmd.participant_id) or latest
        asked = Resource("KycCase") if case is None else of_row("KycCase", case.case_id, case)
        tx.access.require(cmd.actor, "record_identification_doubt", asked)
        if case is None:
            raise KycCaseNotFound
        doubt = doubted(
            case,
            identification_sha256=cmd.identification_sha256,
            reason=cmd.reason,
            officer_id=cmd.actor.id,
            now=tx.now,
            calendar=doubting.calendar,
        )
        if (earlier_doubt := await doubting.doubts.of_case(tx.conn, case.case_id)) is not None:
            raise IdentificationAlreadyDoubted(facts={"recorded_at": earlier_doubt.recorded_at.isoformat()})
        basis = {"identification_sha256": cmd.identification_sha256}
        await doubting.enter(tx, case, doubt, actor=cmd.actor, basis=basis)
        answer = identification_doubt(doubt)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
