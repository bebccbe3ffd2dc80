"""Use case: a participant, or staff for it, fills in the questionnaire of its case."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.contract_forms import beneficial_owner, owner_gap
from kapital.identity.domain.dossier import owners_of
from kapital.identity.domain.parameters import day_of
from kapital.identity.domain.problems import KycCaseNotFound
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.questionnaire_form import require_sound
from kapital.identity.ports import CaseStore, DossierStore, FilledQuestionnaire, RegisteredPersonStore
from kapital.identity.use_cases.finding_case import case_of, case_to_work_on
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import UnitOfWork, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class FillQuestionnaire:
    """Fill in, or replace what was filled in. Shape: `version` of the case that was read; None: whichever it is."""

    command_id: CommandId
    actor: Actor
    participant_id: UUID
    questionnaire: Questionnaire
    version: int | None = None


async def fill_questionnaire(
    cmd: FillQuestionnaire,
    *,
    uow: UnitOfWork,
    cases: CaseStore,
    dossiers: DossierStore,
    persons: RegisteredPersonStore,
    new_id: Callable[[], UUID],
) -> contract.FilledQuestionnaire:
    """Keep the questionnaire of an open case; open a new case for a renewal. Owners unidentified are only told.

    Law: 115-FZ art. 7(1)(1), (2).
    Raises: IdempotencyKeyReused, NotPermitted, KycCaseNotFound, StaleVersion, CaseNotAwaitingIdentification, what
    `require_sound` raises, QuestionnaireOfAnother, what `beneficial_owners` raises.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.FilledQuestionnaire)
        latest = await cases.lock_latest(tx.conn, [cmd.participant_id])
        whose = case_of(cmd.participant_id, latest.get(cmd.participant_id))
        tx.access.require(cmd.actor, "fill_questionnaire", whose, hidden=KycCaseNotFound)
        if cmd.participant_id in latest:
            latest[cmd.participant_id].require_version(cmd.version)
        case = case_to_work_on(cmd.participant_id, latest, new_id=new_id, now=tx.now)
        case.require_open()
        on = day_of(tx.now)
        kinds = await cases.kinds(tx.conn, [cmd.participant_id])
        require_sound(cmd.questionnaire, participant_kind=kinds.get(cmd.participant_id), on=on)
        for person in (await persons.find(tx.conn, [cmd.participant_id])).values():
            person.require_of(cmd.questionnaire)
        found = owners_of(cmd.questionnaire, participant_id=cmd.participant_id, on=on)
        if case is not latest[cmd.participant_id]:
            await cases.open(tx.conn, [case])
        case.version += 1
        await cases.save(tx.conn, [case])
        filled = FilledQuestionnaire(
            case_id=case.case_id, questionnaire=cmd.questionnaire, filled_by=cmd.actor.id, filled_at=tx.now
        )
        await dossiers.put_questionnaires(tx.conn, [filled])
        sha256 = cmd.questionnaire.sha256
        await tx.audit.append(
            "identity.questionnaire_filled", case.case_id, cmd.actor, after={"questionnaire_sha256": sha256}
        )
        answer = contract.FilledQuestionnaire(
            participant_id=cmd.participant_id,
            case_id=case.case_id,
            version=case.version,
            questionnaire_sha256=sha256,
            beneficial_owners=[beneficial_owner(owner) for owner in found.owners] if found else [],
            missing=[owner_gap(gap) for gap in found.gaps] if found else [],
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer
