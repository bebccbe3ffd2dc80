"""Bring corporate actions on their way: outside values, list of holders, money, payment, arrears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.record_list import PARTS_UNDER_WAY
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.approve_actions import approve_calculated
from kapital.tokenization.use_cases.instruct_payouts import instruct_next_parts
from kapital.tokenization.use_cases.late_interest import accrue_late_interest
from kapital.tokenization.use_cases.note_settlement import conclude_payment
from kapital.tokenization.use_cases.reserve_payouts import reserve_payouts
from kapital.tokenization.use_cases.share_shortfall import IN_TIME, is_decided, share_shortfalls
from kapital.tokenization.use_cases.steps import SCHEDULER, move_actions, move_issues
from kapital.tokenization.use_cases.take_record_lists import take_record_lists
from kapital.tokenization.use_cases.unit_payouts import unit_payouts

_BATCH = 1000
_WAITING_MAX = 20_000
_PARTS_PER_TRANSACTION = 20

_Moves = list[tuple[CorporateAction, str, Mapping[str, Any]]]


async def advance_actions(now: datetime, *, parts: Parts) -> int:
    """Make every step that is due; returns how many actions moved.

    Law: 259-FZ art. 4 (records are extinguished on performance); domain.md 3.6.
    Promise: each step is decided under the action's row lock by its state, so calling again, late, or in several
    processes at once moves nothing twice. The list of holders is the one at `record_at`, whenever it is taken.
    """
    moved = await _begin_fixing(now, parts) + await _calculate(now, parts)
    await approve_calculated(now, parts)
    moved += await take_record_lists(now, parts=parts)
    await accrue_late_interest(now, parts)
    return (
        moved
        + await reserve_payouts(now, parts)
        + await _instruct_funded(now, parts)
        + await share_shortfalls(now, parts)
        + await _note_arrears(now, parts)
        + await _close_paid(now, parts)
    )


async def _begin_fixing(now: datetime, parts: Parts) -> int:
    return await _move_due(parts, (ActionState.SCHEDULED,), "fixing_at", now, "fixing_due")


async def _close_paid(now: datetime, parts: Parts) -> int:
    return await _move_due(parts, (ActionState.PAID,), "overdue_at", now, "closed")


async def _move_due(parts: Parts, states: tuple[ActionState, ...], by: str, now: datetime, on: str) -> int:
    moved = 0
    while True:
        async with parts.uow.begin() as tx:
            due = await parts.actions.due(tx.conn, states, by, now, _BATCH)
            locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
            ready = [action for action in locked.values() if action.state in states]
            await move_actions(tx, parts, [(action, on, {}) for action in ready], actor=SCHEDULER)
        moved += len(ready)
        if len(due) < _BATCH:
            return moved


async def _calculate(now: datetime, parts: Parts) -> int:
    """FIXING to CALCULATED, for the actions whose every outside value is confirmed; the others wait, visibly."""
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (ActionState.FIXING,), "fixing_at", now, _WAITING_MAX)
        waiting = [action for action in due if action.early is None]
        units = await unit_payouts(tx, parts, waiting)
        locked = await parts.actions.lock(tx.conn, units)
        ready = [action for action in locked.values() if action.state is ActionState.FIXING]
        moves: _Moves = [
            (action, "calculated", {"explanation": units[action.action_id].explanation}) for action in ready
        ]
        await move_actions(tx, parts, moves)
    return len(ready)


async def _instruct_funded(now: datetime, parts: Parts) -> int:
    """Instruct the first parts of the actions whose money is set aside, in order of payment."""
    async with parts.database.connect() as conn:
        funded = await parts.actions.due(conn, (ActionState.FUNDED,), "pay_at", now, _BATCH)
    moved = 0
    for group in _groups(funded):
        async with parts.uow.begin() as tx:
            moved += await _instruct(tx, parts, group)
    return moved


async def _instruct(tx: Transaction, parts: Parts, group: Sequence[CorporateAction]) -> int:
    issues = await parts.issues.lock(tx.conn, {action.issue_id for action in group})
    locked = await parts.actions.lock(tx.conn, [action.action_id for action in group])
    ready = [action for action in locked.values() if action.state is ActionState.FUNDED]
    paying = await move_actions(tx, parts, [(action, "instructed", {}) for action in ready])
    for action in paying:
        await instruct_next_parts(tx, parts, action, issues[action.issue_id])
    # Nobody held a unit, or nothing is due: there is nothing for settlement to do, and it is not asked.
    empty = [a for a in paying if not await parts.actions.any_part_unsettled(tx.conn, a.action_id)]
    for action in await move_actions(tx, parts, [(action, "paid", {}) for action in empty]):
        issues = await parts.issues.lock(tx.conn, [action.issue_id])
        await conclude_payment(tx, parts, issues[action.issue_id])
    return len(paying)


async def _note_arrears(now: datetime, parts: Parts) -> int:
    """UNDERFUNDED beyond the last day to pay is a technical default; beyond the days of grace, a default."""
    late = await _arrears(parts, ActionState.UNDERFUNDED, "overdue_at", now, "payment_missed", _TO_TECHNICAL)
    lost = await _arrears(parts, ActionState.GRACE, "grace_until_at", now, "grace_expired", _TO_DEFAULT)
    return late + lost


_TO_TECHNICAL = (IN_TIME, "payment_missed")
_TO_DEFAULT = (frozenset({IssueState.TECHNICAL_DEFAULT}), "grace_expired")


async def _arrears(
    parts: Parts,
    state: ActionState,
    by: str,
    now: datetime,
    on: str,
    of_issue: tuple[frozenset[IssueState], str],
) -> int:
    sources, issue_on = of_issue
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (state,), by, now, _BATCH)
        issues = await parts.issues.lock(tx.conn, {action.issue_id for action in due})
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
        ready = [action for action in locked.values() if action.state is state and is_decided(action)]
        await move_actions(tx, parts, [(action, on, {}) for action in ready], actor=SCHEDULER)
        hit = sorted({action.issue_id for action in ready})
        moves: list[tuple[Issue, str, Mapping[str, Any]]] = [
            (issues[i], issue_on, {}) for i in hit if issues[i].state in sources
        ]
        await move_issues(tx, parts, moves, actor=SCHEDULER)
    return len(ready)


def _groups(actions: Sequence[CorporateAction]) -> Iterator[list[CorporateAction]]:
    """Neighbours whose first parts fit one transaction together; a larger action stands alone."""
    group: list[CorporateAction] = []
    held = 0
    for action in actions:
        size = min(action.parts, PARTS_UNDER_WAY)
        if group and held + size > _PARTS_PER_TRANSACTION:
            yield group
            group, held = [], 0
        group.append(action)
        held += size
    if group:
        yield group
