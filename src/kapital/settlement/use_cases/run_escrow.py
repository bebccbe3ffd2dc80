"""Tick: bring every instruction of the escrow rail as far as it goes now, or back where it must."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from kapital.platform.failpoints import failpoint
from kapital.settlement.domain.escrow import EscrowInstruction, move_of
from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.ports.escrow import Escrow
from kapital.settlement.use_cases.escrow_bank import apply, ask, lost
from kapital.settlement.use_cases.escrow_notices import take_in_notices
from kapital.settlement.use_cases.escrow_told import make_moves
from kapital.settlement.use_cases.escrow_units import EVER, PAGE, enter_records, lock_units, unlock_units

PAGES: Final = 20
"""The most pages of one step that one tick does: 10,000 instructions."""

_D = DvpState
_UNDONE: Final = frozenset({_D.CASH_REFUSED, _D.ROLLING_BACK})
_AT_BANK: Final = frozenset({_D.CASH_RESERVE_SENT, _D.UNKNOWN_CASH, _D.CASH_RELEASE_SENT})


async def run_escrow(parts: Parts) -> None:
    """Resume what a crash left, ask the bank about what lies there, then begin and go on with the rest.

    Promise: each step is committed before the bank or the register is asked, and each asking is idempotent by our
    reference, so that a crash between any two steps, a repeat and several processes at once end alike: the units pass
    and the money is paid, or neither. The record is entered only while the bank holds the money. Silence of the bank
    decides nothing: it is asked by reference, without an end. After the record there is only forward.
    Law: 259-FZ art. 4, Civil Code art. 860.7–860.10; scenarios 11, 12, 15, 18, 19.
    """
    bank = parts.escrow.bank
    if bank is None:
        return
    began = await _behind(parts)
    if not await _open(parts):
        return
    await take_in_notices(parts, bank)
    steps: tuple[tuple[frozenset[DvpState], Callable[[], Awaitable[int]]], ...] = (
        (_UNDONE, lambda: _undo(parts, bank, began)),
        (_AT_BANK, lambda: _enquire(parts, bank, began)),
        (frozenset({_D.PRECHECKED}), lambda: lock_units(parts, began)),
        (frozenset({_D.ASSET_LOCKED}), lambda: _reserve(parts, bank)),
        (frozenset({_D.CASH_RESERVED, _D.COMMITTING}), lambda: enter_records(parts)),
        (frozenset({_D.LEDGER_COMMITTED}), lambda: _release(parts, bank)),
        (frozenset({_D.CASH_RELEASED}), lambda: _close(parts)),
    )
    for states, step in steps:
        await _pages(parts, states, step)
    ended = await _behind(parts)
    await _pages(parts, _UNDONE, lambda: _undo(parts, bank, ended))


async def _pages(parts: Parts, states: frozenset[DvpState], step: Callable[[], Awaitable[int]]) -> None:
    """Repeat a step while there may be more in its states; it says how many instructions it brought on."""
    for _ in range(PAGES):
        if not states & await _open(parts) or await step() < PAGE:
            return


async def _open(parts: Parts) -> frozenset[DvpState]:
    """The states in which instructions of the rail stand that have not ended."""
    async with parts.uow.database.connect() as conn:
        return await parts.escrow.records.open_states(conn)


async def _enquire(parts: Parts, bank: Escrow, began: datetime) -> int:
    """Ask about what may lie at the bank; what it never had is sent again under the same reference."""
    async with parts.uow.begin() as tx:
        at_bank = await parts.escrow.records.list_in(tx.conn, _AT_BANK, began, PAGE)
        await parts.escrow.records.note_tried(tx.conn, [one.instruction_id for one in at_bank], tx.now)
    unsent = [one for one in at_bank if one.state is _D.CASH_RELEASE_SENT and not one.is_release_sent]
    answers = await ask([one for one in at_bank if one not in unsent], bank.status)
    if answers:
        failpoint("settlement.escrow.enquired")
    await apply(parts, answers)
    again = lost(answers)
    await apply(parts, await ask([one for one in again if one.state is _D.CASH_RESERVE_SENT], bank.hold))
    unsent += [one for one in again if one.state is _D.CASH_RELEASE_SENT]
    await apply(parts, await ask(unsent, bank.release), released=True)
    return len(answers)


async def _reserve(parts: Parts, bank: Escrow) -> int:
    """Ask the bank to hold the money of those whose units are locked. That it is asked is committed before."""
    records = parts.escrow.records
    async with parts.uow.begin() as tx:
        locked = await records.list_in(tx.conn, (_D.ASSET_LOCKED,), EVER, PAGE, lock=True)
        moves = [move_of(one, "reserve_requested", is_reserve_asked=True) for one in locked]
        made = await make_moves(parts, tx, moves)
        await records.note_tried(tx.conn, list(made), tx.now)
    sent = [_in(one, _D.CASH_RESERVE_SENT) for one in locked if one.instruction_id in made]
    if sent:
        failpoint("settlement.escrow.reserve_sent")
    answers = await ask(sent, bank.hold)
    if answers:
        failpoint("settlement.escrow.bank_answered")
    await apply(parts, answers)
    if answers:
        failpoint("settlement.escrow.reserved")
    return len(answers)


async def _release(parts: Parts, bank: Escrow) -> int:
    """Ask the bank to pay the sellers of those whose record is entered. That it is asked is committed before."""
    records = parts.escrow.records
    async with parts.uow.begin() as tx:
        entered = await records.list_in(tx.conn, (_D.LEDGER_COMMITTED,), EVER, PAGE, lock=True)
        made = await make_moves(parts, tx, [move_of(one, "release_requested") for one in entered])
        await records.note_tried(tx.conn, list(made), tx.now)
    sent = [_in(one, _D.CASH_RELEASE_SENT) for one in entered if one.instruction_id in made]
    if sent:
        failpoint("settlement.escrow.release_sent")
    answers = await ask(sent, bank.release)
    if answers:
        failpoint("settlement.escrow.release_answered")
    await apply(parts, answers, released=True)
    if answers:
        failpoint("settlement.escrow.released")
    return len(answers)


async def _close(parts: Parts) -> int:
    async with parts.uow.begin() as tx:
        released = await parts.escrow.records.list_in(tx.conn, (_D.CASH_RELEASED,), EVER, PAGE, lock=True)
        await make_moves(parts, tx, [move_of(one, "closed") for one in released])
    if released:
        failpoint("settlement.escrow.settled")
    return len(released)


async def _undo(parts: Parts, bank: Escrow, began: datetime) -> int:
    """Undo: the units first, then the money, until the bank says that it is free."""
    records = parts.escrow.records
    async with parts.uow.begin() as tx:
        refused = await records.list_in(tx.conn, (_D.CASH_REFUSED,), EVER, PAGE, lock=True)
        await make_moves(parts, tx, [move_of(one, "undo_started") for one in refused])
    if refused:
        failpoint("settlement.escrow.rolling_back")
    async with parts.uow.begin() as tx:
        undone = await records.list_in(tx.conn, (_D.ROLLING_BACK,), began, PAGE, lock=True)
        await unlock_units(parts, tx, undone)
    async with parts.uow.begin() as tx:
        undone = await records.list_in(tx.conn, (_D.ROLLING_BACK,), began, PAGE, lock=True)
        unlocked = [one for one in undone if one.is_unlocked or not one.is_lock_asked]
        free = [one for one in unlocked if not one.is_reserve_asked]
        await make_moves(parts, tx, [move_of(one, "all_undone") for one in free])
        await records.note_tried(tx.conn, [one.instruction_id for one in undone], tx.now)
    answers = await ask([one for one in unlocked if one.is_reserve_asked], bank.cancel)
    if answers:
        failpoint("settlement.escrow.cancelled")
    await apply(parts, answers)
    return len(free) + len(answers)


async def _behind(parts: Parts) -> datetime:
    """What was looked at until now is behind this instant."""
    async with parts.uow.begin() as tx:
        return tx.now + timedelta(microseconds=1)


def _in(one: EscrowInstruction, state: DvpState) -> EscrowInstruction:
    return msgspec.structs.replace(one, state=state)
