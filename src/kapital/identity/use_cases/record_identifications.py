"""Use case: a person records how participants were identified."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.kyc_case import (
    DocumentKind,
    Identification,
    InvestorCategory,
    KycCase,
    ScreeningResult,
    may_open_renewal,
)
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.ports import CaseStore
from kapital.identity.use_cases.answers import item_problem
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem, ensure
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

BATCH_MAX: Final = 1_000


class NewIdentification(msgspec.Struct, frozen=True, kw_only=True):
    """What the person says of one participant."""

    participant_id: UUID
    document_kind: DocumentKind
    document_sha256: str
    category: InvestorCategory
    screening_list_version: str
    screening_result: ScreeningResult
    category_evidence_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIdentifications:
    """Record identifications. Shape: 1 to 1,000."""

    command_id: CommandId
    actor: Actor
    identifications: tuple[NewIdentification, ...]


async def record_identifications(
    cmd: RecordIdentifications, *, uow: UnitOfWork, cases: CaseStore, new_id: Callable[[], UUID]
) -> contract.RecordIdentificationsResponse:
    """Move cases from OPENED to IDENTIFIED; open a new case for a renewal. One answer per item.

    Law: 115-FZ art. 7 (identification before service, refreshed).
    Raises: IdempotencyKeyReused, NotPermitted. Per item: KycCaseNotFound, CaseNotAwaitingIdentification,
    QualifiedStatusNeedsEvidence.
    """
    ensure(0 < len(cmd.identifications) <= BATCH_MAX, "a batch has 1 to 1,000 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RecordIdentificationsResponse)
        tx.access.require(cmd.actor, "record_identifications")
        latest = await cases.lock_latest(tx.conn, [item.participant_id for item in cmd.identifications])
        results: list[contract.RecordedIdentification] = []
        recorded: list[KycCase] = []
        for item in cmd.identifications:
            try:
                case = _record(item, latest=latest, actor=cmd.actor, tx=tx, new_id=new_id)
            except Problem as problem:
                results.append(_refusal(item.participant_id, problem))
                continue
            recorded.append(case)
            results.append(_answer(case))
            await tx.audit.append(
                "identity.identification_recorded",
                case.case_id,
                cmd.actor,
                after={"state": case.state, "identification_sha256": case.recorded.sha256},
            )
        renewals = [case for case in recorded if case.number > 1]
        opened = await cases.open(tx.conn, renewals)
        ensure(len(opened) == len(renewals), "the participant's lock admits one renewal at a time")
        await cases.save_identifications(tx.conn, recorded)
        answer = contract.RecordIdentificationsResponse(results=results)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


def _record(
    item: NewIdentification,
    *,
    latest: Mapping[UUID, KycCase],
    actor: Actor,
    tx: Transaction,
    new_id: Callable[[], UUID],
) -> KycCase:
    case = latest.get(item.participant_id)
    if case is None:
        raise KycCaseNotFound(facts={"participant_id": str(item.participant_id)})
    if may_open_renewal(case):
        case = KycCase(
            case_id=new_id(),
            participant_id=item.participant_id,
            number=case.number + 1,
            opened_at=tx.now,
        )
    case.record(
        Identification(
            case_id=case.case_id,
            participant_id=item.participant_id,
            document_kind=item.document_kind,
            document_sha256=item.document_sha256,
            category=item.category,
            category_evidence_reference=item.category_evidence_reference,
            screening_list_version=item.screening_list_version,
            screening_result=item.screening_result,
            identified_by=actor.id,
            identified_at=tx.now,
        )
    )
    return case


def _answer(case: KycCase) -> contract.RecordedIdentification:
    return contract.RecordedIdentification(
        participant_id=case.participant_id,
        case_id=case.case_id,
        state=contract.CaseState(case.state.value),
        identification_sha256=case.recorded.sha256,
        problem=None,
    )


def _refusal(participant_id: UUID, problem: Problem) -> contract.RecordedIdentification:
    return contract.RecordedIdentification(
        participant_id=participant_id,
        case_id=None,
        state=None,
        identification_sha256=None,
        problem=item_problem(problem),
    )
