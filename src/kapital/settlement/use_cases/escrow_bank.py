"""Asking the bank about many holds: some at once, one after the other for one buyer, none when the bank is down."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from kapital.platform.logging import get_logger
from kapital.settlement.domain.escrow import (
    EscrowInstruction,
    EscrowMove,
    HoldOrder,
    HoldStatus,
    event_of,
    move_of,
    must_send_again,
)
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.domain.states import DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.escrow_told import make_moves

CALLS_AT_ONCE: Final = 8
SILENCES_MAX: Final = 3
"""After so many silences the bank is taken to be down, and left alone until the next tick."""

REFUSED_BY_BANK: Final = "bank_refused_reserve"

_log = get_logger(__name__)
Answers = list[tuple[EscrowInstruction, HoldStatus | None]]
"""None: the bank was silent. What was not asked because the bank is down is not in it."""


async def ask(
    instructions: Sequence[EscrowInstruction], question: Callable[[HoldOrder], Awaitable[HoldStatus]]
) -> Answers:
    """One question for each. Banks work off one beneficiary's requests in order and answer 429 to others at once."""
    groups: dict[PayoutAccount, list[EscrowInstruction]] = defaultdict(list)
    for one in instructions:
        groups[one.order.buyer_account].append(one)
    answers: Answers = []
    turns, silences = asyncio.Semaphore(CALLS_AT_ONCE), 0

    async def ask_group(group: Sequence[EscrowInstruction]) -> None:
        nonlocal silences
        for one in group:
            async with turns:
                if silences >= SILENCES_MAX:
                    return
                try:
                    answers.append((one, await question(one.order)))
                except BankSilent:
                    silences += 1
                    answers.append((one, None))

    async with asyncio.TaskGroup() as tasks:
        for group in groups.values():
            tasks.create_task(ask_group(group))
    if silences:
        _log.warning("settlement.bank_was_silent", count=silences)
    return answers


async def apply(parts: Parts, answers: Answers, *, released: bool = False) -> None:
    """Keep what the bank said and make the steps that follow, in one transaction."""
    moves = [move for one, answer in answers if (move := _move(one, answer)) is not None]
    said = [(one.instruction_id, answer) for one, answer in answers if answer is not None]
    async with parts.uow.begin() as tx:
        await parts.escrow.records.note_answers(tx.conn, said, released=released)
        await make_moves(parts, tx, moves)
    for move in moves:
        if move.target in {DvpState.REVIEW_BEFORE_RECORD, DvpState.REVIEW_AFTER_RECORD}:
            _log.error("settlement.escrow_waits_for_review", state=move.target.value, code=move.reason)


def lost(answers: Answers) -> list[EscrowInstruction]:
    """Those whose request the bank never had, as they stand after the answer: the same one is sent again."""
    return [
        msgspec.structs.replace(one, state=move.target) if (move := _move(one, answer)) else one
        for one, answer in answers
        if must_send_again(one.state, answer)
    ]


def _move(one: EscrowInstruction, answer: HoldStatus | None) -> EscrowMove | None:
    event = event_of(one.state, answer, is_free_by_statement=one.is_free_by_statement)
    if event is None:
        return None
    reason = answer.reason or answer.state.value if answer else "bank_must_answer"
    if event == "bank_refused":
        return move_of(one, event, reason=reason, end_code=REFUSED_BY_BANK)
    # A hold that is given back, or held, has no fault that would be worth a reason.
    return move_of(one, event, reason=reason if event in {"bank_cannot_say", "bank_silent"} else None)
