"""The last day to pay is over and the money is too little: where the decision says so, what there is is shared.

What is shared is paid as any payment; what is not is an action of its own, of the same list, in the days of grace.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.ledger.api import Committed
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.shortfall import share_out
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.apart import apart
from kapital.tokenization.use_cases.instruct_payouts import payer_of
from kapital.tokenization.use_cases.payout_reserves import OF_THE_ISSUER, available_money, reserve_entry, set_aside
from kapital.tokenization.use_cases.steps import SCHEDULER, move_actions, move_issue

_BATCH: Final = 1000
_SHORT: Final = (ActionState.UNDERFUNDED,)
IN_TIME: Final = frozenset({IssueState.CIRCULATING, IssueState.REDEEMING})
"""States of an issue that a missed payment brings into technical default."""

_log = get_logger(__name__)


async def share_shortfalls(now: datetime, parts: Parts) -> int:
    """Share the money of payments whose last day is over, once each; returns how many are shared.

    Promise: how much is shared is kept before the ledger is asked for it, and changed only after it was refused
    under the action's row lock: a process that dies in between is gone on from with the same sum and the same entry.
    What the issuer takes away between the two is not waited for: then nothing is shared, and the days of grace begin.
    Law: 259-FZ art. 3 (the decision says what becomes of a payment that is late [M]); scenario 35.
    """
    await _note_shares(now, parts)
    async with parts.database.connect() as conn:
        due = await parts.actions.due(conn, _SHORT, "overdue_at", now, _BATCH)
    shared = 0
    with apart("payout_share") as steps:
        for action in due:
            if action.share_kopecks:
                shared += await steps.take(action.action_id, _share(action, parts))
    return shared


def is_decided(action: CorporateAction) -> bool:
    """Whether nothing is to be shared of it any more: only then the days of grace begin for it."""
    return not action.shares_money or action.share_kopecks == 0


async def _note_shares(now: datetime, parts: Parts) -> None:
    async with parts.uow.begin() as tx:
        due = await parts.actions.due(tx.conn, _SHORT, "overdue_at", now, _BATCH)
        due = [action for action in due if action.shares_money and action.share_kopecks is None]
        if not due:
            return
        issues = await parts.issues.read(tx.conn, {action.issue_id for action in due})
        locked = await parts.actions.lock(tx.conn, [action.action_id for action in due])
        undecided = [
            one for action in due if (one := locked[action.action_id]).state in _SHORT and one.share_kopecks is None
        ]
        whole = [action for action in undecided if await _is_untouched(tx, action, parts)]
        asked = await set_aside(whole, issues, parts)
        funded = [action for action in whole if action.action_id in asked.funded]
        await move_actions(tx, parts, [(action, "funded", {}) for action in funded])
        decided = [_without_share(a) for a in undecided if a not in whole or a.action_id in asked.frozen]
        short = [action for action in whole if action.action_id in asked.refused]
        decided += await _noted(short, issues, parts)
        await parts.actions.save(tx.conn, decided)


async def _is_untouched(tx: Transaction, action: CorporateAction, parts: Parts) -> bool:
    """Whether no part of it was paid or is on its way: of a payment that had begun the whole is set aside."""
    begun = [await parts.actions.count_parts(tx.conn, action.action_id, state) for state in ("instructed", "settled")]
    return action.paid_kopecks == 0 and not any(begun)


async def _noted(short: list[CorporateAction], issues: Mapping[UUID, Issue], parts: Parts) -> list[CorporateAction]:
    """Each with what the issuer has for it, in order of payment."""
    payers = {action.action_id: payer_of(issues[action.issue_id]) for action in short}
    left = await available_money(payers.values(), parts)
    noted = []
    for action in short:
        has = left[payers[action.action_id]]
        if has >= action.total_kopecks:
            continue  # it came this moment; the next tick sets the whole aside
        left[payers[action.action_id]] -= max(0, has)
        noted.append(action.changed(share_kopecks=has, reserved_kopecks=has) if has > 0 else _without_share(action))
    return noted


def _without_share(action: CorporateAction) -> CorporateAction:
    return action.changed(share_kopecks=0)


async def _share(action: CorporateAction, parts: Parts) -> int:
    """Set aside what was noted, and split the payment; 0 when the issuer has taken it away."""
    async with parts.uow.begin() as tx:
        issue = (await parts.issues.lock(tx.conn, [action.issue_id]))[action.issue_id]
        locked = (await parts.actions.lock(tx.conn, [action.action_id]))[action.action_id]
        if locked.state not in _SHORT or not locked.share_kopecks:
            return 0
        # Asked of a frozen issuer too: whether the entry stands already only the ledger knows.
        [answer] = await parts.ledger.post([reserve_entry(locked, payer_of(issue))])
        if not isinstance(answer, Committed):
            if answer.code in OF_THE_ISSUER:
                dropped = _without_share(locked)
                due = locked.total_kopecks - locked.paid_kopecks
                await parts.actions.save(tx.conn, [msgspec.structs.replace(dropped, reserved_kopecks=due)])
            else:
                _log.error("tokenization.reserve_refused", code=answer.code, action_id=str(locked.action_id))
            return 0
        failpoint("tokenization.payout.set_aside")
        await _split(tx, parts, issue, locked, locked.share_kopecks)
    failpoint("tokenization.payout.reserved")
    return 1


async def _split(tx: Transaction, parts: Parts, issue: Issue, action: CorporateAction, share: int) -> None:
    """The action becomes the payment of its share; what stays due becomes an action in the days of grace."""
    shares = share_out(share, await parts.shares.alike(tx.conn, action.action_id))
    of_issue = await parts.actions.of_issue(tx.conn, action.issue_id)
    rest = _rest(action, share, number=max(one.number for one in of_issue) + 1)
    ensure(await parts.actions.add(tx.conn, [rest]) == {rest.action_id}, "a payment is split once")
    paid, due = await parts.shares.split(tx.conn, action.action_id, rest.action_id, shares)
    ensure((paid.total_kopecks, due.total_kopecks) == (share, rest.total_kopecks), "shares and rest are the whole")
    changes = {
        "total_kopecks": paid.total_kopecks,
        "parts": paid.parts,
        "holders": paid.holders,
        "share_kopecks": 0,
    }
    basis = {"rest_action_id": str(rest.action_id), "rest_kopecks": due.total_kopecks}
    await move_actions(tx, parts, [(action, "share_set_aside", changes)], basis=basis)
    counted = {"parts": due.parts, "holders": due.holders}
    basis = {"rest_of": str(action.action_id)}
    await move_actions(tx, parts, [(rest, "payment_missed", counted)], actor=SCHEDULER, basis=basis)
    if issue.state in IN_TIME:
        await move_issue(tx, parts, issue, "payment_missed", actor=SCHEDULER)


def _rest(action: CorporateAction, share: int, *, number: int) -> CorporateAction:
    due = action.total_kopecks - share
    return msgspec.structs.replace(
        action,
        action_id=derive_uuid7(action.action_id, "rest"),
        number=number,
        needs=[],
        needs_outcome=False,
        version=1,
        total_kopecks=due,
        # With interest it is asked for when the issuer has the whole, of that day.
        reserved_kopecks=None if action.bears_interest else due,
        rest_of=action.action_id,
        share_kopecks=0,
    )
