"""Steps of the escrow rail that meet the register: units are locked, pass to the buyer, or are unlocked.

The register is asked while the rows are locked: otherwise one process could note a refusal while another one's repeat
of the same entry is entered.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from kapital.ledger.api import Committed
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.escrow import EscrowInstruction, EscrowMove, move_of, note_of
from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.escrow_entries import ID_TAKEN, record_id, units_lock, units_record, units_unlock
from kapital.settlement.use_cases.escrow_told import make_moves

PAGE: Final = 500
EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Whenever they were looked at last."""

_log = get_logger(__name__)


async def lock_units(parts: Parts, before: datetime) -> int:
    """Lock the units of what may begin and was not tried since `before`; returns how many were looked at.

    That the register is asked is committed before, so that whoever undoes an instruction knows of it.

    What the register refuses stays `prechecked` with the code, and is tried again until its cut-off.
    """
    records = parts.escrow.records
    async with parts.uow.begin() as tx:
        fresh = await records.lock_ready(tx.conn, tx.now, before, PAGE, asked=False)
        await records.note_lock_asked(tx.conn, [one.instruction_id for one in fresh])
    if fresh:
        failpoint("settlement.escrow.lock_asked")
    async with parts.uow.begin() as tx:
        ready = await records.lock_ready(tx.conn, tx.now, before, PAGE, asked=True)
        await records.note_tried(tx.conn, [one.instruction_id for one in ready], tx.now)
        answers = await parts.ledger.post([units_lock(one) for one in ready]) if ready else []
        if answers:
            failpoint("settlement.escrow.locked")
        moves = [
            move_of(one, "asset_locked", lock_seq=answer.seq)
            if isinstance(answer, Committed)
            else note_of(one, reason=answer.code)
            for one, answer in zip(ready, answers, strict=True)
        ]
        await make_moves(parts, tx, moves)
    return max(len(fresh), len(ready))


async def enter_records(parts: Parts) -> int:
    """Let the units pass to the buyer; what the register refuses is undone. Returns how many were looked at."""
    records = parts.escrow.records
    async with parts.uow.begin() as tx:
        reserved = await records.list_in(tx.conn, (DvpState.CASH_RESERVED,), EVER, PAGE, lock=True)
        await make_moves(parts, tx, [move_of(one, "commit_started") for one in reserved])
    async with parts.uow.begin() as tx:
        waiting = await records.list_in(tx.conn, (DvpState.COMMITTING,), EVER, PAGE, lock=True)
        answers = await parts.ledger.post([units_record(one) for one in waiting]) if waiting else []
        if answers:
            failpoint("settlement.escrow.entered")
        moves = [
            _entered(one, "record_entered", answer)
            if isinstance(answer, Committed)
            else move_of(one, "record_refused", reason=answer.code, end_code=answer.code)
            for one, answer in zip(waiting, answers, strict=True)
        ]
        await make_moves(parts, tx, moves)
    if moves:
        failpoint("settlement.escrow.recorded")
    return len(waiting)


async def unlock_units(parts: Parts, tx: Transaction, undone: Sequence[EscrowInstruction]) -> None:
    """Give locked units back before the bank is told to cancel; after it the record can never be entered.

    The rows are locked by `tx`. Whether a lock that was asked for stands in the register is found out by
    asking again. A record that is found there goes forward: the units have passed.
    """
    to_undo = [one for one in undone if one.is_lock_asked and not one.is_unlocked]
    unsure = [one for one in to_undo if one.lock_seq is None]
    locks = await parts.ledger.post([units_lock(one) for one in unsure]) if unsure else []
    never = {one.instruction_id for one, lock in zip(unsure, locks, strict=True) if not isinstance(lock, Committed)}
    moves = [note_of(one, is_unlocked=True) for one in unsure if one.instruction_id in never]
    locked = [one for one in to_undo if one.instruction_id not in never]
    answers = await parts.ledger.post([units_unlock(one) for one in locked]) if locked else []
    if answers:
        failpoint("settlement.escrow.unlocked")
    for one, answer in zip(locked, answers, strict=True):
        if isinstance(answer, Committed):
            moves.append(note_of(one, is_unlocked=True))
        elif answer.code == ID_TAKEN:
            moves.append(await _record_found(parts, one))
        else:
            _log.error("settlement.escrow_unlock_refused", code=answer.code)
            moves.append(note_of(one, reason=answer.code))
    await make_moves(parts, tx, moves)


async def _record_found(parts: Parts, one: EscrowInstruction) -> EscrowMove:
    (answer,) = await parts.ledger.post([units_record(one)])
    if isinstance(answer, Committed):
        return _entered(one, "record_found", answer)
    _log.error("settlement.escrow_unlock_refused", code=answer.code)
    return note_of(one, reason=answer.code)


def _entered(one: EscrowInstruction, on: str, answer: Committed) -> EscrowMove:
    return move_of(one, on, entry_id=record_id(one), entry_seq=answer.seq, recorded_at=answer.recorded_at)
