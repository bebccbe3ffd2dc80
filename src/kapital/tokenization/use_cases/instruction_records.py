"""The register's side of a holder's instruction: lock its units, decide it, give back what has to go back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import AccountKey, Basis, BasisKind, Committed, Position, Posting, Refused
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early_actions import early_of
from kapital.tokenization.domain.problems import ParticipantMustBeActive
from kapital.tokenization.domain.problems_early import (
    InstructionWindowMustBeOpen,
    UnitsMustBeAvailable,
    UnitsMustNotBeLocked,
)
from kapital.tokenization.domain.redemption_instruction import Instruction, InstructionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_instructions

WAITS: Final = timedelta(seconds=30)
"""An instruction undecided for longer than any lock takes: whoever worked on it is dead."""
_BATCH: Final = 1000
_FROZEN: Final = frozenset({"wallet_debits_frozen", "wallet_credits_frozen"})


async def decide_instructions(ids: Iterable[UUID], *, parts: Parts) -> dict[UUID, Instruction]:
    """Lock the units of ASKED instructions and move them to LOCKED or REFUSED; others are returned as they are.

    Promise: may be called for the same instructions by several processes at once and again after a crash at any
    line: the ledger knows each lock by an id derived from the instruction, and the decision is made once, under row
    locks. What was locked too late goes back.
    """
    async with parts.database.connect() as conn:
        known = await parts.instructions.read(conn, ids)
    asked = [one for one in known.values() if one.state is InstructionState.ASKED]
    if not asked:
        return known
    answers = dict(zip(asked, await parts.ledger.post([_lock_record(one) for one in asked]), strict=True))
    told = {one.instruction_id: answer for one, answer in answers.items()}
    async with parts.uow.begin() as tx:
        actions = await _lock_actions(tx, parts, asked)
        locked = await parts.instructions.lock(tx.conn, told)
        moves = [
            (one, *_verdict(actions[one.action_id], one, told[one.instruction_id]))
            for one in locked.values()
            if one.state is InstructionState.ASKED
        ]
        await move_instructions(tx, parts, moves, actor=SMART_CONTRACT)
    async with parts.database.connect() as conn:
        decided = await parts.instructions.read(conn, known)
    await give_back([one for one in decided.values() if one.release_units and one.release_seq is None], parts=parts)
    return decided


async def resume_instructions(*, parts: Parts, of_actions: Iterable[UUID] = ()) -> int:
    """Decide instructions that a dead process left, and all of these actions; give back what is due.

    Returns how many were decided.
    """
    before = parts.clock.now() - WAITS
    async with parts.database.connect() as conn:
        waiting = await parts.instructions.asked(conn, before=before, actions=of_actions, limit=_BATCH)
    if waiting:
        await decide_instructions([one.instruction_id for one in waiting], parts=parts)
    after = UUID(int=0)
    while True:
        async with parts.database.connect() as conn:
            due = await parts.instructions.release_due(conn, after, _BATCH)
        if not due:
            return len(waiting)
        await give_back(due, parts=parts)
        after = due[-1].instruction_id


async def give_back(due: Sequence[Instruction], *, parts: Parts) -> None:
    """Units back from locked to available; what the ledger refuses stays due."""
    if not due:
        return
    answers = await parts.ledger.post([_release_record(one) for one in due])
    entries = {
        one.instruction_id: answer.seq
        for one, answer in zip(due, answers, strict=True)
        if isinstance(answer, Committed)
    }
    async with parts.uow.begin() as tx:
        await parts.instructions.note_released(tx.conn, entries)


def _lock_record(one: Instruction) -> LedgerTransaction:
    return _record(one, "lock", Position.AVAILABLE, Position.LOCKED, one.units)


def _release_record(one: Instruction) -> LedgerTransaction:
    return _record(one, "release", Position.LOCKED, Position.AVAILABLE, one.release_units)


def _record(one: Instruction, purpose: str, source: Position, target: Position, units: int) -> LedgerTransaction:
    return LedgerTransaction(
        id=derive_uuid7(one.instruction_id, purpose),
        actor=one.actor_id,
        basis=Basis(
            kind=BasisKind.HOLDER_INSTRUCTION,
            reference=f"redemption_instruction/{one.instruction_id}",
            document_sha256=one.act_file_sha256,
        ),
        postings=(
            Posting(AccountKey(one.issue_id, source, one.wallet_id), -units),
            Posting(AccountKey(one.issue_id, target, one.wallet_id), units),
        ),
    )


async def _lock_actions(
    tx: Transaction, parts: Parts, instructions: Sequence[Instruction]
) -> dict[UUID, CorporateAction]:
    await parts.issues.lock(tx.conn, {one.issue_id for one in instructions})
    return await parts.actions.lock(tx.conn, {one.action_id for one in instructions})


def _verdict(action: CorporateAction, one: Instruction, answer: Committed | Refused) -> tuple[str, Mapping[str, Any]]:
    if isinstance(answer, Refused):
        code, facts = _told(one, answer)
        return "refused", {"refusal_code": code, "refusal_facts": facts}
    entry = {"lock_seq": answer.seq, "locked_at": answer.recorded_at}
    close_at = early_of(action).close_at
    # The register's instant counts, not when this process came to look at it.
    if close_at is not None and answer.recorded_at < close_at:
        return "locked", entry
    return "refused", {
        **entry,
        "refusal_code": InstructionWindowMustBeOpen.code,
        "refusal_facts": {},
        "release_units": one.units,
    }


def _told(one: Instruction, answer: Refused) -> tuple[str, dict[str, str | int]]:
    """What the holder is told; of a freeze only the neutral code (115-FZ forbids telling of it)."""
    if answer.code in _FROZEN:
        return ParticipantMustBeActive.code, {}
    if answer.code == "account_debits_stopped":
        return UnitsMustNotBeLocked.code, {}
    available = answer.facts.get("balance", 0)
    return UnitsMustBeAvailable.code, {"units": one.units, "available": available}
