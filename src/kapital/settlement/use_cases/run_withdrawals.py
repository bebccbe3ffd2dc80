"""Tick: bring every withdrawal one step further – ask the bank, tell the ledger, send what may be sent."""

from collections.abc import Awaitable, Callable, Sequence

from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.domain.states import WithdrawalState
from kapital.settlement.domain.withdrawal import FROZEN, Move, Withdrawal
from kapital.settlement.ports import Parts, PayoutState, PayoutStatus
from kapital.settlement.use_cases.entries import withdrawal_paid, withdrawal_re_credit
from kapital.settlement.use_cases.withdrawal_steps import (
    frozen_since,
    lock_money,
    make_moves,
    move_of,
    payable,
    record,
    require_recorded,
    whose,
)

PER_TICK = 500
SILENCES_MAX = 3
"""After so many silences in a row the bank is taken to be down, and left alone until the next tick."""

PURPOSE = "Возврат денежных средств бенефициару номинального счёта"

_AT_BANK = (WithdrawalState.SENT, WithdrawalState.UNKNOWN)
_log = get_logger(__name__)

_Answers = list[tuple[Withdrawal, PayoutStatus | None]]
"""None: the bank was silent."""


async def run_withdrawals(parts: Parts) -> None:
    """Resume what a crash left, enquire about what is at the bank, then send what is checked.

    Promise: SENT is committed before the bank is called, under a reference of its own, so the bank pays once and a
    crash in between ends in an enquiry; silence is never taken for a refusal; a rejection re-credits once.
    While a reconciliation break is open nothing is sent, but the bank is still asked. What was locked before its
    wallet was frozen and is not sent yet goes back to the wallet. Of who is under a measure of 115-FZ nothing else is
    locked or sent before the measure ends; what the bank has already is followed to its end. A bank that keeps shares
    is asked to pay only what it knows to be its beneficiary's.
    """
    async with parts.edge.hold():
        async with parts.uow.begin() as tx:
            requested = (WithdrawalState.REQUESTED,)
            waiting = await parts.withdrawals.list_in(tx.conn, requested, PER_TICK, lock=True, free_only=True)
            await lock_money(parts, tx, _whole(waiting))
        unrecorded = await enquire(parts)
        unrecorded += await _send_checked(parts)
        require_recorded(unrecorded)


def _whole(page: Sequence[Withdrawal]) -> list[Withdrawal]:
    """Without the parts of a withdrawal whose other parts the page may have cut off: they are locked together or not.

    A withdrawal has fewer parts than a page has places, so that the next one has all of them.
    """
    cut = page[-1].sbp_withdrawal_id if len(page) >= PER_TICK else None
    return [one for one in page if cut is None or one.sbp_withdrawal_id != cut]


async def enquire(parts: Parts) -> list[str]:
    """Ask the bank about every withdrawal that lies there, and record what it decided. The edge is held.

    Returns the ledger's refusals to record what the bank has done.
    """
    unrecorded = await _re_credit_rejected(parts)
    async with parts.uow.begin() as tx:
        at_bank = await parts.withdrawals.list_in(tx.conn, _AT_BANK, PER_TICK)
        await parts.withdrawals.note_asked(tx.conn, [one.withdrawal_id for one in at_bank], tx.now)
    answers = await _ask(at_bank, lambda one: parts.bank.payout_status(one.reference))
    if answers:
        failpoint("settlement.withdrawal.enquired")
    unrecorded += await _apply(parts, answers)
    unseen = [one for one, answer in answers if answer and answer.state is PayoutState.NOT_FOUND]
    if unseen and await _may_send(parts):
        # The bank never saw them: the same references again, so that a request still on its way cannot pay twice.
        stopped = await frozen_since(parts.ledger, unseen)
        unrecorded += await _pay(parts, await _reload(parts, [one for one in unseen if one.reference not in stopped]))
    return unrecorded


async def _send_checked(parts: Parts) -> list[str]:
    if not await _may_send(parts):
        return []
    async with parts.uow.begin() as tx:
        states = (WithdrawalState.CHECKED,)
        ready = await parts.withdrawals.list_in(tx.conn, states, PER_TICK, lock=True, free_only=True)
        waiting = await parts.withdrawals.list_in(tx.conn, states, PER_TICK, lock=True)
        checked = list({one.reference: one for one in (*ready, *waiting)}.values())
        stopped = await frozen_since(parts.ledger, checked)
        free = await payable(parts, tx, [one for one in ready if one.reference not in stopped])
        sent = await make_moves(parts, tx, [move_of(one, "handed_to_bank") for one in free])
        moves = [move_of(one, "wallet_frozen", reason=FROZEN) for one in checked if one.reference in stopped]
        await make_moves(parts, tx, moves)
    if sent:
        failpoint("settlement.withdrawal.sent")
    unrecorded = await _re_credit_rejected(parts) if moves else []
    return unrecorded + await _pay(parts, await _reload(parts, [one for one in free if one.reference in sent]))


