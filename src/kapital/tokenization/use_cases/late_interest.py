"""The interest of being late: what is paid in the days of grace carries it up to the day of the money."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.shortfall import AlikeLines
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.instruct_payouts import payer_of
from kapital.tokenization.use_cases.payout_reserves import available_money, frozen_payers, set_aside
from kapital.tokenization.use_cases.steps import move_actions

_BATCH: Final = 1000


async def accrue_late_interest(now: datetime, parts: Parts) -> None:
    """Keep the interest of the day of each payment in grace that bears it; call for the whole once it is there.

    Promise: a sum that the ledger may have been asked for is not changed before the ledger refused it under the
    action's row lock; what it had set aside already was there in time and carries no interest.
    Law: 259-FZ art. 3 (the decision says it [M]); scenario 36.
    Not: interest without a clause in the decision; the general rule on money that is overdue is for a court to apply.
    """
    today = moscow_day(now)
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, (ActionState.GRACE,), "overdue_at", now, _BATCH)
        due = [action for action in due if _runs(action)]
        if not due:
            return
        issues = await parts.issues.read(tx.conn, {action.issue_id for action in due})
        payers = {action.action_id: payer_of(issues[action.issue_id]) for action in due}
        frozen = await frozen_payers(set(payers.values()), parts)
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
        running = [one for action in due if _runs(one := locked[action.action_id])]
        # Asked for before the days of grace began, without interest. Of a frozen issuer it is only learnt whether it
        # stands: what does is paid when the freeze ends, and what does not is late.
        before = [one for one in running if one.reserved_kopecks is not None]
        asked = await set_aside(before, issues, parts, frozen_too=True)
        in_time = [one for one in before if one.action_id in asked.funded and payers[one.action_id] not in frozen]
        await move_actions(tx, parts, [(one, "funded", {}) for one in in_time])
        running = [one for one in running if one.reserved_kopecks is None or one.action_id in asked.refused]
        has = await available_money({payers[one.action_id] for one in running} - frozen, parts)
        changed = []
        for one in running:
            accrued = one if one.late_on == today else await _accrued(tx, parts, one, today)
            enough = has.get(payers[one.action_id], 0) >= accrued.needed_kopecks
            if enough or accrued is not one:
                needed = accrued.needed_kopecks if enough else None
                changed.append(
                    one.changed(late_on=accrued.late_on, late_kopecks=accrued.late_kopecks, reserved_kopecks=needed)
                )
        await parts.actions.save(tx.conn, changed)


async def with_late_interest(tx: Transaction, parts: Parts, action: CorporateAction) -> dict[str, Any]:
    """Add the interest to the lines of an action whose money is set aside with it; what changes of the action."""
    if action.late_on is None:
        return {}
    interest = _of_amounts(action, await parts.shares.alike(tx.conn, action.action_id), action.late_on)
    added = await parts.shares.add_interest(tx.conn, action.action_id, interest)
    ensure(added == action.late_kopecks, "the interest of the lines is what was set aside for it")
    return {"late_on": None, "total_kopecks": action.total_kopecks + added}


def _runs(action: CorporateAction) -> bool:
    """Whether its interest runs, or is to begin, and the ledger is not being asked for it."""
    if action.state is not ActionState.GRACE or not action.bears_interest:
        return False
    return action.awaits_interest or (action.late_on is not None and action.reserved_kopecks is None)


async def _accrued(tx: Transaction, parts: Parts, action: CorporateAction, today: date) -> CorporateAction:
    alike = await parts.shares.alike(tx.conn, action.action_id)
    of_amount = _of_amounts(action, alike, today)
    late = sum(of_amount[one.amount_kopecks] * one.lines for one in alike)
    return action.changed(late_on=today, late_kopecks=late)


def _of_amounts(action: CorporateAction, alike: Sequence[AlikeLines], on: date) -> dict[int, int]:
    rules = action.arrears
    ensure(rules is not None, "interest rests on the decision")
    if rules is None:
        return {}
    return {one.amount_kopecks: rules.late_interest(one.amount_kopecks, action.pay_by_on, on) for one in alike}
