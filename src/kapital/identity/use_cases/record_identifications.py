"""Use case: a person records how participants were identified, many at once, or imports what a bank identified."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.case_party import CaseParty, parties_of, subject_of
from kapital.identity.domain.delegation import Delegation
from kapital.identity.domain.dossier import Dossier, IdentificationMethod
from kapital.identity.domain.kyc_case import DocumentKind, InvestorCategory, KycCase, ScreeningResult
from kapital.identity.domain.kyc_problems import DelegationNotFound, QuestionnaireRequired
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.questionnaire_form import require_sound
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.screening import Particulars
from kapital.identity.ports import (
    CaseStore,
    CertificateStore,
    DelegationStore,
    DossierStore,
    FilledQuestionnaire,
    KycPolicy,
    RegisteredPersonStore,
)
from kapital.identity.use_cases.concluding import (
    Conclusion,
    Surroundings,
    conclude,
    recorded_answer,
    tell_recorded,
    uncertified,
)
from kapital.identity.use_cases.finding_case import case_to_work_on
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem, ensure
from kapital.platform.problems import item_problem
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint

BATCH_MAX: Final = 1_000


class NewIdentification(msgspec.Struct, frozen=True, kw_only=True):
    """What the person says of one participant.

    Shape: `delegation_id` with `agent_reference` where a bank identified; `method` None: what the rest makes it.
    """

    participant_id: UUID
    document_kind: DocumentKind
    document_sha256: str
    category: InvestorCategory
    screening_list_version: str
    screening_result: ScreeningResult
    category_evidence_reference: str | None = None
    method: IdentificationMethod | None = None
    delegation_id: UUID | None = None
    agent_reference: str | None = None
    questionnaire: Questionnaire | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIdentifications:
    """Record identifications. Shape: 1 to 1,000."""

    command_id: CommandId
    actor: Actor
    identifications: tuple[NewIdentification, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read for the whole batch, each in one statement."""

    latest: Mapping[UUID, KycCase]
    around: Surroundings
    delegations: Mapping[UUID, Delegation]
    questionnaires: Mapping[UUID, FilledQuestionnaire]
    persons: Mapping[UUID, RegisteredPerson]
    attested_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """An item whose words are in order: what is left is the lists, the owners and the risk."""

    case: KycCase
    said: Conclusion
    brought: Sequence[FilledQuestionnaire]
    parties: Sequence[CaseParty]
    subject: Particulars | None


