"""Steps that withdrawals make on their way: the ledger first or after, the table, the event; each resumable."""

from collections.abc import Callable, Sequence
from uuid import UUID

from kapital.ledger.api import AssetKind, Committed, Ledger, Transaction
from kapital.platform.events import Event
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction as Work
from kapital.settlement.domain.problems import LedgerRefusedBankFact
from kapital.settlement.domain.states import WITHDRAWAL, WithdrawalState
from kapital.settlement.domain.withdrawal import Move, Withdrawal
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.entries import MONEY, withdrawal_lock

_log = get_logger(__name__)
_WANT_OF_MONEY = "balance_insufficient"


def move_of(withdrawal: Withdrawal, on: str, *, reason: str | None = None, entry_seq: int | None = None) -> Move:
    """The step that `on` makes. Raises: WrongState."""
    step = WITHDRAWAL.step(withdrawal.state, on)
    return Move(withdrawal=withdrawal, source=step.source, target=step.target, reason=reason, entry_seq=entry_seq)


async def make_moves(parts: Parts, work: Work, moves: Sequence[Move]) -> frozenset[str]:
    """Save the steps that are still possible and tell of those only; returns their references.

    A step another process has made in between is not made again and not told again.
    """
    made = await parts.withdrawals.move(work.conn, moves, work.now)
    told = [move for move in moves if move.withdrawal.withdrawal_id in made]
    await work.outbox.add(*(changed(move.withdrawal, move.target) for move in told))
    return frozenset(move.withdrawal.reference for move in told)


def changed(withdrawal: Withdrawal, state: WithdrawalState) -> Event:
    """The event that a withdrawal entered `state`."""
    return Event(
        type="kapital.settlement.withdrawal_changed.v1",
        aggregate_id=str(withdrawal.withdrawal_id),
        data={
            "withdrawal_id": str(withdrawal.withdrawal_id),
            "wallet_id": str(withdrawal.wallet_id),
            "state": state.value,
            "amount_kopecks": withdrawal.amount_kopecks,
        },
    )


async def lock_money(parts: Parts, work: Work, requested: Sequence[Withdrawal]) -> None:
    """Lock the money of requested withdrawals in the ledger, in one call; its refusal refuses the withdrawal.

    The rows of `requested` are locked by `work`. Otherwise one process could note a refusal while, after a top-up,
    another one's repeat of the same entry is accepted, and the money would stay locked for nothing.

    Of who is under a measure only want of money refuses: any other refusal of the register may tell of the measure,
    so the withdrawal stays requested, as it would if the register were slow, until the measure has ended.
    """
    if not requested:
        return
    answers = await parts.ledger.post([withdrawal_lock(withdrawal) for withdrawal in requested])
    held = await parts.measures.wallets_held(work.conn, {withdrawal.wallet_id for withdrawal in requested})
    moves = [
        move_of(withdrawal, "money_locked", entry_seq=answer.seq)
        if isinstance(answer, Committed)
        else move_of(withdrawal, "lock_refused", reason=answer.code)
        for withdrawal, answer in zip(requested, answers, strict=True)
        if isinstance(answer, Committed) or withdrawal.wallet_id not in held or answer.code == _WANT_OF_MONEY
    ]
    await make_moves(parts, work, moves)


async def frozen_since(ledger: Ledger, withdrawals: Sequence[Withdrawal]) -> frozenset[str]:
    """References of those whose wallet's money was frozen after it had been locked (115-FZ art. 7).

    What was locked under a freeze was let through by it: an allowance, or a freeze of other assets.
    """
    if not withdrawals:
        return frozenset()
    wallets = sorted({one.wallet_id for one in withdrawals})
    since: dict[UUID, int] = {}
    for found in await ledger.freezes(wallets):
        freeze = found.freeze
        of_money = freeze.asset in (None, MONEY) and freeze.kind in (None, AssetKind.MONEY)
        if freeze.debits_stopped and of_money:
            since[freeze.wallet] = max(found.since, since.get(freeze.wallet, -1))
    return frozenset(one.reference for one in withdrawals if (one.entry_seq or 0) < since.get(one.wallet_id, -1))


async def record(
    parts: Parts,
    withdrawals: Sequence[Withdrawal],
    entry: Callable[[Withdrawal], Transaction],
    on: str,
) -> list[str]:
    """Enter what the bank decided in the ledger, then make the step `on`.

    Returns the codes of the ledger's refusals; the refused ones keep their state, so that they are tried again.
    """
    if not withdrawals:
        return []
    answers = await parts.ledger.post([entry(withdrawal) for withdrawal in withdrawals])
    pairs = list(zip(withdrawals, answers, strict=True))
    moves = [move_of(of, on, entry_seq=answer.seq) for of, answer in pairs if isinstance(answer, Committed)]
    async with parts.uow.begin() as work:
        await make_moves(parts, work, moves)
    codes = [answer.code for _, answer in pairs if not isinstance(answer, Committed)]
    if codes:
        _log.error("settlement.bank_fact_refused", code=codes[0], count=len(codes))
    return codes


def require_recorded(codes: Sequence[str]) -> None:
    """Raises: LedgerRefusedBankFact if anything that the bank has done is missing in the register."""
    if codes:
        raise LedgerRefusedBankFact(facts={"ledger_code": codes[0], "refused": len(codes)})
