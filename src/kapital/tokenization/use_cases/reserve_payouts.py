"""The issuer's money for a payment is set aside before its first part, so that every part of it finds its money.

It stands in the issuer's `reserved` position: the issuer has it, and cannot withdraw or spend it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    Position,
    Posting,
    SetFreeze,
    money_asset,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.instruct_payouts import payer_of
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_actions

_BATCH: Final = 1000
_UNPAID: Final = (ActionState.FUNDING_CALLED, ActionState.UNDERFUNDED, ActionState.GRACE)
_OF_THE_ISSUER: Final = frozenset({"balance_insufficient", "wallet_debits_frozen"})
"""Refusals of the ledger that tell of the issuer's money."""
_RESERVE: Final = "payout_reserve"
_RELEASE: Final = "payout_reserve_back"
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
        funded, short = await _set_aside(waiting, issues, parts)
        moves: _Moves = [(action, "funded", {}) for action in waiting if action.action_id in funded]
        moves += [
            (action, "shortfall", {})
            for action in waiting
            if action.action_id in short and action.state is ActionState.FUNDING_CALLED
        ]
        await move_actions(tx, parts, moves)
    return len(funded)


async def _with_amount(tx: Transaction, action: CorporateAction, parts: Parts) -> CorporateAction | None:
    """The action with the amount to set aside; None while parts of it are on their way from free money.

    Those are payments that had begun before money was set aside, and were refused.
    """
    if action.reserved_kopecks is not None:
        return action
    if await parts.actions.count_parts(tx.conn, action.action_id, "instructed"):
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
                await parts.actions.save(tx.conn, [locked.changed(reserved_kopecks=0)])


async def _set_aside(
    actions: Sequence[CorporateAction], issues: Mapping[UUID, Issue], parts: Parts
) -> tuple[set[UUID], set[UUID]]:
    """Those whose money is set aside, and those whose money is too little or frozen."""
    payers = {action.action_id: payer_of(issues[action.issue_id]) for action in actions}
    frozen = {
        found.freeze.wallet
        for found in await parts.ledger.freezes(sorted(set(payers.values())))
        if _holds_money(found.freeze)
    }
    # Where nobody is due anything, there is nothing to set aside.
    funded = {action.action_id for action in actions if action.reserved_kopecks == 0}
    asked = [a for a in actions if a.reserved_kopecks and payers[a.action_id] not in frozen]
    answers = await parts.ledger.post([_reserve(a, payers[a.action_id]) for a in asked]) if asked else []
    short = {action.action_id for action in actions if payers[action.action_id] in frozen} - funded
    for action, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Committed):
            funded.add(action.action_id)
        elif answer.code in _OF_THE_ISSUER:
            short.add(action.action_id)
        else:
            _log.error("tokenization.reserve_refused", code=answer.code, action_id=str(action.action_id))
    return funded, short


async def _give_back(action: CorporateAction, issue: Issue, parts: Parts) -> bool:
    payer = payer_of(issue)
    [stands] = await parts.ledger.post([_reserve(action, payer)])
    # What was paid before money was set aside is in neither.
    left = action.total_kopecks - action.paid_kopecks
    ensure(left >= 0, "no more is paid than is due")
    if not isinstance(stands, Committed) or not left:
        return True
    back = _record(action, _RELEASE, _money(payer, Position.RESERVED), _money(payer), left)
    [answer] = await parts.ledger.post([back])
    if isinstance(answer, Committed):
        return True
    _log.warning("tokenization.reserve_not_released", code=answer.code, action_id=str(action.action_id))
    return False


def _holds_money(freeze: SetFreeze) -> bool:
    # An allowance is what two persons let the holder have; no payout is made of it.
    of_money = freeze.asset in (None, money_asset()) and freeze.kind in (None, AssetKind.MONEY)
    return freeze.debits_stopped and of_money


def _reserve(action: CorporateAction, payer: UUID) -> LedgerTransaction:
    amount = int(action.reserved_kopecks or 0)
    return _record(action, _RESERVE, _money(payer), _money(payer, Position.RESERVED), amount)


def _record(
    action: CorporateAction, purpose: str, source: AccountKey, target: AccountKey, kopecks: int
) -> LedgerTransaction:
    return LedgerTransaction(
        id=derive_uuid7(action.action_id, purpose),
        actor=SMART_CONTRACT.id,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"corporate_action/{action.action_id}"),
        postings=(Posting(source, -kopecks), Posting(target, kopecks)),
    )


def _money(wallet: UUID, position: Position = Position.AVAILABLE) -> AccountKey:
    return AccountKey(money_asset(), position, wallet)
