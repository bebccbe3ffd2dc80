"""The redemption window of an issue begins: where the decision says so, its units can no longer be disposed of."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import AccountKey, Basis, BasisKind, SetFlags
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import LedgerRefused
from kapital.tokenization.domain.states import IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SCHEDULER, SMART_CONTRACT, move_issues
from kapital.tokenization.use_cases.unit_locks import lock_units

_BATCH = 500

_log = get_logger(__name__)


async def start_redemptions(now: datetime, *, parts: Parts) -> int:
    """Put the transfer lock into the ledger once the window has begun; then CIRCULATING moves to REDEEMING.

    An issue in technical default gets its lock on the same day: its decision does not know of a later one. Its state
    goes on when the default is cured, or ends with the redemption.

    The lock is the ledger's flag on every holder's account of the units; the redemption entry of a holder clears the
    flag of that account itself (`debits_stopped` in payouts_instructed), so the units are never free in between.
    Law: real decisions of domain.md 1.2 (no disposal from the first day of the window); scenario 37.
    Promise: the ids of the lock's entries are derived from issue and account: calling again sets nothing twice. An
    issue whose lock the ledger refuses (its rows are on hold) stays where it is and holds up no other.
    """
    started = 0
    while True:
        async with parts.database.connect() as conn:
            due = await parts.issues.due_to_redeem(conn, now, _BATCH)
        startable = [issue.issue_id for issue in due if await _is_locked(issue, parts)]
        async with parts.uow.begin() as tx:
            locked = await parts.issues.lock(tx.conn, startable)
            ready = [issue for issue in locked.values() if issue.state is IssueState.CIRCULATING]
            moves = [
                (i, "redemption_started", {"locked_at": i.locked_at or (tx.now if i.transfer_lock else None)})
                for i in ready
            ]
            await move_issues(tx, parts, moves, actor=SCHEDULER)
            late = [issue for issue in locked.values() if _waits_under_lock(issue)]
            await _note_locks(tx, parts, late)
        started += len(ready) + len(late)
        if len(due) < _BATCH or not (ready or late):
            return started


def _waits_under_lock(issue: Issue) -> bool:
    return issue.state is IssueState.TECHNICAL_DEFAULT and issue.transfer_lock and issue.locked_at is None


async def _note_locks(tx: Transaction, parts: Parts, issues: Sequence[Issue]) -> None:
    """Note that the units of issues in technical default are locked."""
    for issue in issues:
        await tx.audit.append(
            "tokenization.transfer_lock_set",
            issue.issue_id,
            SCHEDULER,
            basis={"decision_sha256": issue.decision_sha256, "rule_book_version": parts.rule_book_version},
            after={"locked_at": tx.now.isoformat()},
        )
    await parts.issues.save(tx.conn, [issue.changed(locked_at=tx.now) for issue in issues])


async def _is_locked(issue: Issue, parts: Parts) -> bool:
    if issue.transfer_lock and issue.locked_at is None:
        try:
            await lock_units(issue.issue_id, partial(_lock_record, issue), parts)
        except LedgerRefused as refused:
            _log.warning("tokenization.transfer_lock_refused", code=refused.code, subject_id=str(issue.issue_id))
            return False
    return True


def _lock_record(issue: Issue, account: AccountKey) -> LedgerTransaction:
    return LedgerTransaction(
        id=derive_uuid7(issue.issue_id, f"transfer_lock/{account.wallet}/{account.position.value}"),
        actor=SMART_CONTRACT.id,
        basis=Basis(
            kind=BasisKind.SMART_CONTRACT,
            reference=f"redemption_window/{issue.code}",
            document_sha256=issue.decision_sha256,
        ),
        flags=(SetFlags(account=account, credits_stopped=False, debits_stopped=True),),
    )
