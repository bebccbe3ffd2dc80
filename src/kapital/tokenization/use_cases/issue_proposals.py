"""Use cases: one person proposes a step of an issue, the issuer consents where it must, another person decides."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.kernel.states import Step
from kapital.platform.access import Resource, of_row
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.issue_proposal import (
    CHECKERS,
    MAKERS,
    IssueProposal,
    OrderRejectionReason,
    ProposalKind,
    ProposalState,
)
from kapital.tokenization.domain.life_texts import cancellation_command, cancellation_text
from kapital.tokenization.domain.problems import IssueNotFound
from kapital.tokenization.domain.problems_life import ProposalMustFitKind, ProposalNotFound
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.perform_proposals import perform, require_possible
from kapital.tokenization.use_cases.reject_orders import give_back_rejected

_FLAGS: Final = {
    Role.COMPLIANCE: "of_compliance",
    Role.SETTLEMENT: "of_settlement",
    Role.LEGAL: "of_legal",
    Role.RISK: "of_risk",
}
_NEEDS: Final = {
    ProposalKind.SUSPEND_PLACEMENT: (),
    ProposalKind.RESUME_PLACEMENT: (),
    ProposalKind.CANCEL_ACTION: ("action_id",),
    ProposalKind.WRITE_OFF: ("document_sha256",),
    ProposalKind.RESTRUCTURE: ("document_sha256", "new_issue_id", "units_per_unit"),
    ProposalKind.APPROVE_ACTION: ("action_id", "calculation_sha256"),
    ProposalKind.REJECT_ORDER: ("order_id", "reason_code"),
}
_GIVEN: Final = (
    "document_sha256",
    "action_id",
    "calculation_sha256",
    "new_issue_id",
    "units_per_unit",
    "order_id",
    "reason_code",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeIssueStep:
    """`reason` is kept for ever and names no person; what else is given depends on the kind."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    kind: ProposalKind
    reason: str
    document_sha256: str | None = None
    action_id: UUID | None = None
    new_issue_id: UUID | None = None
    units_per_unit: int | None = None
    calculation_sha256: str | None = None
    order_id: UUID | None = None
    reason_code: OrderRejectionReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentToCancellation:
    """`proposal_sha256` is the proposal that the issuer saw."""

    command_id: CommandId
    actor: Actor
    proposal_id: UUID
    proposal_sha256: str
    signed_act: SignedAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideIssueStep:
    """`proposal_sha256` is the proposal that the second person saw."""

    command_id: CommandId
    actor: Actor
    proposal_id: UUID
    proposal_sha256: str
    approve: bool


def wording_of_cancellation(proposal_id: UUID, proposal_sha256: str) -> Wording:
    """What the issuer signs."""
    return Wording(
        kind=ActKind.CONSENT_TO_CANCELLATION,
        command=cancellation_command(proposal_id, proposal_sha256),
        text=cancellation_text(proposal_id, proposal_sha256),
        text_version=TEXT_VERSION,
    )


