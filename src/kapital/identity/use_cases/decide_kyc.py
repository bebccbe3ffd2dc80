"""Use case: another person decides on recorded identifications."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from kapital.contracts import identity as contract
from kapital.identity.domain.dossier import operation_limit
from kapital.identity.domain.events import KYC_DECIDED
from kapital.identity.domain.kyc_case import KycCase, KycOutcome
from kapital.identity.domain.parameters import MonthsByRisk, day_of
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.domain.screening import ListSource
from kapital.identity.domain.screening_list import require_screened
from kapital.identity.domain.states import CaseState
from kapital.identity.ports import (
    CaseStore,
    ClientStore,
    HitStore,
    KycPolicy,
    PartyStore,
    RepresentativeStore,
    Screenings,
)
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem, ensure
from kapital.platform.access import Resource, of_row
from kapital.platform.events import Event
from kapital.platform.problems import item_problem
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

BATCH_MAX: Final = 1_000


class NewKycDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer decides on one participant, having seen `identification_sha256`."""

    participant_id: UUID
    outcome: KycOutcome
    identification_sha256: str
    basis_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideKyc:
    """Decide on identifications. Shape: 1 to 1,000."""

    command_id: CommandId
    actor: Actor
    decisions: tuple[NewKycDecision, ...]


