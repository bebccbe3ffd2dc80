"""Tick: carry out what two persons decided about money, and tell how it ended."""

from typing import Final
from uuid import UUID

from kapital.kernel.problems import InvariantBroken
from kapital.ledger.api import Committed
from kapital.platform.events import Event
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.money_decision import MONEY_DECISION, MoneyDecision, MoneyDecisionKind
from kapital.settlement.domain.states import INCOMING, IncomingState, WithdrawalState
from kapital.settlement.domain.withdrawal import Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.entries import owner_found

PER_TICK: Final = 500
_FAILED: Final = (WithdrawalState.REFUSED, WithdrawalState.RE_CREDITED)


async def finish_decisions(parts: Parts) -> None:
    """Move unidentified money to its owner, and follow what left to the bank's word.

    Promise: the ledger's id comes from the payment, so its owner gets it once; a payment is RETURNED only when the
    bank has paid it back.
    """
    async with parts.uow.begin() as tx:
        approved = await parts.decisions.approved(tx.conn, PER_TICK)
        ids = [one.new_withdrawal_id for one in approved if one.new_withdrawal_id is not None]
        left = {one.withdrawal_id: one for one in await parts.withdrawals.list_by_id(tx.conn, ids)}
    for decision in approved:
        if decision.kind is MoneyDecisionKind.OWNER_FOUND:
            await _give_to_owner(parts, decision)
        elif decision.new_withdrawal_id is not None:
            await _follow(parts, decision, left[decision.new_withdrawal_id])


async def _give_to_owner(parts: Parts, decision: MoneyDecision) -> None:
    payment_id, wallet_id = _named(decision.payment_id), _named(decision.wallet_id)
    async with parts.uow.begin() as tx:
        found = await parts.decisions.payment(tx.conn, payment_id)
    if found is None or found[0] is not IncomingState.UNIDENTIFIED:
        return
    (answer,) = await parts.ledger.post([owner_found(payment_id, wallet_id, found[2], decision)])
    done = isinstance(answer, Committed)
    step = MONEY_DECISION.step(decision.state, "money_moved" if done else "money_stayed")
    async with parts.uow.begin() as tx:
        reason = None if isinstance(answer, Committed) else answer.code
        if not await parts.decisions.end(tx.conn, decision.decision_id, step.target, reason):
            return
        if isinstance(answer, Committed):
            target = INCOMING.step(IncomingState.UNIDENTIFIED, "owner_found").target
            await parts.decisions.end_payment(tx.conn, payment_id, target, wallet_id, tx.now)
            data = {"wallet_id": str(wallet_id), "amount_kopecks": found[2], "entry_seq": answer.seq}
            await tx.outbox.add(
                Event(type="kapital.settlement.top_up_booked.v1", aggregate_id=str(wallet_id), data=data)
            )


async def _follow(parts: Parts, decision: MoneyDecision, left: Withdrawal) -> None:
    if left.state not in {*_FAILED, WithdrawalState.CONFIRMED}:
        return
    done = left.state is WithdrawalState.CONFIRMED
    step = MONEY_DECISION.step(decision.state, "money_moved" if done else "money_stayed")
    async with parts.uow.begin() as tx:
        if not await parts.decisions.end(tx.conn, decision.decision_id, step.target, None if done else left.reason):
            return
        if done and decision.payment_id is not None:
            target = INCOMING.step(IncomingState.UNIDENTIFIED, "sent_back").target
            await parts.decisions.end_payment(tx.conn, decision.payment_id, target, UNIDENTIFIED_WALLET, tx.now)


def _named(value: UUID | None) -> UUID:
    if value is None:
        raise InvariantBroken("a kept decision names what its kind needs")
    return value
