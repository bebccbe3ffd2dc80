"""Bring corporate actions on their way: outside values, list of holders, money, payment, arrears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kapital.kernel.problems import InvariantBroken, Problem, ensure
from kapital.ledger.api import (
    MIRROR_POSITIONS,
    AccountKey,
    AssetKind,
    Position,
    RegisterRow,
    SetFreeze,
    money_asset,
)
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction, OpenPart
from kapital.tokenization.domain.evaluator import per_unit
from kapital.tokenization.domain.events import LINES_PER_PART, PAYOUTS_INSTRUCTED, Fact
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.payoff import Holding, PayoutLine, UnitPayout, lines
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.note_settlement import conclude_payment
from kapital.tokenization.use_cases.steps import SCHEDULER, move_actions, move_issues, tell

_BATCH = 1000
_WAITING_MAX = 20_000
_LINES_PER_TRANSACTION = 20_000
_UNPAID = (ActionState.FUNDING_CALLED, ActionState.UNDERFUNDED, ActionState.GRACE)

_Moves = list[tuple[CorporateAction, str, Mapping[str, Any]]]


async def advance_actions(now: datetime, *, parts: Parts) -> int:
    """Make every step that is due; returns how many actions moved.

    Law: 259-FZ art. 4 (records are extinguished on performance); domain.md 3.6.
    Promise: each step is decided under the action's row lock by its state, so calling again, late, or in several
    processes at once moves nothing twice. The list of holders is the one at `record_at`, whenever it is taken.
    """
    return (
        await _begin_fixing(now, parts)
        + await _calculate(now, parts)
        + await _take_lists(now, parts)
        + await _pay(now, parts)
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
    """FIXING to APPROVED, for the actions whose every outside value is confirmed; the others wait, visibly."""
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (ActionState.FIXING,), "fixing_at", now, _WAITING_MAX)
        waiting = [action for action in due if action.early is None]
        units = await _unit_payouts(tx, parts, waiting)
        locked = await parts.actions.lock(tx.conn, units)
        ready = [action for action in locked.values() if action.state is ActionState.FIXING]
        moves: _Moves = [
            (action, "calculated", {"explanation": units[action.action_id].explanation}) for action in ready
        ]
        calculated = await move_actions(tx, parts, moves)
        await move_actions(tx, parts, [(action, "approved", {}) for action in calculated])
    return len(ready)


async def _unit_payouts(tx: Transaction, parts: Parts, actions: Sequence[CorporateAction]) -> dict[UUID, UnitPayout]:
    """What one unit is paid by each action whose outside values are all known."""
    wanted = {(need.series, need.observed_on) for action in actions for need in action.needs}
    values = await parts.fixings.confirmed(tx.conn, wanted) if wanted else {}
    outcomes = await parts.fixings.outcomes(tx.conn, {a.issue_id for a in actions if a.needs_outcome})
    known = [
        action
        for action in actions
        if all((need.series, need.observed_on) in values for need in action.needs)
        and (not action.needs_outcome or action.issue_id in outcomes)
    ]
    terms = await _terms(tx, parts, {action.issue_id for action in known})
    units = {}
    for action in known:
        try:
            units[action.action_id] = per_unit(
                terms[action.issue_id],
                action.scheduled,
                values,
                outcomes.get(action.issue_id),
                calendar=parts.calendar,
            )
        except Problem as problem:
            # One value that cannot be used must not hold back the payments of other issues.
            get_logger("kapital.tokenization").warning(
                "tokenization.action_not_calculated", code=problem.code, action_id=str(action.action_id)
            )
    return units


async def _terms(tx: Transaction, parts: Parts, issue_ids: set[UUID]) -> dict[UUID, IssuanceTerms]:
    decisions = await parts.issues.decisions(tx.conn, issue_ids)
    return {issue_id: load_terms(decision.terms) for issue_id, decision in decisions.items()}


async def _take_lists(now: datetime, parts: Parts) -> int:
    """APPROVED to FUNDING_CALLED: who held the units at the record moment, and what each is due."""
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (ActionState.APPROVED,), "record_at", now, _BATCH)
        issues = await parts.issues.read(tx.conn, {action.issue_id for action in due})
        due = [a for a in due if a.early is None and _may_take_list(a, issues[a.issue_id])]
        units = await _unit_payouts(tx, parts, due)
        terms = await _terms(tx, parts, {action.issue_id for action in due})
    moved = 0
    for action in due:
        if action.action_id not in units:
            raise InvariantBroken(f"action {action.action_id} was calculated and can no longer be")
        issue = issues[action.issue_id]
        size = await parts.ledger.size_at(action.record_at)
        register = await parts.ledger.register(issue.issue_id, size=size)
        holdings = _holdings(issue, action, register)
        due_lines = [
            line
            for line in lines(terms[issue.issue_id], units[action.action_id], holdings)
            if line.amount_kopecks or line.extinguish_units
        ]
        moved += await _keep_list(parts, action, size, holdings, due_lines)
    return moved


def _may_take_list(action: CorporateAction, issue: Issue) -> bool:
    # With a transfer lock the list of the redemption is taken after the lock is in the ledger.
    needs_lock = action.kind is ActionKind.REDEMPTION and issue.transfer_lock
    return issue.locked_at is not None or not needs_lock


def _holdings(issue: Issue, action: CorporateAction, register: Sequence[RegisterRow]) -> list[Holding]:
    """Who is paid: mirror accounts are nobody, and the issuer owes itself nothing."""
    held = [row for row in register if row.position not in MIRROR_POSITIONS]
    if action.kind is ActionKind.REDEMPTION:
        # What is locked ends by the put or the offer for which it is locked, and by nothing else.
        held = [row for row in held if row.position is not Position.LOCKED]
    own = sum(row.balance for row in held if row.wallet == issue.issuer_wallet_id)
    ensure(own == 0 or action.kind is not ActionKind.REDEMPTION, "the issuer holds own units at their redemption")
    return [
        Holding(wallet_id=row.wallet, position=row.position.value, units=row.balance)
        for row in sorted(held, key=lambda row: (row.wallet, row.position.value))
        if row.wallet != issue.issuer_wallet_id
    ]


async def _keep_list(
    parts: Parts,
    action: CorporateAction,
    size: int,
    holdings: Sequence[Holding],
    due_lines: Sequence[PayoutLine],
) -> int:
    split = [due_lines[i : i + LINES_PER_PART] for i in range(0, len(due_lines), LINES_PER_PART)]
    async with parts.uow.begin() as tx:
        locked = (await parts.actions.lock(tx.conn, [action.action_id])).get(action.action_id)
        if locked is None or locked.state is not ActionState.APPROVED:
            return 0
        await parts.actions.add_lines(tx.conn, action.action_id, split)
        changes = {
            "record_size": size,
            "holders": len({holding.wallet_id for holding in holdings}),
            "total_kopecks": sum(line.amount_kopecks for line in due_lines),
            "parts": len(split),
        }
        frozen = await move_actions(tx, parts, [(locked, "list_taken", changes)])
        await move_actions(tx, parts, [(frozen[0], "funding_called", {})], actor=SCHEDULER)
    return 1


async def _pay(now: datetime, parts: Parts) -> int:
    """Instruct the actions that the issuer's money covers, in order of payment; mark the others UNDERFUNDED.

    Money that a freeze holds covers nothing; when the freeze ends the next tick goes on (115-FZ art. 7).
    The look at the balance saves settlement a hopeless try at every tick; the ledger remains the wall.
    """
    async with parts.database.connect() as conn:
        due = await parts.actions.due(conn, _UNPAID, "pay_at", now, _BATCH)
        issues = await parts.issues.read(conn, {action.issue_id for action in due})
        open_parts = _by_action(await parts.actions.open_parts(conn, [action.action_id for action in due]))
    if not due:
        return 0
    free = await _free_money(parts, issues)
    funded, short = [], []
    for action in due:
        wallet = _payer(issues[action.issue_id])
        needed = sum(part.amount_kopecks for part in open_parts.get(action.action_id, ()))
        if needed <= free[wallet]:
            free[wallet] -= needed
            funded.append(action)
        elif action.state is ActionState.FUNDING_CALLED:
            short.append(action)
    moved = 0
    for group in _groups(funded):
        async with parts.uow.begin() as tx:
            moved += await _instruct(tx, parts, group)
    async with parts.uow.begin() as tx:
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in short])
        moves: _Moves = [(a, "shortfall", {}) for a in locked.values() if a.state is ActionState.FUNDING_CALLED]
        await move_actions(tx, parts, moves)
    return moved + len(moves)


async def _free_money(parts: Parts, issues: Mapping[UUID, Issue]) -> dict[UUID, int]:
    wallets = sorted({_payer(issue) for issue in issues.values()})
    money = money_asset()
    balances = await parts.ledger.balances([AccountKey(money, Position.AVAILABLE, wallet) for wallet in wallets])
    async with parts.database.connect() as conn:
        in_flight = await parts.actions.in_flight(conn, wallets)
    frozen = {found.freeze.wallet for found in await parts.ledger.freezes(wallets) if _holds_money(found.freeze)}
    free = {w: b - in_flight.get(w, 0) for w, b in zip(wallets, balances, strict=True)}
    return {w: min(kopecks, 0) if w in frozen else kopecks for w, kopecks in free.items()}


def _holds_money(freeze: SetFreeze) -> bool:
    # An allowance is what two persons let the holder have; no payout is made of it.
    of_money = freeze.asset in (None, money_asset()) and freeze.kind in (None, AssetKind.MONEY)
    return freeze.debits_stopped and of_money


async def _instruct(tx: Transaction, parts: Parts, group: Sequence[CorporateAction]) -> int:
    issues = await parts.issues.lock(tx.conn, {action.issue_id for action in group})
    locked = await parts.actions.lock(tx.conn, [action.action_id for action in group])
    ready = [action for action in locked.values() if action.state in _UNPAID]
    open_parts = _by_action(await parts.actions.open_parts(tx.conn, [action.action_id for action in ready]))
    funded = await move_actions(tx, parts, [(action, "funded", {}) for action in ready])
    paying = await move_actions(tx, parts, [(action, "instructed", {}) for action in funded])
    keys = [(part.action_id, part.part) for of_action in open_parts.values() for part in of_action]
    told = await parts.actions.lines(tx.conn, keys)
    await parts.actions.set_parts(tx.conn, keys, "instructed")
    for action in paying:
        issue = issues[action.issue_id]
        for part in open_parts.get(action.action_id, ()):
            await tell(tx, [_instruction(action, issue, part, told[part.action_id, part.part])])
    # Nobody held a unit, or nothing is due: there is nothing for settlement to do, and it is not asked.
    empty = [action for action in paying if action.action_id not in open_parts]
    for action in await move_actions(tx, parts, [(action, "paid", {}) for action in empty]):
        issues = await parts.issues.lock(tx.conn, [action.issue_id])
        await conclude_payment(tx, parts, issues[action.issue_id])
    return len(paying)


def _instruction(action: CorporateAction, issue: Issue, part: OpenPart, due_lines: Sequence[PayoutLine]) -> Fact:
    redemption = action.kind is ActionKind.REDEMPTION
    return Fact(
        PAYOUTS_INSTRUCTED,
        issue.issue_id,
        {
            "action_id": action.action_id,
            "issue_id": issue.issue_id,
            "kind": action.kind.value,
            "part": part.part,
            "parts": action.parts,
            "payer_wallet_id": _payer(issue),
            "asset_id": issue.issue_id,
            "record_size": action.record_size,
            "debits_stopped": action.kind is ActionKind.CALL or (redemption and issue.locked_at is not None),
            "lines": [
                {
                    "wallet_id": line.wallet_id,
                    "position": line.position,
                    "units": line.units,
                    "amount_kopecks": line.amount_kopecks,
                    "extinguish_units": line.extinguish_units,
                }
                for line in due_lines
            ],
        },
    )


async def _note_arrears(now: datetime, parts: Parts) -> int:
    """UNDERFUNDED beyond the last day to pay is a technical default; beyond the days of grace, a default."""
    late = await _arrears(parts, ActionState.UNDERFUNDED, "overdue_at", now, "payment_missed", _TO_TECHNICAL)
    lost = await _arrears(parts, ActionState.GRACE, "grace_until_at", now, "grace_expired", _TO_DEFAULT)
    return late + lost


_TO_TECHNICAL = (frozenset({IssueState.CIRCULATING, IssueState.REDEEMING}), "payment_missed")
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
        ready = [action for action in locked.values() if action.state is state]
        await move_actions(tx, parts, [(action, on, {}) for action in ready], actor=SCHEDULER)
        hit = sorted({action.issue_id for action in ready})
        moves: list[tuple[Issue, str, Mapping[str, Any]]] = [
            (issues[i], issue_on, {}) for i in hit if issues[i].state in sources
        ]
        await move_issues(tx, parts, moves, actor=SCHEDULER)
    return len(ready)


def _payer(issue: Issue) -> UUID:
    ensure(issue.issuer_wallet_id is not None, "a published issue has its issuer's wallet")
    return UUID(str(issue.issuer_wallet_id))


def _by_action(open_parts: Sequence[OpenPart]) -> dict[UUID, list[OpenPart]]:
    found: dict[UUID, list[OpenPart]] = {}
    for part in open_parts:
        found.setdefault(part.action_id, []).append(part)
    return found


def _groups(actions: Sequence[CorporateAction]) -> Iterator[list[CorporateAction]]:
    """Neighbours whose lines fit one transaction together; a larger action stands alone."""
    group: list[CorporateAction] = []
    held = 0
    for action in actions:
        size = action.parts * LINES_PER_PART
        if group and held + size > _LINES_PER_TRANSACTION:
            yield group
            group, held = [], 0
        group.append(action)
        held += size
    if group:
        yield group
