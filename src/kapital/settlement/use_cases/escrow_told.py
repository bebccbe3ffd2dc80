"""Steps of the escrow rail are saved and, where they end an instruction, told."""

from collections.abc import Sequence
from uuid import UUID

from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.dvp import DvpInstruction
from kapital.settlement.domain.escrow import EscrowMove
from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.ports.dvp_queue import Entered, Kept
from kapital.settlement.use_cases.dvp_told import ended, settled
from kapital.settlement.use_cases.escrow_entries import record_id


async def make_moves(parts: Parts, tx: Transaction, moves: Sequence[EscrowMove]) -> frozenset[UUID]:
    """Make the steps that are still possible, and tell of what has ended by them; returns the ids of those made."""
    made = await parts.escrow.records.move(tx.conn, moves, tx.now)
    ends = {
        move.one.instruction_id: move.one
        for move in moves
        if move.one.instruction_id in made and move.target in {DvpState.SETTLED, DvpState.ROLLED_BACK}
    }
    if not ends:
        return made
    kept = await parts.dvp.lock(tx.conn, list(ends))
    whole = [one for one in kept if one.state is DvpState.SETTLED]
    entered = {
        one.instruction_id: Entered(
            settling_id=record_id(ends[one.instruction_id]),
            instruction_id=one.instruction_id,
            units=one.units,
            kopecks=one.amount_kopecks,
            entry_seq=one.entry_seq or 0,
            recorded_at=one.changed_at,
        )
        for one in whole
    }
    await tx.outbox.add(*settled([_kept(one) for one in whole], entered))
    await tx.outbox.add(*ended([(one, one.end_code or "undone") for one in kept if one not in whole]))
    return made


def _kept(one: DvpInstruction) -> Kept:
    return Kept(
        instruction_id=one.instruction_id,
        issue_id=one.issue_id,
        reference=one.reference,
        state=one.state.value,
        settled_units=one.settled_units,
        settled_kopecks=one.settled_kopecks,
    )
