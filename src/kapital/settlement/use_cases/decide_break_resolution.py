"""Use case: another person approves or rejects a proposed resolution of a break."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.contract_forms import shown_break
from kapital.settlement.domain.break_problems import (
    BreakNotFound,
    BreakResolutionMustBeProposed,
    BreakResolutionMustMatch,
)
from kapital.settlement.domain.breaks import BREAK, Break, BreakState
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.two_persons import Seen, TwoPersons, decide_by_two


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideBreakResolution:
    """The decision on exactly what was proposed (`resolution_sha256`)."""

    command_id: CommandId
    actor: Actor
    break_id: UUID
    resolution_sha256: str
    approve: bool


def _seen(found: Break) -> Seen:
    is_open = found.state is BreakState.RESOLUTION_PROPOSED
    return Seen(found.state, is_open, found.proposed_by, found.resolution_sha256)


_RULE: Final = TwoPersons(
    action="decide_break_resolution",
    kind="Break",
    told=contract.Break,
    seen=_seen,
    not_found=lambda name: BreakNotFound(facts={"break_id": str(name)}),
    not_open=BreakResolutionMustBeProposed,
    not_same=BreakResolutionMustMatch,
    fact="resolution_sha256",
)


async def decide_break_resolution(cmd: DecideBreakResolution, parts: Parts) -> contract.Break:
    """Approve or reject. Approved, the break stops withdrawals no more; rejected, it is open again.

    Promise: no record of the register changes, and the difference goes on being shown.
    Raises: IdempotencyKeyReused, NotPermitted, BreakNotFound, BreakResolutionMustBeProposed,
    MakerAndCheckerMustDiffer, BreakResolutionMustMatch.
    """
    return await decide_by_two(
        _RULE,
        cmd,
        parts,
        about=cmd.break_id,
        content_sha256=cmd.resolution_sha256,
        lock=parts.breaks.lock,
        effect=partial(_decide, cmd, parts),
    )


async def _decide(cmd: DecideBreakResolution, parts: Parts, tx: Transaction, found: Break) -> contract.Break:
    decided = _approved(found, cmd, tx.now) if cmd.approve else _rejected(found)
    await parts.breaks.save(tx.conn, decided)
    await tx.audit.append(
        "settlement.break_resolution_decided",
        found.break_id,
        cmd.actor,
        basis={"resolution_sha256": cmd.resolution_sha256},
        before={"state": found.state.value},
        after={"state": decided.state.value, "difference_kopecks": found.difference_kopecks},
    )
    return shown_break(decided, tx.now)


def _approved(found: Break, cmd: DecideBreakResolution, now: datetime) -> Break:
    state = BREAK.step(found.state, "resolution_approved").target
    return msgspec.structs.replace(found, state=state, decided_by=cmd.actor.id, closed_at=now)


def _rejected(found: Break) -> Break:
    state = BREAK.step(found.state, "resolution_rejected").target
    return msgspec.structs.replace(
        found, state=state, proposed_by=None, proposed_at=None, reason=None, document_sha256=None
    )
