"""An issue begins to circulate: its units are in the ledger, and all its payments are planned."""

from kapital.kernel.actor import Actor
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import planned
from kapital.tokenization.domain.early_actions import planned_options
from kapital.tokenization.domain.issue import Issue, schedule_of, window_start
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issue


async def begin_circulation(
    tx: Transaction, parts: Parts, issue: Issue, on: str = "settled", *, actor: Actor = SMART_CONTRACT
) -> Issue:
    """Move to CIRCULATING and plan every corporate action of the decision. The issue's row is locked."""
    terms = load_terms((await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id].terms)
    scheduled = schedule_of(terms, parts.calendar)
    actions = planned(issue, terms, scheduled, parts.calendar)
    actions += planned_options(issue, terms, parts.calendar, first_number=len(actions) + 1, now=tx.now)
    await parts.actions.add(tx.conn, actions)
    for action in actions:
        await tx.audit.append(
            "tokenization.action_scheduled",
            action.action_id,
            SMART_CONTRACT,
            basis={"decision_sha256": issue.decision_sha256, "rule_book_version": parts.rule_book_version},
            after={"state": action.state.value, "version": action.version, "issue_id": issue.issue_id},
        )
    return await move_issue(tx, parts, issue, on, actor=actor, window_at=window_start(scheduled))
