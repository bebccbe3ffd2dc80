"""Who held the units at the record moment, and what each is due: taken from the ledger in pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kapital.ledger.api import Position, RegisterPage, RegisterRow
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.payoff import Holding, PayoutLine, UnitPayout
from kapital.tokenization.domain.payout_lines import lines_of_page, unpaid_to
from kapital.tokenization.domain.problems_life import ActionMustBeCalculable
from kapital.tokenization.domain.record_list import RecordList, cut_into_parts
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.domain.terms import IssuanceTerms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.apart import apart
from kapital.tokenization.use_cases.steps import SCHEDULER, move_actions
from kapital.tokenization.use_cases.unit_payouts import terms_of, unit_payouts

_BATCH: Final = 1000
ACCOUNTS_PER_PAGE: Final = 5000
PAGES_PER_TICK: Final = 20
"""A longer list goes on at the next tick, so that one large issue does not hold up the schedule of all others."""


async def take_record_lists(now: datetime, *, parts: Parts) -> int:
    """APPROVED to FUNDING_CALLED: take the lists that are due; returns how many actions moved.

    Law: 259-FZ art. 4 (the right passes with the record): who is paid is decided by the order of the records up to
    `record_at`, whenever the list is taken (scenario 34).
    A list that is refused stays APPROVED and holds up no other (metric `kapital_steps_stopped`). So does one whose
    payment would come out otherwise than it was calculated: by another calendar, say.
    Promise: each page is kept in one transaction with the place where the next one goes on. A process that dies
    between two pages, or several that take one list at once, leave every wallet in it once.
    """
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (ActionState.APPROVED,), "record_at", now, _BATCH)
        issues = await parts.issues.read(tx.conn, {action.issue_id for action in due})
        due = [a for a in due if a.early is None and _may_take_list(a, issues[a.issue_id])]
        units = await unit_payouts(tx, parts, due)
        terms = await terms_of(tx, parts, {action.issue_id for action in due})
    moved = 0
    with apart("record_list") as steps:
        for action in due:
            issue, unit = issues[action.issue_id], units.get(action.action_id)
            moved += await steps.take(action.action_id, _take(parts, action, issue, terms[issue.issue_id], unit))
    return moved


def _may_take_list(action: CorporateAction, issue: Issue) -> bool:
    # With a transfer lock the list of the redemption is taken after the lock is in the ledger.
    needs_lock = action.kind is ActionKind.REDEMPTION and issue.transfer_lock
    return issue.locked_at is not None or not needs_lock


async def _take(
    parts: Parts, action: CorporateAction, issue: Issue, terms: IssuanceTerms, unit: UnitPayout | None
) -> int:
    """Take up to PAGES_PER_TICK pages of one list; 1 when that was the end of it.

    Raises: ActionMustBeCalculable, AmountOutOfRange.
    """
    # Calculated anew for its exact amount: what was announced, and perhaps approved by two, is what is paid.
    if unit is None or unit.explanation != action.explanation:
        raise ActionMustBeCalculable
    size = await parts.ledger.size_at(action.record_at)
    async with parts.uow.begin() as tx:
        so_far = await parts.record_lists.lock_or_begin(tx.conn, action.action_id, size)
    for _ in range(PAGES_PER_TICK):
        page = await parts.ledger.register_page(
            issue.issue_id, size=so_far.record_size, after=so_far.after_wallet, limit=ACCOUNTS_PER_PAGE
        )
        holdings = _holdings(issue, action, page.rows)
        due_lines = unpaid_to(issue.issuer_wallet_id, lines_of_page(terms, unit, holdings))
        kept = await _keep(parts, so_far, page, holdings, due_lines)
        if kept is None:
            return 0  # another process ended the list
        if kept.after_wallet is None:
            return 1
        so_far = kept
    return 0


def _holdings(issue: Issue, action: CorporateAction, register: Sequence[RegisterRow]) -> list[Holding]:
    """Who is paid, and whose units end: those of the issuer's own end with all others, and it is paid nothing."""
    is_redemption = action.kind is ActionKind.REDEMPTION
    if is_redemption:
        # What is locked ends by the put or the offer for which it is locked, and by nothing else.
        register = [row for row in register if row.position is not Position.LOCKED]
    return [
        Holding(wallet_id=row.wallet, position=row.position.value, units=row.balance)
        for row in register
        if is_redemption or row.wallet != issue.issuer_wallet_id
    ]


async def _keep(
    parts: Parts,
    so_far: RecordList,
    page: RegisterPage,
    holdings: Sequence[Holding],
    due_lines: Sequence[PayoutLine],
) -> RecordList | None:
    """Keep a page, and with the last one call for the money; None when the action is not being listed any more."""
    async with parts.uow.begin() as tx:
        locked = (await parts.actions.lock(tx.conn, [so_far.action_id])).get(so_far.action_id)
        if locked is None or locked.state is not ActionState.APPROVED:
            return None
        stands = await parts.record_lists.lock_or_begin(tx.conn, so_far.action_id, so_far.record_size)
        if stands != so_far:
            return stands  # another process kept this page; go on from where it stands
        cut = cut_into_parts(due_lines)
        taken = so_far.taken(holdings, cut, page.last_wallet)
        await parts.actions.add_lines(tx.conn, so_far.action_id, cut, first=so_far.parts + 1)
        await parts.record_lists.save(tx.conn, taken)
        if page.last_wallet is None:
            changes = {
                "record_size": taken.record_size,
                "holders": taken.holders,
                "total_kopecks": taken.total_kopecks,
                "parts": taken.parts,
            }
            listed = await move_actions(tx, parts, [(locked, "list_taken", changes)])
            called = {"reserved_kopecks": taken.total_kopecks}
            await move_actions(tx, parts, [(listed[0], "funding_called", called)], actor=SCHEDULER)
    return taken
