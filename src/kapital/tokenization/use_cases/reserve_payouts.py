"""The issuer's money for a payment is set aside before its first part, so that every part of it finds its money."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kapital.kernel.problems import ensure
from kapital.ledger.api import Committed
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.instruct_payouts import payer_of
from kapital.tokenization.use_cases.late_interest import with_late_interest
from kapital.tokenization.use_cases.payout_reserves import release_entry, reserve_entry, set_aside
from kapital.tokenization.use_cases.steps import move_actions

_BATCH: Final = 1000
_UNPAID: Final = (ActionState.FUNDING_CALLED, ActionState.UNDERFUNDED, ActionState.GRACE)
_Moves = list[tuple[CorporateAction, str, Mapping[str, Any]]]

_log = get_logger(__name__)


async def reserve_payouts(now: datetime, parts: Parts) -> int:
    """FUNDED is whose money is set aside, in order of payment; whose money is too little or frozen is UNDERFUNDED.

    Returns how many are FUNDED. What the ledger refuses for a reason that is not the issuer's – its books are on
    hold, say – stays as it is and is asked for at the next tick: an issuer that has the money is in no default.
    Money that a freeze holds is not set aside; when the freeze ends the next tick goes on (115-FZ art. 7).
    Promise: the ledger's entry has an id derived from the action, so asking again sets nothing aside twice. The
    ledger is asked under the actions' row locks: what is cancelled is cancelled before it or after.
    """
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, _UNPAID, "pay_at", now, _BATCH)
        if not due:
            return 0
        issues = await parts.issues.read(tx.conn, {action.issue_id for action in due})
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
        unpaid = [one for action in due if (one := locked[action.action_id]).state in _UNPAID]
        waiting = [known for action in unpaid if (known := await _with_amount(tx, action, parts)) is not None]
        asked = await set_aside(waiting, issues, parts)
        if asked.funded:
            failpoint("tokenization.payout.set_aside")
        moves: _Moves = [
            (action, "funded", await with_late_interest(tx, parts, action))
            for action in waiting
            if action.action_id in asked.funded
        ]
        short = asked.frozen | asked.refused
        moves += [
            (action, "shortfall", {})
            for action in waiting
            if action.action_id in short and action.state is ActionState.FUNDING_CALLED
        ]
        await move_actions(tx, parts, moves)
        # The issuer took it away meanwhile: the interest runs on, and the whole is called for when it is there again.
        gone = [one for one in waiting if one.late_on is not None and one.action_id in asked.refused]
        await parts.actions.save(tx.conn, [one.changed(reserved_kopecks=None) for one in gone])
    if asked.funded:
        failpoint("tokenization.payout.reserved")
    return len(asked.funded)


async def _with_amount(tx: Transaction, action: CorporateAction, parts: Parts) -> CorporateAction | None:
    """The action with the amount to set aside; None while it is not to be asked for.

    That is while a share of it is being decided (`share_shortfalls`), while its interest runs and the issuer has too
    little (`accrue_late_interest`), and while parts of it are on their way from free money: of payments that had
    begun before money was set aside, and were refused.
    """
    if action.share_kopecks or action.awaits_interest:
        return None
    if action.reserved_kopecks is not None:
        return action
    if action.late_on is not None or await parts.actions.count_parts(tx.conn, action.action_id, "instructed"):
        return None
    known = action.changed(reserved_kopecks=action.total_kopecks - action.paid_kopecks)
    await parts.actions.save(tx.conn, [known])
    return known


async def release_reserves(parts: Parts) -> None:
    """Give the issuer back what is set aside for payments that will not be made any more.

    Promise: whether it was set aside the ledger tells, asked once more for the same entry under the action's row
    lock; what it refuses now was never entered, and nobody asks for it after.
    """
    async with parts.database.connect() as conn:
        idle = await parts.actions.idle_reserves(conn, _BATCH)
    for action in idle:
        async with parts.uow.begin() as tx:
            issues = await parts.issues.lock(tx.conn, [action.issue_id])
            locked = (await parts.actions.lock(tx.conn, [action.action_id]))[action.action_id]
            if locked.version != action.version:
                continue  # somebody moved it; the next tick looks again
            if await _give_back(locked, issues[action.issue_id], parts):
                await parts.actions.save(tx.conn, [locked.changed(reserved_kopecks=0, share_kopecks=0)])


async def _give_back(action: CorporateAction, issue: Issue, parts: Parts) -> bool:
    payer = payer_of(issue)
    [stands] = await parts.ledger.post([reserve_entry(action, payer)])
    # What was paid before money was set aside is in neither.
    left = action.needed_kopecks
    ensure(left >= 0, "no more is paid than is due")
    if not isinstance(stands, Committed) or not left:
        return True
    [answer] = await parts.ledger.post([release_entry(action, payer, left)])
    if isinstance(answer, Committed):
        return True
    _log.warning("tokenization.reserve_not_released", code=answer.code, action_id=str(action.action_id))
    return False