async def propose_issue_step(cmd: ProposeIssueStep, *, parts: Parts) -> IssueProposal:
    """Keep a proposal that could be performed now.

    Law: domain.md 3.3, 3.4, 3.6 (2E). Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, ProposalMustFitKind,
    WrongState, ActionNotFound, ActionMustBeIssuersOwn, CalculationMustMatch, NewIssueMustFit, OrderNotFound,
    PlacementMustBeOpen, OrderMustBeAccepted.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=IssueProposal)
        tx.access.require(cmd.actor, "propose_issue_step", Resource("IssueProposal", **_of(MAKERS[cmd.kind])))
        given = {name for name in _GIVEN if getattr(cmd, name) is not None}
        needs = set(_NEEDS[cmd.kind])
        if given - {"document_sha256"} != needs - {"document_sha256"} or not needs <= given:
            raise ProposalMustFitKind(facts={"kind": cmd.kind.value, "needs": " ".join(sorted(needs))})
        proposal = IssueProposal(
            proposal_id=new_uuid7(),
            issue_id=cmd.issue_id,
            kind=cmd.kind,
            state=ProposalState.PROPOSED,
            version=1,
            reason=cmd.reason,
            document_sha256=cmd.document_sha256,
            action_id=cmd.action_id,
            new_issue_id=cmd.new_issue_id,
            units_per_unit=cmd.units_per_unit,
            calculation_sha256=cmd.calculation_sha256,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
            order_id=cmd.order_id,
            reason_code=cmd.reason_code,
        )
        issues = await _lock_issues(tx, parts, proposal)
        await require_possible(tx, parts, proposal, issues)
        await parts.proposals.add(tx.conn, proposal)
        await _audit(tx, parts, cmd.actor, proposal, "proposed", before=None)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(proposal))
        return proposal


async def consent_to_cancellation(cmd: ConsentToCancellation, *, parts: Parts) -> IssueProposal:
    """Note that the issuer wants the cancellation too.

    Law: domain.md 3.6 (2E and the issuer's signature). Raises: NotPermitted, IdempotencyKeyReused, refusals of acts,
    ProposalNotFound, WrongState, ProposalMustMatch, ProposalMustFitKind.
    """
    mark = fingerprint(cmd)
    wording = wording_of_cancellation(cmd.proposal_id, cmd.proposal_sha256)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=IssueProposal)
        proposal = await parts.proposals.lock(tx.conn, cmd.proposal_id)
        issues = {} if proposal is None else await parts.issues.read(tx.conn, [proposal.issue_id])
        owner = None if proposal is None else issues[proposal.issue_id].issuer_participant_id
        resource = of_row("IssueProposal", cmd.proposal_id, proposal, owner=owner)
        tx.access.require(cmd.actor, "consent_to_cancellation", resource, hidden=ProposalNotFound)
        if proposal is None:
            raise ProposalNotFound
        if proposal.kind is not ProposalKind.CANCEL_ACTION:
            raise ProposalMustFitKind(facts={"kind": proposal.kind.value, "needs": "action_id"})
        after, step = proposal.consented(
            seen=cmd.proposal_sha256,
            by=cmd.actor.id,
            at=tx.now,
            act_sha256=act.file_sha256 if act else None,
        )
        await keep_acts(tx.conn, [act] if act else [])
        await parts.proposals.save(tx.conn, after)
        await _audit(tx, parts, cmd.actor, after, step.on, before=(proposal, step))
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after


async def decide_issue_step(cmd: DecideIssueStep, *, parts: Parts) -> IssueProposal:
    """Approve or reject what another person proposed; approved, it is performed in the same transaction.

    What needs records in the register goes on after it, by the schedule.
    Raises: NotPermitted, IdempotencyKeyReused, ProposalNotFound, WrongState, MakerAndCheckerMustDiffer,
    ProposalMustMatch, IssuerMustConsent, ActionNotFound, ActionMustBeIssuersOwn, CalculationMustMatch,
    NewIssueMustFit, PlacementMustBeOpen, OrderMustBeAccepted.
    """
    after = await _decide(cmd, parts)
    await give_back_rejected(after, parts=parts)
    return after


async def _decide(cmd: DecideIssueStep, parts: Parts) -> IssueProposal:
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=IssueProposal)
        proposal = await parts.proposals.lock(tx.conn, cmd.proposal_id)
        resource = Resource("IssueProposal")
        if proposal is not None:
            resource = of_row("IssueProposal", proposal.proposal_id, proposal, **_of(CHECKERS[proposal.kind]))
        tx.access.require(cmd.actor, "decide_issue_step", resource)
        if proposal is None:
            raise ProposalNotFound
        after, step = proposal.decided(approve=cmd.approve, seen=cmd.proposal_sha256, by=cmd.actor.id, at=tx.now)
        issues = await _lock_issues(tx, parts, proposal)
        if cmd.approve:
            await require_possible(tx, parts, proposal, issues)
            await perform(tx, parts, after, issues, actor=cmd.actor)
        await parts.proposals.save(tx.conn, after)
        await _audit(tx, parts, cmd.actor, after, step.on, before=(proposal, step))
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after


def _of(office: Role) -> dict[str, bool]:
    return {_FLAGS[office]: True}


async def _lock_issues(tx: Transaction, parts: Parts, proposal: IssueProposal) -> dict[UUID, Issue]:
    ids = {proposal.issue_id} | ({proposal.new_issue_id} if proposal.new_issue_id else set())
    issues = await parts.issues.lock(tx.conn, ids)
    if len(issues) < len(ids):
        raise IssueNotFound
    return issues


async def _audit(
    tx: Transaction,
    parts: Parts,
    actor: Actor,
    proposal: IssueProposal,
    on: str,
    *,
    before: tuple[IssueProposal, Step[ProposalState]] | None,
) -> None:
    await tx.audit.append(
        f"tokenization.issue_proposal_{on}",
        proposal.proposal_id,
        actor,
        basis={
            "rule_book_version": parts.rule_book_version,
            "kind": proposal.kind.value,
            "reason": proposal.reason,
            "proposal_sha256": proposal.proposal_sha256,
            "order_id": None if proposal.order_id is None else str(proposal.order_id),
            "reason_code": proposal.reason_code,
            "act_file_sha256": proposal.consent_act_sha256,
        },
        before=None if before is None else {"state": before[0].state.value, "version": before[0].version},
        after={"state": proposal.state.value, "version": proposal.version, "issue_id": str(proposal.issue_id)},
    )