async def record_identifications(
    cmd: RecordIdentifications,
    *,
    uow: UnitOfWork,
    cases: CaseStore,
    dossiers: DossierStore,
    delegations: DelegationStore,
    parties: PartyScreening,
    persons: RegisteredPersonStore,
    certificates: CertificateStore,
    policy: KycPolicy,
    new_id: Callable[[], UUID],
) -> contract.RecordIdentificationsResponse:
    """Move cases from OPENED to IDENTIFIED; open a new case for a renewal. One answer per item.

    Whom the questionnaires are about and whom they name is compared with the lists, all in one go.

    Law: 115-FZ art. 7 (identification before service, refreshed; by a bank under an agreement).
    Raises: IdempotencyKeyReused, NotPermitted, ScreeningEngineMissing. Per item: KycCaseNotFound,
    CaseNotAwaitingIdentification, QualifiedStatusNeedsEvidence, DelegationNotFound, DelegationNotInForce,
    DelegationNotNotified, QuestionnaireRequired, QuestionnaireOfAnother, what `require_sound` raises,
    CertificateMustBeBound, what `make_dossier` raises.
    """
    ensure(0 < len(cmd.identifications) <= BATCH_MAX, "a batch has 1 to 1,000 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RecordIdentificationsResponse)
        tx.access.require(cmd.actor, "record_identifications")
        known = await _read(
            cmd,
            tx,
            cases=cases,
            dossiers=dossiers,
            delegations=delegations,
            persons=persons,
            certificates=certificates,
            policy=policy,
        )
        results: list[contract.RecordedIdentification] = []
        recorded: list[tuple[KycCase, Dossier]] = []
        filled: list[FilledQuestionnaire] = []
        prepared = [
            _try_prepare(item, known=known, actor=cmd.actor, tx=tx, new_id=new_id) for item in cmd.identifications
        ]
        made = [one for one in prepared if isinstance(one, _Prepared)]
        named = [party for one in made for party in one.parties]
        subjects = {one.case.participant_id: one.subject for one in made if one.subject is not None}
        compared = await parties.compare(tx, named, subjects=subjects, actor=cmd.actor)
        around = replace(known.around, measured=known.around.measured | compared.participants_hit)
        for one in prepared:
            if not isinstance(one, _Prepared):
                results.append(one)
                continue
            try:
                dossier = conclude(one.case, one.said, around=around, actor=cmd.actor, now=tx.now)
            except Problem as problem:
                results.append(_refusal(one.case.participant_id, problem))
                continue
            recorded.append((one.case, dossier))
            filled += one.brought
            results.append(recorded_answer(one.case))
            await tell_recorded(one.case, dossier, actor=cmd.actor, tx=tx)
        renewals = [case for case, _ in recorded if case.number > 1 and case.case_id not in known.questionnaires]
        await cases.open(tx.conn, renewals)
        await cases.save_identifications(tx.conn, [case for case, _ in recorded])
        await dossiers.put_questionnaires(tx.conn, filled)
        await dossiers.put_dossiers(tx.conn, [dossier for _, dossier in recorded])
        await parties.keep(tx, compared, [case for case, _ in recorded], actor=cmd.actor)
        answer = contract.RecordIdentificationsResponse(results=results)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def _read(
    cmd: RecordIdentifications,
    tx: Transaction,
    *,
    cases: CaseStore,
    dossiers: DossierStore,
    delegations: DelegationStore,
    persons: RegisteredPersonStore,
    certificates: CertificateStore,
    policy: KycPolicy,
) -> _Known:
    participants = [item.participant_id for item in cmd.identifications]
    latest = await cases.lock_latest(tx.conn, participants)
    agreements = {item.delegation_id for item in cmd.identifications if item.delegation_id is not None}
    return _Known(
        latest=latest,
        around=Surroundings(
            kinds=await cases.kinds(tx.conn, participants),
            officials=await cases.listed_officials(tx.conn, participants),
            measured=await cases.under_measures(tx.conn, participants),
            simplified_allowed=policy.allows_simplified(day_of(tx.now)),
            uncertified=await uncertified(tx, participants, certificates=certificates, policy=policy),
        ),
        delegations=await delegations.find(tx.conn, sorted(agreements)) if agreements else {},
        questionnaires=await dossiers.questionnaires(tx.conn, [case.case_id for case in latest.values()]),
        persons=await persons.find(tx.conn, participants),
        attested_allowed=policy.allows_attested(day_of(tx.now)),
    )


def _try_prepare(
    item: NewIdentification, *, known: _Known, actor: Actor, tx: Transaction, new_id: Callable[[], UUID]
) -> _Prepared | contract.RecordedIdentification:
    try:
        return _prepare(item, known=known, actor=actor, tx=tx, new_id=new_id)
    except Problem as problem:
        return _refusal(item.participant_id, problem)


def _prepare(
    item: NewIdentification, *, known: _Known, actor: Actor, tx: Transaction, new_id: Callable[[], UUID]
) -> _Prepared:
    case = case_to_work_on(item.participant_id, known.latest, new_id=new_id, now=tx.now)
    case.require_open()
    case.require_category(item.category, item.category_evidence_reference)
    on = day_of(tx.now)
    _require_delegation(item, known, on)
    brought: list[FilledQuestionnaire] = []
    filled = known.questionnaires.get(case.case_id)
    if item.questionnaire is not None:
        require_sound(item.questionnaire, participant_kind=known.around.kinds.get(item.participant_id), on=on)
        if (person := known.persons.get(item.participant_id)) is not None:
            person.require_of(item.questionnaire)
        filled = FilledQuestionnaire(
            case_id=case.case_id, questionnaire=item.questionnaire, filled_by=actor.id, filled_at=tx.now
        )
        brought.append(filled)
    said = Conclusion(
        method=_method(
            item,
            filled,
            is_entity=known.around.is_entity(item.participant_id, item.document_kind),
            attested_allowed=known.attested_allowed,
        ),
        document_kind=item.document_kind,
        document_sha256=item.document_sha256,
        category=item.category,
        category_evidence_reference=item.category_evidence_reference,
        screening_list_version=item.screening_list_version,
        attested_hit=item.screening_result is ScreeningResult.HIT,
        filled=filled,
        delegation_id=item.delegation_id,
        agent_reference=item.agent_reference,
    )
    questionnaire = filled.questionnaire if filled else None
    named = parties_of(questionnaire, case_id=case.case_id, participant_id=item.participant_id)
    return _Prepared(case=case, said=said, brought=brought, parties=named, subject=subject_of(questionnaire))


def _require_delegation(item: NewIdentification, known: _Known, on: date) -> None:
    if item.delegation_id is None:
        if item.method is IdentificationMethod.DELEGATED or item.agent_reference is not None:
            raise DelegationNotFound
        return
    agreement = known.delegations.get(item.delegation_id)
    if agreement is None:
        raise DelegationNotFound(facts={"delegation_id": str(item.delegation_id)})
    agreement.require_usable(on=on, agent_reference=item.agent_reference)


def _method(
    item: NewIdentification, filled: FilledQuestionnaire | None, *, is_entity: bool, attested_allowed: bool
) -> IdentificationMethod:
    """How it was done. Without a questionnaire a person only, also by a bank: an entity's owners are to be known."""
    if filled is None and is_entity:
        raise QuestionnaireRequired
    if item.delegation_id is not None:
        return IdentificationMethod.DELEGATED
    if filled is None and (not attested_allowed or item.method not in (None, IdentificationMethod.ATTESTED)):
        raise QuestionnaireRequired
    if item.method is IdentificationMethod.SIMPLIFIED:
        return IdentificationMethod.SIMPLIFIED
    return IdentificationMethod.ATTESTED if filled is None else IdentificationMethod.FULL


def _refusal(participant_id: UUID, problem: Problem) -> contract.RecordedIdentification:
    return contract.RecordedIdentification(
        participant_id=participant_id,
        case_id=None,
        state=None,
        identification_sha256=None,
        problem=item_problem(problem, contract.ItemProblem),
    )
