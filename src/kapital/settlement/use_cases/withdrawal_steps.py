"""Steps that withdrawals make on their way: the ledger first or after, the table, the event; each resumable."""

from collections.abc import Callable, Sequence
from uuid import UUID

from kapital.ledger.api import AssetKind, Committed, Ledger, Refused, Transaction
from kapital.platform.events import Event
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction as Work
from kapital.settlement.domain.bank_shares import beneficiary_of
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
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

    What makes its owner's day reach the sum of the rule waits for two persons, with all that is locked here with it.
    Every call sees the rows of those that were kept before it, so of two at the same time at least one waits.
    """
    if not requested:
        return
    answers = await parts.ledger.post([withdrawal_lock(withdrawal) for withdrawal in requested])
    failpoint("settlement.withdrawal.locked")
    held = await parts.measures.wallets_held(work.conn, {withdrawal.wallet_id for withdrawal in requested})
    pairs = list(zip(requested, answers, strict=True))
    refused = [
        move_of(withdrawal, "lock_refused", reason=_code(answer))
        for withdrawal, answer in pairs
        if not isinstance(answer, Committed) and (withdrawal.wallet_id not in held or _code(answer) == _WANT_OF_MONEY)
    ]
    await make_moves(parts, work, refused)  # first: what is refused does not count for the day
    locked = [(withdrawal, answer.seq) for withdrawal, answer in pairs if isinstance(answer, Committed)]
    above = await _above_limit(parts, work, [withdrawal for withdrawal, _ in locked])
    steps = {True: "money_locked_above_limit", False: "money_locked"}
    moves = [move_of(one, steps[one.withdrawal_id in above], entry_seq=seq) for one, seq in locked]
    await make_moves(parts, work, moves)


async def _above_limit(parts: Parts, work: Work, locked: Sequence[Withdrawal]) -> frozenset[UUID]:
    sums = await parts.withdrawals.sums_of_days(work.conn, [one.withdrawal_id for one in locked])
    limits = {day: parts.withdrawal_rules.approval_at(day) for _, day, _ in sums}
    return frozenset(
        withdrawal_id for withdrawal_id, day, kopecks in sums if (limit := limits[day]) and kopecks >= limit.kopecks
    )


def _code(refused: Refused) -> str:
    """Why: of a part that fell with its neighbours, what refused the neighbour."""
    return str(refused.facts["because"]) if refused.code == "linked_set_broken" else refused.code


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


async def payable(parts: Parts, work: Work, ready: Sequence[Withdrawal]) -> list[Withdrawal]:
    """Those that the bank can pay: at one that keeps shares, it serves the beneficiary and knows its money.

    The others stay as they are, behind those that can be paid.
    """
    if parts.shares.bank is None or not ready:
        return list(ready)
    entries: dict[UUID, int] = {}
    for one in ready:
        entries[one.wallet_id] = max(one.entry_seq or 0, entries.get(one.wallet_id, 0))
    known = await parts.shares.records.payable(work.conn, entries) | {UNIDENTIFIED_WALLET}
    held = [one.withdrawal_id for one in ready if one.wallet_id not in known]
    await parts.withdrawals.note_asked(work.conn, held, work.now)
    return [one for one in ready if one.wallet_id in known]


def whose(parts: Parts, withdrawal: Withdrawal) -> str | None:
    """The beneficiary that the bank is told to pay for; None where it keeps no shares, and of nobody's money."""
    if parts.shares.bank is None or withdrawal.wallet_id == UNIDENTIFIED_WALLET:
        return None
    return beneficiary_of(withdrawal.wallet_id)


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
    failpoint("settlement.withdrawal.entered")
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