async def _may_send(parts: Parts) -> bool:
    async with parts.uow.begin() as tx:
        return (await parts.breaks.open_breaks(tx.conn)).count == 0


async def _reload(parts: Parts, withdrawals: Sequence[Withdrawal]) -> list[Withdrawal]:
    """These withdrawals as they are kept now, if they may be sent."""
    if not withdrawals:
        return []
    async with parts.uow.begin() as tx:
        return await parts.withdrawals.list_sendable(
            tx.conn, [one.withdrawal_id for one in withdrawals], WithdrawalState.SENT
        )


async def _pay(parts: Parts, sent: Sequence[Withdrawal]) -> list[str]:
    """Tell the bank to pay. Each is looked at right before its turn: the bank takes its time with those before it."""

    async def is_free(one: Withdrawal) -> bool:
        return not await frozen_since(parts.ledger, [one])

    answers = await _ask(
        sent,
        lambda one: parts.bank.pay_out(
            one.reference, one.amount_kopecks, one.payout_account, _purpose(one), whose(parts, one)
        ),
        only_if=is_free,
    )
    if answers:
        failpoint("settlement.withdrawal.bank_answered")
    return await _apply(parts, answers)


def _purpose(one: Withdrawal) -> str:
    return one.payout_account.purpose if isinstance(one.payout_account, BudgetPayment) else PURPOSE


async def _ask(
    withdrawals: Sequence[Withdrawal],
    question: Callable[[Withdrawal], Awaitable[PayoutStatus]],
    *,
    only_if: Callable[[Withdrawal], Awaitable[bool]] | None = None,
) -> _Answers:
    """One question per withdrawal; ends early when the bank is down. Those not asked are not in the answer."""
    answers: _Answers = []
    silences = 0
    for one in withdrawals:
        if only_if is not None and not await only_if(one):
            continue
        try:
            answers.append((one, await question(one)))
            silences = 0
        except BankSilent:
            answers.append((one, None))
            silences += 1
            if silences == SILENCES_MAX:
                break
    if silences:
        _log.warning("settlement.bank_was_silent", count=silences)
    return answers


async def _apply(parts: Parts, answers: _Answers) -> list[str]:
    """Save what the bank said, the ledger included; each answer is final or leaves the row to be asked again."""
    moves = [move for one, answer in answers if (move := _move_without_ledger(one, answer))]
    if moves:
        async with parts.uow.begin() as work:
            await make_moves(parts, work, moves)
    paid = [one for one, answer in answers if answer and answer.state is PayoutState.EXECUTED]
    unrecorded = await record(parts, paid, withdrawal_paid, "bank_paid")
    if paid:
        failpoint("settlement.withdrawal.confirmed")
    if any(move.target is WithdrawalState.REJECTED for move in moves):
        failpoint("settlement.withdrawal.rejected")
        unrecorded += await _re_credit_rejected(parts)
    return unrecorded


def _move_without_ledger(one: Withdrawal, answer: PayoutStatus | None) -> Move | None:
    unknown = one.state is WithdrawalState.UNKNOWN
    if answer is None:
        return None if unknown else move_of(one, "bank_silent")
    match answer.state:
        case PayoutState.REJECTED:
            return move_of(one, "bank_rejected", reason=answer.reason)
        case PayoutState.NOT_FOUND:
            return move_of(one, "bank_never_saw_it") if unknown else None
        case PayoutState.PENDING:
            return move_of(one, "bank_works_on_it") if unknown else None
        case PayoutState.EXECUTED:
            return None


async def _re_credit_rejected(parts: Parts) -> list[str]:
    async with parts.uow.begin() as tx:
        rejected = await parts.withdrawals.list_in(tx.conn, (WithdrawalState.REJECTED,), PER_TICK)
    unrecorded = await record(parts, rejected, withdrawal_re_credit, "money_unlocked")
    if rejected:
        failpoint("settlement.withdrawal.re_credited")
    return unrecorded
