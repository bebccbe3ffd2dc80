"""Bring early ends of issues on their way: locks, lists, and what follows when they are paid.

They are paid as all actions are.

Promise (all of it): each step is decided under row locks by the state of the action and of its lock, ledger ids are
derived, so calling again, late, or in several processes at once does nothing twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure
from kapital.ledger.api import MIRROR_POSITIONS, Position
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early import BY_HOLDERS, CallLock
from kapital.tokenization.domain.early_actions import (
    call_lines,
    early_of,
    instructed_lines,
    taken_units,
    unit_price,
)
from kapital.tokenization.domain.events import LINES_PER_PART
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.payoff import Holding, PayoutLine
from kapital.tokenization.domain.payout_lines import unpaid_to
from kapital.tokenization.domain.problems import LedgerRefused
from kapital.tokenization.domain.redemption_instruction import Instruction, InstructionState
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.apart import apart
from kapital.tokenization.use_cases.approve_actions import approve_calculated
from kapital.tokenization.use_cases.call_locks import free_accounts, lock_accounts
from kapital.tokenization.use_cases.instruction_records import resume_instructions
from kapital.tokenization.use_cases.steps import (
    SCHEDULER,
    SMART_CONTRACT,
    move_actions,
    move_instructions,
    move_issues,
)

_BATCH: Final = 1000
_DONE: Final = frozenset({ActionState.PAID, ActionState.CLOSED, ActionState.CANCELLED})
_NOT_BEGUN: Final = frozenset(
    {ActionState.SCHEDULED, ActionState.FIXING, ActionState.CALCULATED, ActionState.APPROVED}
)

_log = get_logger(__name__)


async def advance_early(now: datetime, *, parts: Parts) -> int:
    """Make every step of early ends that is due; returns how many actions and issues moved.

    What is refused of one action holds up no other (metric `kapital_steps_stopped`).
    Law: 259-FZ art. 4 (records are extinguished on performance); domain.md 3.6.
    """
    moved = await _calculate(now, parts)
    await approve_calculated(now, parts)
    due = await _due(now, parts)
    await resume_instructions(parts=parts, of_actions=[a.action_id for a in due if a.kind in BY_HOLDERS])
    with apart("early_list") as steps:
        for action in due:
            step = _list_instructions if action.kind in BY_HOLDERS else _list_call
            moved += await steps.take(action.action_id, step(action, parts))
    await _tell_performed(parts)
    await _free(parts)
    moved += await _conclude(parts)
    await resume_instructions(parts=parts)
    return moved


async def _calculate(now: datetime, parts: Parts) -> int:
    """FIXING to CALCULATED: the price is of the decision or of the offer, and nothing else is to be known."""
    async with parts.uow.begin() as tx:
        waiting = await parts.actions.due(tx.conn, (ActionState.FIXING,), "fixing_at", now, _BATCH)
        early = [action for action in waiting if action.early is not None]
        terms = await _terms(tx, parts, early)
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in early])
        moves = [
            (action, "calculated", {"explanation": unit_price(terms[action.issue_id], action).explanation})
            for action in locked.values()
            if action.state is ActionState.FIXING
        ]
        await move_actions(tx, parts, moves)
    return len(moves)


async def _due(now: datetime, parts: Parts) -> list[CorporateAction]:
    async with parts.database.connect() as conn:
        due = await parts.actions.due(conn, (ActionState.APPROVED,), "record_at", now, _BATCH)
    return [action for action in due if action.early is not None]


async def _terms(tx: Transaction, parts: Parts, actions: Sequence[CorporateAction]) -> dict[UUID, IssuanceTerms]:
    decisions = await parts.issues.decisions(tx.conn, {action.issue_id for action in actions})
    return {issue_id: load_terms(decision.terms) for issue_id, decision in decisions.items()}


async def _list_instructions(action: CorporateAction, parts: Parts) -> int:
    """The list of a put or an offer: the instructions locked before the close, what an offer leaves goes back."""
    size = await parts.ledger.size_at(action.record_at)
    async with parts.uow.begin() as tx:
        locked = await _lock_for_list(tx, parts, action)
        instructions = await parts.instructions.lock_of_actions(tx.conn, [action.action_id], ["asked", "locked"])
        if locked is None or any(one.state is InstructionState.ASKED for one in instructions):
            return 0
        terms = (await _terms(tx, parts, [locked]))[locked.issue_id]
        taken = taken_units(terms, locked, instructions)
        due_lines = instructed_lines(terms, locked, instructions, taken)
        moves: list[tuple[Instruction, str, Mapping[str, Any]]] = []
        for one in instructions:
            units = taken[one.instruction_id]
            changes = {"taken_units": units, "release_units": one.units - units}
            moves.append((one, "taken" if units else "lapsed", changes))
        await move_instructions(tx, parts, moves, actor=SMART_CONTRACT)
        await _keep_list(tx, parts, locked, size, due_lines)
    return 1


async def _list_call(action: CorporateAction, parts: Parts) -> int:
    """The list of a call, taken under the lock of every account that it may touch.

    The size of the ledger with which the lock was complete is kept, so that the list is the one of that entry.
    """
    async with parts.database.connect() as conn:
        issue = (await parts.issues.read(conn, [action.issue_id]))[action.issue_id]
    if early_of(action).lock is CallLock.NONE:
        try:
            is_locked = await _lock(issue, action, parts)
        except LedgerRefused as refused:
            # Rows on hold by a check keep their issue where it is, and no other.
            _log.warning("tokenization.call_lock_refused", code=refused.code, action_id=str(action.action_id))
            is_locked = False
        if not is_locked:
            return 0
        action = await _note_lock(parts, action, CallLock.LOCKED, size=await parts.ledger.size())
    size = early_of(action).locked_size
    ensure(size is not None, "a call under lock knows its size of the ledger")
    register = await parts.ledger.register(action.issue_id, size=size)
    rows = [r for r in register if r.position not in MIRROR_POSITIONS and r.position is not Position.LOCKED]
    holdings = [
        Holding(wallet_id=row.wallet, position=row.position.value, units=row.balance)
        for row in sorted(rows, key=lambda row: (row.wallet, row.position.value))
    ]
    async with parts.uow.begin() as tx:
        locked = await _lock_for_list(tx, parts, action)
        if locked is None:
            return 0
        terms = (await _terms(tx, parts, [locked]))[locked.issue_id]
        due_lines = unpaid_to(issue.issuer_wallet_id, call_lines(terms, locked, holdings))
        await _keep_list(tx, parts, locked, int(size or 0), due_lines)
    return 1


async def _lock_for_list(tx: Transaction, parts: Parts, action: CorporateAction) -> CorporateAction | None:
    await parts.issues.lock(tx.conn, [action.issue_id])
    locked = (await parts.actions.lock(tx.conn, [action.action_id])).get(action.action_id)
    return locked if locked is not None and locked.state is ActionState.APPROVED else None


async def _note_lock(
    parts: Parts, action: CorporateAction, lock: CallLock, *, size: int | None = None
) -> CorporateAction:
    async with parts.uow.begin() as tx:
        locked = (await parts.actions.lock(tx.conn, [action.action_id]))[action.action_id]
        early = early_of(locked)
        if early.lock is lock:
            return locked
        changed = locked.changed(
            early=msgspec.structs.replace(early, lock=lock, locked_size=early.locked_size if size is None else size)
        )
        await parts.actions.save(tx.conn, [changed])
        return changed


async def _lock(issue: Issue, call: CorporateAction, parts: Parts) -> bool:
    """Lock the accounts of a call; False while something that it ends has not come back to them yet.

    A call of all units ends what holders have put for a later day: these units go back, under the lock.
    """
    await lock_accounts(issue, call, parts)
    if early_of(call).units_max is not None:
        return True
    async with parts.database.connect() as conn:
        of_issue = await parts.actions.of_issue(conn, call.issue_id)
    later = [a.action_id for a in of_issue if a.kind in BY_HOLDERS and a.nominal_on > call.nominal_on]
    await resume_instructions(parts=parts, of_actions=later)
    async with parts.uow.begin() as tx:
        await parts.issues.lock(tx.conn, [call.issue_id])
        await parts.actions.lock(tx.conn, later)
        waiting = await parts.instructions.lock_of_actions(tx.conn, later, ["locked"])
        moves: list[tuple[Instruction, str, Mapping[str, Any]]] = [
            (one, "lapsed", {"release_units": one.units}) for one in waiting
        ]
        await move_instructions(tx, parts, moves, actor=SMART_CONTRACT)
    await resume_instructions(parts=parts)
    # What came back may lie on an account that was empty, and not locked, before.
    await lock_accounts(issue, call, parts)
    async with parts.uow.begin() as tx:
        states = [state.value for state in InstructionState]
        open_ones = await parts.instructions.lock_of_actions(tx.conn, later, states)
    return all(_is_at_rest(one) for one in open_ones)


def _is_at_rest(one: Instruction) -> bool:
    if one.state in (InstructionState.ASKED, InstructionState.LOCKED):
        return False
    return one.release_units == 0 or one.release_seq is not None


async def _keep_list(
    tx: Transaction, parts: Parts, action: CorporateAction, size: int, due_lines: Sequence[PayoutLine]
) -> None:
    split = [due_lines[i : i + LINES_PER_PART] for i in range(0, len(due_lines), LINES_PER_PART)]
    await parts.actions.add_lines(tx.conn, action.action_id, split)
    changes = {
        "record_size": size,
        "holders": len({line.wallet_id for line in due_lines}),
        "total_kopecks": sum(line.amount_kopecks for line in due_lines),
        "parts": len(split),
        "early": msgspec.structs.replace(early_of(action), units=sum(line.extinguish_units for line in due_lines)),
    }
    [listed] = await move_actions(tx, parts, [(action, "list_taken", changes)])
    called = {"reserved_kopecks": listed.total_kopecks}
    await move_actions(tx, parts, [(listed, "funding_called", called)], actor=SCHEDULER)


async def _tell_performed(parts: Parts) -> None:
    async with parts.database.connect() as conn:
        paid = await parts.instructions.paid_with_taken(conn, _BATCH)
    for action in paid:
        async with parts.uow.begin() as tx:
            await parts.actions.lock(tx.conn, [action.action_id])
            taken = await parts.instructions.lock_of_actions(tx.conn, [action.action_id], ["taken"])
            moves: list[tuple[Instruction, str, Mapping[str, Any]]] = [(one, "performed", {}) for one in taken]
            await move_instructions(tx, parts, moves, actor=SMART_CONTRACT)


async def _free(parts: Parts) -> None:
    """Let go the accounts from which a part call takes nothing, or all when the call is cancelled."""
    async with parts.database.connect() as conn:
        held = await parts.instructions.to_free(conn, _BATCH)
    with apart("call_unlock") as steps:
        for action in held:
            await steps.take(action.action_id, _free_one(action, parts))


async def _free_one(action: CorporateAction, parts: Parts) -> int:
    await free_accounts(action, parts)
    await _note_lock(parts, action, CallLock.FREED)
    return 1


async def _conclude(parts: Parts) -> int:
    """Every unit ended early: what was planned for later days is void, and the issue is redeemed."""
    async with parts.database.connect() as conn:
        ended = await parts.instructions.ended(conn, _BATCH)
    moved = 0
    for issue_id in ended:
        async with parts.uow.begin() as tx:
            issue = (await parts.issues.lock(tx.conn, [issue_id]))[issue_id]
            actions = await parts.actions.of_issue(tx.conn, issue_id)
            locked = await parts.actions.lock(tx.conn, [action.action_id for action in actions])
            last_on = max(a.nominal_on for a in locked.values() if a.early is not None and a.state in _DONE)
            void = [a for a in locked.values() if a.state in _NOT_BEGUN and a.nominal_on > last_on]
            await move_actions(tx, parts, [(action, "voided", {}) for action in void])
            left = [a for a in locked.values() if a.state not in _DONE and a not in void]
            if not left:
                moved += await _redeem(tx, parts, issue)
    return moved


async def _redeem(tx: Transaction, parts: Parts, issue: Issue) -> int:
    if issue.state is IssueState.CIRCULATING:
        [issue] = await move_issues(tx, parts, [(issue, "redemption_started", {})], actor=SCHEDULER)
    await move_issues(tx, parts, [(issue, "redeemed", {})], actor=SMART_CONTRACT)
    return 1
