"""Use cases: a confirmed outcome is contested in its term; two persons uphold or overturn it; or the term ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.states import Step
from kapital.ledger.api import MIRROR_POSITIONS, AccountKey, Position
from kapital.platform.access import of_row
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.fixing import ContestVerdict, Fixing
from kapital.tokenization.domain.problems import FixingNotFound
from kapital.tokenization.domain.problems_life import ContesterMustBeConcerned
from kapital.tokenization.domain.states import FixingState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import SCHEDULER, tell_fixing

_BATCH: Final = 500
_HELD: Final = sorted(set(Position) - MIRROR_POSITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestOutcome:
    """`reason` is kept with the outcome and names no person; `document_sha256` of what is held against it."""

    command_id: CommandId
    actor: Actor
    fixing_id: UUID
    reason: str
    document_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeContest:
    """`value` is the outcome that the person saw, to the letter."""

    command_id: CommandId
    actor: Actor
    fixing_id: UUID
    value: str
    verdict: ContestVerdict


async def contest_outcome(cmd: ContestOutcome, *, parts: Parts) -> Fixing:
    """Move DISPUTABLE to CONTESTED: nothing is paid by the outcome before two persons decided.

    Law: domain.md 4, scenario 69 (dispute term).
    Raises: NotPermitted, IdempotencyKeyReused, FixingNotFound, ContesterMustBeConcerned, WrongState,
    ContestTermMustRun.
    """
    is_holder = await _holds_units(cmd, parts)
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        fixing = await _lock_outcome(tx, parts, cmd, "contest_outcome")
        if not is_holder:
            raise ContesterMustBeConcerned
        after, step = fixing.contested(
            reason=cmd.reason, document_sha256=cmd.document_sha256, by=cmd.actor.id, at=tx.now
        )
        await _keep(tx, parts, fixing, after, step, cmd.actor)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after


async def judge_contest(cmd: JudgeContest, *, parts: Parts) -> Fixing:
    """Note one person's verdict on a contested outcome; the same verdict of another person decides.

    Upheld, the outcome counts at once; overturned, another may be recorded.
    Raises: NotPermitted, IdempotencyKeyReused, FixingNotFound, WrongState, MakerAndCheckerMustDiffer,
    FixingValueMustMatch.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        fixing = await _lock_outcome(tx, parts, cmd, "judge_contest")
        after, step = fixing.judged(cmd.verdict, seen=cmd.value, by=cmd.actor.id)
        await _keep(tx, parts, fixing, after, step, cmd.actor)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(after))
        return after


async def end_contest_terms(now: datetime, *, parts: Parts) -> int:
    """Move DISPUTABLE to CONFIRMED where the term is over; returns how many outcomes."""
    async with parts.uow.begin() as tx:
        over = await parts.fixings.undisputed(tx.conn, now, _BATCH)
        for fixing in over:
            after, step = fixing.term_over()
            await _keep(tx, parts, fixing, after, step, SCHEDULER)
    return len(over)


async def _holds_units(cmd: ContestOutcome, parts: Parts) -> bool:
    """Whether who contests is the issuer or has units now: whom the outcome does not concern holds up no payment."""
    async with parts.database.connect() as conn:
        found = await parts.fixings.read(conn, cmd.fixing_id)
        owner = cmd.actor.participant_id
        if found is None or found.issue_id is None or owner is None:
            return False
        issue = (await parts.issues.read(conn, [found.issue_id]))[found.issue_id]
        investor = (await parts.investors.read(conn, [owner])).get(owner)
    if owner == issue.issuer_participant_id:
        return True
    if investor is None or investor.wallet_id is None:
        return False
    keys = [AccountKey(issue.issue_id, position, investor.wallet_id) for position in _HELD]
    return any(await parts.ledger.balances(keys))


async def _lock_outcome(tx: Transaction, parts: Parts, cmd: ContestOutcome | JudgeContest, action: str) -> Fixing:
    fixing = await parts.fixings.lock(tx.conn, cmd.fixing_id)
    tx.access.require(cmd.actor, action, of_row("Fixing", cmd.fixing_id, fixing))
    if fixing is None or fixing.issue_id is None:
        raise FixingNotFound
    return fixing


async def _keep(
    tx: Transaction, parts: Parts, before: Fixing, after: Fixing, step: Step[FixingState] | None, actor: Actor
) -> None:
    await parts.fixings.save(tx.conn, after)
    name = "verdict_given" if step is None else step.on
    await tx.audit.append(
        f"tokenization.fixing_{name}",
        before.fixing_id,
        actor,
        basis={
            "rule_book_version": parts.rule_book_version,
            "verdict": after.verdict,
            "reason": after.contest_reason,
        },
        before={"state": before.state.value, "version": before.version},
        after={"state": after.state.value, "version": after.version},
    )
    if step is not None:
        await tell_fixing(tx, after)
