"""Tick: tell a bank that keeps shares whose the money is, after the register and in its order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final, Generic, TypeVar
from uuid import UUID

from kapital.ledger.api import Position
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.bank_shares import (
    OF_REFUSAL,
    Came,
    DealState,
    Moved,
    Scored,
    Scoring,
    ShareOrder,
    Untold,
    against,
    beneficiary_of,
    effect_of,
    halves_of,
    plan_deals,
)
from kapital.settlement.domain.problems import BankSettingsUnusable, BankSilent
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.settlement.ports import Parts
from kapital.settlement.ports.bank_shares import BankShares, ShareRecords
from kapital.settlement.use_cases.entries import MONEY
from kapital.settlement.use_cases.read_entries import ReadEntry, read_entries

PAGE: Final = 5_000
PAGES_PER_TICK: Final = 20
PER_TICK: Final = 500
ASKING_S: Final = 3.0
"""So long questions of one kind are asked in a tick: others wait for the bank's edge."""
SILENCES_MAX: Final = 3
"""After so many silences in a row the bank is taken to be down, and left alone until the next tick."""
NOT_FOUND_FOR: Final = timedelta(hours=1)
"""So long a payment is told that the bank does not find: it may hear of it yet."""
OBJECT_NOT_FOUND: Final = "bank_object_not_found"
UNNAMED: Final = Scoring.UNNAMED

_log = get_logger(__name__)
_T = TypeVar("_T")
_A = TypeVar("_A")


async def open_shares(parts: Parts) -> None:
    """At start: the bank is told from the register's first entry on, or never was.

    Raises: BankSettingsUnusable when payouts without a beneficiary went before, and when a bank that was told shares
    is not to be told any more: what it pays without a beneficiary is nobody's money, and there is none.
    """
    records = parts.shares.records
    async with parts.uow.begin() as tx:
        if parts.shares.bank is not None:
            if not await records.begin(tx.conn, {TAX_WALLET}, tx.now):
                raise BankSettingsUnusable("bank_shares: payouts without a beneficiary were made before")
        elif await records.has_begun(tx.conn):
            raise BankSettingsUnusable("bank_shares: the bank keeps shares and has to be told further")


async def tell_shares(parts: Parts) -> None:
    """Name beneficiaries, ask for their scoring, distribute what came, and move by deals what changed its owner.

    Promise: what the bank has to be told is kept with the place in the register before the bank is asked, and each
    command carries our id of its object: a crash at any line, silence and repeats tell the bank nothing twice. Where
    a deal stands is asked before each step; silence concludes nothing. A beneficiary that the bank does not serve, or
    whose money it does not find, keeps nobody else waiting but those who get from it or give to it: also where the
    bank takes a deal of many with it not at all. Deals are net: the bank learns shares, not trades.
    Raises: BankSilent when the bank is down.
    """
    bank = parts.shares.bank
    if bank is None:
        return
    await _name(parts, bank)
    async with parts.edge.hold():
        await follow(parts)
        await _distribute(parts, bank)
        await _carry_deals(parts, bank)
        await _plan(parts)
        await _carry_deals(parts, bank)


async def follow(parts: Parts) -> bool:
    """Queue what the register has entered since the last time; False when it has more. The edge is held."""
    for _ in range(PAGES_PER_TICK):
        async with parts.uow.begin() as tx:
            start = await parts.shares.records.walked(tx.conn)
        entries = await read_entries(parts.ledger, start, start + PAGE)
        if not entries:
            return True
        came, changed, untold = await asyncio.to_thread(_effects, entries)
        for seq in untold:
            _log.error("settlement.bank_share_untold", code="entry_untold", subject_id=str(seq))
        async with parts.uow.begin() as tx:
            if await parts.shares.records.walked(tx.conn) != start:
                continue
            await parts.shares.records.walk_on(tx.conn, came, changed, entries[-1].seq + 1, tx.now)
        failpoint("settlement.shares.followed")
    return False


def _effects(entries: Sequence[ReadEntry]) -> tuple[list[Came], dict[UUID, int], list[int]]:
    """What came, by how much each wallet's money changed by deals, and what no call of the bank can tell."""
    came: list[Came] = []
    owed: dict[UUID, int] = {}
    untold: list[int] = []
    for entry in entries:
        match _effect(entry):
            case Came() as one:
                came.append(one)
            case Moved(changes):
                for wallet, amount in changes.items():
                    owed[wallet] = owed.get(wallet, 0) + amount
            case Untold(seq):
                untold.append(seq)
    return came, {wallet: amount for wallet, amount in owed.items() if amount}, untold


def _effect(entry: ReadEntry) -> Came | Moved | Untold | None:
    money = [(one.account, int(one.amount)) for one in entry.postings if one.account.asset == MONEY]
    if not money:
        return None
    bank = -sum(amount for account, amount in money if account.position is Position.BANK)
    changes = [(account.wallet, amount) for account, amount in money if account.position is not Position.BANK]
    return effect_of(entry.seq, entry.basis.reference, bank, changes)


async def _name(parts: Parts, bank: BankShares) -> None:
    async with parts.uow.begin() as tx:
        unnamed = await parts.shares.records.to_name(tx.conn, PER_TICK)
        looked_at = await parts.shares.records.in_scoring(tx.conn, PER_TICK)
        await parts.shares.records.note_tried(tx.conn, {}, [*unnamed, *looked_at], tx.now)
    named = await _ask(unnamed, lambda wallet: bank.name(beneficiary_of(wallet)))
    asked = await _ask(looked_at, lambda wallet: bank.scoring(beneficiary_of(wallet)))
    if named.answers or asked.answers:
        async with parts.uow.begin() as tx:
            await parts.shares.records.note_scored(tx.conn, dict([*named.answers, *asked.answers]), tx.now)
    named.require_bank()
    asked.require_bank()


