"""Use case: draft a decision on issuance (решение о выпуске), or replace a draft by a new version."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts.tokenization import DecisionDrafted, TermsFault
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import ensure
from kapital.platform.access import Resource
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain import human_text
from kapital.tokenization.domain.decision import Decision
from kapital.tokenization.domain.issue import Issue, drawn_from
from kapital.tokenization.domain.problems import DecisionMustBeEditable, IssueCodeTaken
from kapital.tokenization.domain.states import EDITABLE, ISSUE, IssueState
from kapital.tokenization.domain.terms import IssuanceTerms, decision_bytes, load_terms
from kapital.tokenization.domain.terms_notes import find_notes
from kapital.tokenization.domain.validator import find_faults
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.decision_parties import known_parties
from kapital.tokenization.use_cases.issue_commands import require_permitted
from kapital.tokenization.use_cases.steps import move_issue


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDecision:
    """Shape: `terms` is YAML or JSON text (domain/terms.py); `issue_id` names a draft of the same issuer."""

    command_id: CommandId
    actor: Actor
    terms: bytes
    issue_id: UUID | None = None


async def draft_decision(cmd: DraftDecision, *, parts: Parts) -> DecisionDrafted:
    """Keep the terms as a new version of the decision, print its text and tell every fault at once.

    A draft with faults is kept: the issuer mends it. The version is immutable; a mended one is another version.
    Law: 259-FZ art. 3.
    Raises: NotPermitted, the problems of `load_terms`, IdempotencyKeyReused, IssueNotFound, DecisionMustBeEditable,
    IssueCodeTaken, DecisionMustBePrintable.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=DecisionDrafted)
        # A new issue would be the actor's own; one that is there is asked about when it is locked.
        tx.access.require(cmd.actor, "draft_decision", Resource("Issue", owner=cmd.actor.participant_id))
        terms = load_terms(cmd.terms)
        body = decision_bytes(terms)
        issue = await _keep_issue(tx, parts, cmd, terms, sha256_hex(body))
        known = await known_parties(tx.conn, parts, issue.issuer_participant_id)
        faults = find_faults(terms, calendar=parts.calendar, today=moscow_day(tx.now), known=known)
        text = human_text.render(terms, decision_sha256=issue.decision_sha256)
        printed = await parts.printer.pdf(
            text, title=terms.title, decision_sha256=issue.decision_sha256, made_at=tx.now
        )
        decision = Decision(
            issue_id=issue.issue_id,
            decision_version=issue.decision_version,
            sha256=issue.decision_sha256,
            terms=body,
            faults=faults,
            drafted_by=cmd.actor.id,
            drafted_at=tx.now,
            pdf_sha256=await parts.documents.put(printed),
        )
        await parts.issues.add_decision(tx.conn, decision)
        await tx.audit.append(
            "tokenization.decision_drafted",
            issue.issue_id,
            cmd.actor,
            basis={"rule_book_version": parts.rule_book_version},
            after={
                "decision_sha256": decision.sha256,
                "decision_version": decision.decision_version,
                "pdf_sha256": decision.pdf_sha256,
            },
        )
        drafted = DecisionDrafted(
            issue_id=issue.issue_id,
            code=issue.code,
            decision_version=issue.decision_version,
            decision_sha256=issue.decision_sha256,
            state=issue.state.value,
            version=issue.version,
            faults=[TermsFault(**msgspec.structs.asdict(fault)) for fault in faults],
            notes=[TermsFault(**msgspec.structs.asdict(note)) for note in find_notes(terms, calendar=parts.calendar)],
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(drafted))
        return drafted


async def _keep_issue(tx: Transaction, parts: Parts, cmd: DraftDecision, terms: IssuanceTerms, sha256: str) -> Issue:
    if cmd.issue_id is None:
        return await _new_issue(tx, parts, cmd, terms, sha256)
    issue = (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
    issue = require_permitted(tx, cmd.actor, "draft_decision", issue)
    if issue.state not in EDITABLE:
        raise DecisionMustBeEditable(facts={"state": issue.state.value})
    if await parts.issues.code_is_taken(tx.conn, terms.code, issue.issue_id):
        raise IssueCodeTaken(facts={"code": terms.code})
    changes = {
        **drawn_from(terms),
        "decision_version": issue.decision_version + 1,
        "decision_sha256": sha256,
        "drafted_by": cmd.actor.id,
    }
    if issue.state is IssueState.RETURNED:
        return await move_issue(tx, parts, issue, "redrafted", actor=cmd.actor, **changes)
    changed = issue.changed(**changes)
    await parts.issues.save(tx.conn, [changed])
    return changed


async def _new_issue(tx: Transaction, parts: Parts, cmd: DraftDecision, terms: IssuanceTerms, sha256: str) -> Issue:
    ensure(cmd.actor.participant_id is not None and IssueState.DRAFT in ISSUE.initial, "an issue is born as a draft")
    issue = Issue(
        issue_id=new_uuid7(),
        issuer_participant_id=UUID(str(cmd.actor.participant_id)),
        state=IssueState.DRAFT,
        version=1,
        decision_version=1,
        decision_sha256=sha256,
        drafted_by=cmd.actor.id,
        **drawn_from(terms),
    )
    if not await parts.issues.add(tx.conn, issue):
        raise IssueCodeTaken(facts={"code": terms.code})
    return issue
