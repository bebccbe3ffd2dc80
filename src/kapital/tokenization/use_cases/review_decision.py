"""Use case: the operator reviews the decision; two different persons must accept the very same bytes."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts.tokenization import IssueMoved
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.checklist import Answer, require_every_item
from kapital.tokenization.domain.decision import (
    REVIEW_ORDER,
    Review,
    Verdict,
    next_reviewer_role,
    require_another_person,
)
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import ReturnNeedsReason, ReviewMustBeNext
from kapital.tokenization.domain.states import ISSUE, IssueState
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted
from kapital.tokenization.use_cases.steps import move_issue

_NOTE_LENGTH_MAX = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecision:
    """`decision_sha256` is the hash of what the reviewer saw; a return has its reason in `note`.

    `checklist`: the answers of an acceptance, one for each item (`domain.checklist`); a return may bring some.
    """

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    decision_sha256: str
    verdict: Verdict = Verdict.ACCEPT
    note: str | None = None
    version: int | None = None
    checklist: tuple[Answer, ...] = ()


async def review_decision(cmd: ReviewDecision, *, parts: Parts) -> IssueMoved:
    """Note the verdict: ISSUE_MANAGER first, LEGAL second and another person. The second acceptance makes
    the decision ready to sign; a return by either sends it back to the issuer.

    Law: 259-FZ art. 3 (the operator checks before it publishes); 2E of domain.md 3.3.
    Raises: NotPermitted, ReturnNeedsReason, IdempotencyKeyReused, IssueNotFound, WrongState, StaleVersion,
    DecisionHashMustMatch, MakerAndCheckerMustDiffer, ReviewMustBeNext, ReviewNeedsEveryItem.
    """
    note = (cmd.note or "").strip()[:_NOTE_LENGTH_MAX] or None
    if cmd.verdict is Verdict.RETURN and note is None:
        raise ReturnNeedsReason
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        found = (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        issue = require_permitted(tx, cmd.actor, "review_decision", found)
        role = await _next_role(tx, parts, cmd, issue)
        if cmd.verdict is Verdict.ACCEPT:
            decision = (await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id]
            require_every_item(load_terms(decision.terms), cmd.checklist)
        review = Review(
            issue_id=issue.issue_id,
            decision_version=issue.decision_version,
            role=role,
            reviewer_id=cmd.actor.id,
            verdict=cmd.verdict,
            decision_sha256=cmd.decision_sha256,
            note=note,
            reviewed_at=tx.now,
            checklist=list(cmd.checklist),
        )
        await parts.issues.add_review(tx.conn, review)
        issue = await _conclude(tx, parts, issue, review, cmd.actor)
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, issue)


async def _next_role(tx: Transaction, parts: Parts, cmd: ReviewDecision, issue: Issue) -> Role:
    ISSUE.step(issue.state, "accepted")
    issue.require_seen(cmd.decision_sha256, cmd.version)
    reviews = [
        review
        for review in await parts.issues.reviews(tx.conn, issue.issue_id)
        if review.decision_version == issue.decision_version
    ]
    require_another_person(reviews, issue.drafted_by, cmd.actor.id)
    role = next_reviewer_role(reviews)
    if role not in cmd.actor.roles:
        raise ReviewMustBeNext(facts={"next": role.value})
    return role


async def _conclude(tx: Transaction, parts: Parts, issue: Issue, review: Review, actor: Actor) -> Issue:
    basis = {"decision_sha256": review.decision_sha256, "role": review.role.value}
    if review.verdict is Verdict.RETURN:
        return await move_issue(tx, parts, issue, "returned", actor=actor, basis=basis)
    if review.role is REVIEW_ORDER[-1]:
        return await move_issue(tx, parts, issue, "accepted", actor=actor, basis=basis)
    ensure(issue.state is IssueState.OPERATOR_REVIEW, "a first acceptance leaves the issue in review")
    await tx.audit.append("tokenization.decision_accepted_first", issue.issue_id, actor, basis=basis)
    changed = issue.changed()
    await parts.issues.save(tx.conn, [changed])
    return changed