async def decide_kyc(
    cmd: DecideKyc,
    *,
    uow: UnitOfWork,
    cases: CaseStore,
    policy: KycPolicy,
    screenings: Screenings,
    parties: PartyStore,
    representatives: RepresentativeStore,
    clients: ClientStore,
    hits: HitStore,
    required_lists: frozenset[ListSource] = frozenset(),
) -> contract.DecideKycResponse:
    """Move cases from IDENTIFIED to APPROVED or REJECTED; end the approval that a renewal replaces.

    A measure on whom the questionnaire names (owner, head, representative, beneficiary), or on a representative by
    the register, stops an approval as one on the participant does; one on whom only the questionnaire to be replaced
    names does not, for the approval ends it.
    A public official's case goes from IDENTIFIED to AWAITING_SENIOR by an officer, and on by a senior officer.
    Law: 115-FZ art. 7, art. 7.3 (public officials by written decision of the head); four eyes by the rule book.
    Raises: IdempotencyKeyReused, NotPermitted. Per item: KycCaseNotFound, NotPermitted, WrongState,
    MakerAndCheckerMustDiffer, DecisionNamesAnotherIdentification, ScreeningHitCannotBeApproved,
    ScreeningMustBeRecorded, ScreeningMustBeCurrent.
    Promise: of two decisions at once on one case one is made, the other refused.
    """
    ensure(0 < len(cmd.decisions) <= BATCH_MAX, "a batch has 1 to 1,000 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DecideKycResponse)
        tx.access.require(cmd.actor, "decide_kyc", Resource("KycCase"))
        participants = [item.participant_id for item in cmd.decisions]
        latest = dict(await cases.lock_latest(tx.conn, participants))
        in_force = await cases.lock_approved(tx.conn, participants)
        named = await parties.of_cases(tx.conn, [case.case_id for case in latest.values()])
        acting = await representatives.living(tx.conn, participants)
        # The participant, whom its questionnaire names and who acts for it: what holds for one holds for the case.
        about = {who: [who, *named.get(case.case_id, ()), *acting.get(who, ())] for who, case in latest.items()}
        everybody = [one for group in about.values() for one in group]
        measured = await cases.under_measures(tx.conn, everybody)
        officials = await cases.listed_officials(tx.conn, everybody)
        approved = {item.participant_id for item in cmd.decisions if item.outcome is KycOutcome.APPROVED}
        approving = [one for who, group in about.items() if who in approved for one in group]
        screened = await screenings.screening_of(tx.conn, approving) if approving else {}
        results: list[contract.DecidedKyc] = []
        decided: list[KycCase] = []
        for item in cmd.decisions:
            try:
                case = _decide(
                    item,
                    latest=latest,
                    under_measure=not measured.isdisjoint(about.get(item.participant_id, ())),
                    is_listed_pep=not officials.isdisjoint(about.get(item.participant_id, ())),
                    months=policy.months_on(day_of(tx.now)),
                    officer=cmd.actor,
                    tx=tx,
                )
                if item.outcome is KycOutcome.APPROVED:
                    for one in about[item.participant_id]:
                        require_screened(screened.get(one), required=required_lists)
            except Problem as problem:
                results.append(_refusal(item.participant_id, problem))
                continue
            latest[item.participant_id] = case
            decided.append(case)
            results.append(_answer(case))
            await _tell(case, officer=cmd.actor, tx=tx)
        superseded = [
            in_force[case.participant_id]
            for case in decided
            if case.participant_id in in_force and case.state is not CaseState.AWAITING_SENIOR
        ]
        for case in superseded:
            case.supersede()
        # Two statements in this order: the index that admits one approval per participant is checked row by
        # row.
        await cases.save(tx.conn, superseded)
        await cases.save(tx.conn, decided)
        # Other parties count from now on than those of a questionnaire replaced or turned down.
        with_parties = {*named, *await parties.of_cases(tx.conn, [case.case_id for case in superseded])}
        parted = {case.participant_id for case in (*superseded, *decided) if case.case_id in with_parties}
        await apply_measures(tx, sorted(parted), actor=cmd.actor, clients=clients, hits=hits)
        answer = contract.DecideKycResponse(results=results)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


def _decide(
    item: NewKycDecision,
    *,
    latest: Mapping[UUID, KycCase],
    under_measure: bool,
    is_listed_pep: bool,
    months: MonthsByRisk,
    officer: Actor,
    tx: Transaction,
) -> KycCase:
    """The case as decided: another object, so that a decision refused after this leaves nothing on the next one."""
    if (found := latest.get(item.participant_id)) is None:
        raise KycCaseNotFound(facts={"participant_id": str(item.participant_id)})
    case = copy(found)
    asked = of_row("KycCase", case.case_id, case, awaiting_senior=case.state is CaseState.AWAITING_SENIOR)
    if (refusal := tx.access.why_not(officer, "decide_kyc", asked)) is not None:
        raise refusal
    case.decide(
        item.outcome,
        identification_sha256=item.identification_sha256,
        basis=item.basis_reference,
        officer_id=officer.id,
        now=tx.now,
        is_listed_pep=is_listed_pep,
        under_measure=under_measure,
        months=months,
    )
    return case


async def _tell(case: KycCase, *, officer: Actor, tx: Transaction) -> None:
    if case.state is CaseState.AWAITING_SENIOR:
        await tx.audit.append(
            "identity.kyc_endorsed",
            case.case_id,
            officer,
            basis={"reference": case.endorsement_basis, "identification_sha256": case.recorded.sha256},
            before={"state": "identified"},
            after={"state": case.state},
        )
        return
    await tx.audit.append(
        "identity.kyc_decided",
        case.case_id,
        officer,
        basis={"reference": case.decision_basis, "identification_sha256": case.recorded.sha256},
        before={"state": "identified" if case.endorsed_by is None else "awaiting_senior"},
        after={"state": case.state, "valid_until": case.valid_until},
    )
    await tx.outbox.add(
        Event(
            type=KYC_DECIDED,
            aggregate_id=str(case.participant_id),
            data=contract.KycDecided(
                participant_id=case.participant_id,
                outcome=contract.KycOutcome(case.state.value),
                category=contract.InvestorCategory(case.recorded.category.value),
                valid_until=case.valid_until,
                **_limit(case, on=day_of(tx.now)),
            ),
        )
    )


def _limit(case: KycCase, *, on: date) -> dict[str, Any]:
    """How the participant was identified and what it allows; nothing of a case from before methods were kept."""
    if case.recorded.method is UNSET:
        return {}
    method = contract.IdentificationMethod(case.recorded.method.value)
    return {"method": method, "operation_limit_kopecks": operation_limit(case.recorded.method, on=on)}


def _answer(case: KycCase) -> contract.DecidedKyc:
    return contract.DecidedKyc(
        participant_id=case.participant_id,
        case_id=case.case_id,
        state=contract.CaseState(case.state.value),
        valid_until=case.valid_until,
        problem=None,
    )


def _refusal(participant_id: UUID, problem: Problem) -> contract.DecidedKyc:
    return contract.DecidedKyc(
        participant_id=participant_id,
        case_id=None,
        state=None,
        valid_until=None,
        problem=item_problem(problem, contract.ItemProblem),
    )
