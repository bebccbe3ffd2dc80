"""What an approved proposal does to a placement, an order, an action, an issue in default."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.kernel.states import WrongState
from kapital.ledger.api import (
    MIRROR_POSITIONS,
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    Position,
    Posting,
    RegisterRow,
    SetFlags,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import CallLock
from kapital.tokenization.domain.early_actions import early_of
from kapital.tokenization.domain.events import exchange_announced
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.issue_proposal import IssueProposal, ProposalKind
from kapital.tokenization.domain.problems_early import ActionNotFound
from kapital.tokenization.domain.problems_life import ActionMustBeIssuersOwn, NewIssueMustFit
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ACTION, ISSUE, ActionState, IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.approve_actions import approvable, approve_by_two
from kapital.tokenization.use_cases.circulation import begin_circulation
from kapital.tokenization.use_cases.ledger_calls import post_in_calls
from kapital.tokenization.use_cases.reject_orders import reject_order, rejectable
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_actions, move_issue, tell

_BATCH: Final = 100
_STEPS: Final = {
    ProposalKind.SUSPEND_PLACEMENT: "suspended",
    ProposalKind.RESUME_PLACEMENT: "resumed",
    ProposalKind.WRITE_OFF: "written_off",
    ProposalKind.RESTRUCTURE: "restructured",
}
_ENDED: Final = frozenset({ActionState.PAID, ActionState.CLOSED})

_log = get_logger(__name__)


async def require_possible(
    tx: Transaction, parts: Parts, proposal: IssueProposal, issues: Mapping[UUID, Issue]
) -> None:
    """Return if the proposal could be performed now; issues are locked.

    Raises: WrongState, ActionNotFound, ActionMustBeIssuersOwn, CalculationMustMatch, NewIssueMustFit, OrderNotFound,
    PlacementMustBeOpen, OrderMustBeAccepted.
    """
    issue = issues[proposal.issue_id]
    if (on := _STEPS.get(proposal.kind)) is not None:
        ISSUE.step(issue.state, on)
    match proposal.kind:
        case ProposalKind.RESUME_PLACEMENT if not issue.stopped_by_operator:
            raise WrongState("the placement is suspended because it is full", {"state": issue.state.value})
        case ProposalKind.CANCEL_ACTION:
            await _cancellable(tx, parts, proposal)
        case ProposalKind.APPROVE_ACTION:
            await approvable(tx, parts, proposal)
        case ProposalKind.RESTRUCTURE:
            await _require_new_issue(tx, parts, proposal, issues)
        case ProposalKind.REJECT_ORDER:
            await rejectable(tx, parts, proposal, issue)


async def perform(
    tx: Transaction,
    parts: Parts,
    proposal: IssueProposal,
    issues: Mapping[UUID, Issue],
    *,
    actor: Actor,
) -> None:
    """Do what was approved, as far as it is done in the database. `require_possible` has returned."""
    issue = issues[proposal.issue_id]
    basis = {
        "proposal_id": str(proposal.proposal_id),
        "reason": proposal.reason,
        "document_sha256": proposal.document_sha256,
    }
    match proposal.kind:
        case ProposalKind.SUSPEND_PLACEMENT:
            await move_issue(tx, parts, issue, "suspended", actor=actor, basis=basis, stopped_by_operator=True)
        case ProposalKind.RESUME_PLACEMENT:
            await move_issue(tx, parts, issue, "resumed", actor=actor, basis=basis, stopped_by_operator=False)
        case ProposalKind.APPROVE_ACTION:
            await approve_by_two(tx, parts, proposal, actor=actor)
        case ProposalKind.WRITE_OFF:
            await move_issue(tx, parts, issue, "written_off", actor=actor, basis=basis)
        case ProposalKind.CANCEL_ACTION:
            action = await _cancellable(tx, parts, proposal)
            early = early_of(action)
            # A lock that was set is let go by the schedule, wherever it still stands.
            lock = early.lock if early.lock is CallLock.NONE else CallLock.LOCKED
            changes = {"early": msgspec.structs.replace(early, lock=lock)}
            await move_actions(tx, parts, [(action, "cancelled", changes)], actor=actor, basis=basis)
        case ProposalKind.REJECT_ORDER:
            await reject_order(tx, parts, proposal, issue, actor=actor)
        case ProposalKind.RESTRUCTURE:  # pragma: no branch (mypy: nothing is left)
            new_issue = issues[UUID(str(proposal.new_issue_id))]
            await begin_circulation(tx, parts, new_issue, "exchange_opened", actor=actor)
            await tell(tx, [exchange_announced(proposal, tx.now)])


async def outstanding_units(tx: Transaction, parts: Parts, issue: Issue) -> int:
    """Units of an issue that were allocated and have not ended early."""
    actions = await parts.actions.of_issue(tx.conn, issue.issue_id)
    ended = sum(early_of(a).units for a in actions if a.early is not None and a.state in _ENDED)
    return issue.allocated_units - ended


async def extinguish_written_off(*, parts: Parts) -> None:
    """Extinguish the records of issues that were written off by an act, of frozen holders too.

    Promise: ids are derived from the proposal and the account; what the register refuses is tried again.
    """
    async with parts.database.connect() as conn:
        due = await parts.proposals.to_perform(conn, _BATCH)
    for proposal in due:
        rows = [r for r in await parts.ledger.register(proposal.issue_id) if r.position not in MIRROR_POSITIONS]
        records = [_write_off(proposal, row) for row in rows]
        refused = []
        async for answers in post_in_calls(records, parts):
            refused += [answer for answer in answers if not isinstance(answer, Committed)]
        if refused:
            _log.warning("tokenization.write_off_refused", code=refused[0].code, subject_id=str(proposal.proposal_id))
            continue
        async with parts.uow.begin() as tx:
            locked = await parts.proposals.lock(tx.conn, proposal.proposal_id)
            if locked is not None and locked.performed_at is None:
                done = msgspec.structs.replace(locked, version=locked.version + 1, performed_at=tx.now)
                await parts.proposals.save(tx.conn, done)


def _write_off(proposal: IssueProposal, row: RegisterRow) -> LedgerTransaction:
    account = AccountKey(proposal.issue_id, row.position, row.wallet)
    gone = AccountKey(proposal.issue_id, Position.EXTINGUISHED, proposal.issue_id)
    return LedgerTransaction(
        id=derive_uuid7(proposal.proposal_id, f"write_off/{row.wallet}/{row.position.value}"),
        actor=SMART_CONTRACT.id,
        basis=Basis(
            kind=BasisKind.COURT_ACT,
            reference=f"issue_proposal/{proposal.proposal_id}",
            document_sha256=proposal.document_sha256,
        ),
        postings=(Posting(account, -row.balance), Posting(gone, row.balance)),
        flags=(SetFlags(account=account, credits_stopped=False, debits_stopped=False),),
        income_of=proposal.issue_id,
    )


async def _cancellable(tx: Transaction, parts: Parts, proposal: IssueProposal) -> CorporateAction:
    """The action to be cancelled, locked: a call, or an offer of the issuer's own that nobody has accepted."""
    ensure(proposal.action_id is not None, "a cancellation names its action")
    action = (await parts.actions.lock(tx.conn, [UUID(str(proposal.action_id))])).get(UUID(str(proposal.action_id)))
    if action is None or action.issue_id != proposal.issue_id:
        raise ActionNotFound
    own_offer = action.kind is ActionKind.BUYBACK and early_of(action).option is None
    if action.kind is not ActionKind.CALL and not own_offer:
        raise ActionMustBeIssuersOwn(facts={"kind": action.kind.value})
    ACTION.step(action.state, "cancelled")
    live = await parts.instructions.lock_of_actions(tx.conn, [action.action_id], ["asked", "locked", "taken"])
    if live:
        raise ActionMustBeIssuersOwn(facts={"kind": action.kind.value})
    return action


async def _require_new_issue(
    tx: Transaction, parts: Parts, proposal: IssueProposal, issues: Mapping[UUID, Issue]
) -> None:
    issue, new_issue = issues[proposal.issue_id], issues[UUID(str(proposal.new_issue_id))]
    units = await outstanding_units(tx, parts, issue) * int(proposal.units_per_unit or 0)
    same = new_issue.issuer_participant_id == issue.issuer_participant_id
    if not same or new_issue.state is not IssueState.PUBLISHED or units > new_issue.quantity_max:
        raise NewIssueMustFit(
            facts={"state": new_issue.state.value, "units": units, "quantity_max": new_issue.quantity_max}
        )
