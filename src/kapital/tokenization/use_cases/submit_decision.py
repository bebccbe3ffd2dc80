"""Use case: the issuer hands the draft of the decision to the operator for review."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import FieldFault
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.problems import TermsMustHaveNoFault
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.validator import find_faults
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.approve_payoff_code import require_code_approved
from kapital.tokenization.use_cases.decision_parties import known_parties
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted
from kapital.tokenization.use_cases.steps import move_issue


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitDecision:
    """`decision_sha256` is the hash of the version that the issuer means; `version` the issue's version read."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    decision_sha256: str
    version: int | None = None


async def submit_decision(cmd: SubmitDecision, *, parts: Parts) -> IssueMoved:
    """Move DRAFT to OPERATOR_REVIEW, if the terms have no fault today.

    Law: 259-FZ art. 3. Authorised by the session (`signature_kind` simple).
    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, StaleVersion, DecisionHashMustMatch,
    TermsMustHaveNoFault, PayoffCodeMustBeApproved, WrongState.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue = require_permitted(
            tx, cmd.actor, "submit_decision", (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        )
        issue.require_seen(cmd.decision_sha256, cmd.version)
        decision = (await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id]
        # Looked at again: a term that was to come when it was drafted may have passed.
        terms = load_terms(decision.terms)
        known = await known_parties(tx.conn, parts, issue.issuer_participant_id)
        faults = find_faults(terms, calendar=parts.calendar, today=moscow_day(tx.now), known=known)
        if faults:
            raise TermsMustHaveNoFault(
                f"the terms have {len(faults)} faults",
                {"faults": len(faults), "first": faults[0].code},
                errors=[
                    FieldFault(fault.pointer, f"{fault.code}: {fault.message_ru} / {fault.message_en}")
                    for fault in faults
                ],
            )
        await require_code_approved(tx, parts, terms)
        basis = {"decision_sha256": issue.decision_sha256, "signature_kind": "simple"}
        issue = await move_issue(tx, parts, issue, "submitted", actor=cmd.actor, basis=basis)
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, issue)