async def _distribute(parts: Parts, bank: BankShares) -> None:
    async with parts.uow.begin() as tx:
        waiting = await parts.shares.records.distributions(tx.conn, PER_TICK)
    told = await _ask(waiting, lambda order: _tell_came(bank, order))
    if told.answers:
        failpoint("settlement.shares.distributed")
    done = [order.order_id for order, (code, _) in told.answers if code is None]
    refused = {order.order_id: code for order, (code, _) in told.answers if code is not None}
    owners = {order: scored for order, (_, scored) in told.answers if scored is not None}
    unnamed = {order.lines[0].wallet_id: scored for order, scored in owners.items() if scored.scoring is UNNAMED}
    lost = [order.order_id for order, scored in owners.items() if scored.scoring is not UNNAMED]
    async with parts.uow.begin() as tx:
        await parts.shares.records.end(tx.conn, done, tx.now)
        await parts.shares.records.note_tried(tx.conn, refused | _unanswered(told), (), tx.now)
        await parts.shares.records.note_scored(tx.conn, unnamed, tx.now)
        await parts.shares.records.cancel_lost(tx.conn, lost, tx.now - NOT_FOUND_FOR, tx.now)
    told.require_bank()


async def _tell_came(bank: BankShares, order: ShareOrder) -> tuple[str | None, Scored | None]:
    """Why the bank does not distribute a payment, if it does not; and, where it misses something, what it thinks of
    the owner: one that it does not know is named anew, else it is the payment that it does not find."""
    code = await bank.distribute(order)
    owner = order.lines[0].wallet_id
    return code, await bank.scoring(beneficiary_of(owner)) if code == OBJECT_NOT_FOUND else None


async def _plan(parts: Parts) -> None:
    async with parts.uow.begin() as tx:
        owed = await parts.shares.records.owed(tx.conn, tx.now)
        if deals := plan_deals(owed):
            await parts.shares.records.add_deals(tx.conn, deals, tx.now)
    if deals:
        failpoint("settlement.shares.planned")


async def _carry_deals(parts: Parts, bank: BankShares) -> None:
    async with parts.uow.begin() as tx:
        waiting = await parts.shares.records.deals(tx.conn, PER_TICK)
    carried = await _ask(waiting, lambda order: _carry(parts, bank, order))
    if left := _unanswered(carried):
        async with parts.uow.begin() as tx:
            await parts.shares.records.note_tried(tx.conn, left, (), tx.now)
    carried.require_bank()


async def _carry(parts: Parts, bank: BankShares, order: ShareOrder) -> None:
    """One deal as far as it goes now."""
    state = DealState
    status = await bank.deal(order)
    if status.state is state.NOT_FOUND:
        status = await bank.open(order)
        failpoint("settlement.shares.opened")
    if status.state is state.DRAFT:
        status = await bank.accept(order)
        failpoint("settlement.shares.accepted")
    stands_against = against(status.reasons)
    if status.state is state.ACCEPTED:
        status = await bank.complete(order)
        failpoint("settlement.shares.completed")
    elif status.state is state.DRAFT:
        status = await bank.cancel(order)
    async with parts.uow.begin() as tx:
        match status.state:
            case state.COMPLETED:
                await parts.shares.records.end(tx.conn, [order.order_id], tx.now)
            case state.CANCELLED:
                wallets = {one.wallet_id: beneficiary_of(one.wallet_id) for one in order.lines}
                refused = {wallet: stands_against[of] for wallet, of in wallets.items() if of in stands_against}
                await parts.shares.records.cancel(tx.conn, order.order_id, refused, tx.now)
            case state.REFUSED:
                await _divide(parts.shares.records, tx, order)
            case _:
                reason = next(iter(status.reasons), status.state.value)
                await parts.shares.records.note_tried(tx.conn, {order.order_id: reason[:64]}, (), tx.now)
    if status.state is state.COMPLETED:
        failpoint("settlement.shares.told")


async def _divide(records: ShareRecords, tx: Transaction, order: ShareOrder) -> None:
    """Tell what the bank did not take in smaller deals; of a deal of two, ask what the bank thinks of both."""
    halves = halves_of(order)
    against_both = {} if halves else {one.wallet_id: OF_REFUSAL for one in order.lines}
    await records.cancel(tx.conn, order.order_id, against_both, tx.now)
    if halves:
        await records.add_deals(tx.conn, halves, tx.now)


@dataclass(frozen=True, slots=True)
class _Asked(Generic[_T, _A]):
    """Subjects with the bank's answers, those without one, and whether the bank was left alone. The rest waits."""

    answers: list[tuple[_T, _A]]
    silent: list[_T]
    is_down: bool

    def require_bank(self) -> None:
        """Return if the bank answers. Raises: BankSilent."""
        if self.is_down:
            raise BankSilent


def _unanswered(told: _Asked[ShareOrder, _A]) -> dict[UUID, str | None]:
    return {order.order_id: BankSilent.code for order in told.silent}


async def _ask(subjects: Sequence[_T], question: Callable[[_T], Awaitable[_A]]) -> _Asked[_T, _A]:
    """One question for each; ends early when the bank is down or takes its time."""
    answers: list[tuple[_T, _A]] = []
    silent: list[_T] = []
    in_a_row, ends_at = 0, monotonic() + ASKING_S
    for one in subjects:
        try:
            answers.append((one, await question(one)))
            in_a_row = 0
        except BankSilent:
            silent.append(one)
            in_a_row += 1
        if in_a_row == SILENCES_MAX or monotonic() > ends_at:
            break
    if silent:
        _log.warning("settlement.bank_was_silent", count=len(silent))
    return _Asked(answers, silent, in_a_row == SILENCES_MAX)
