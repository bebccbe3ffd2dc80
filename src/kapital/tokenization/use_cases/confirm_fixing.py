"""Use case: a second person confirms or rejects a recorded value or outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.access import of_row
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.issue import day_start
from kapital.tokenization.domain.problems import FixingNotFound
from kapital.tokenization.domain.terms import Event, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.record_substitute import require_substitute_stands
from kapital.tokenization.use_cases.steps import tell_fixing


class FixingDecision(StrEnum):
    """What the second person says."""

    CONFIRM = "confirm"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmFixing:
    """`value` is what the confirmer saw, to the letter."""

    command_id: CommandId
    actor: Actor
    fixing_id: UUID
    value: str
    verdict: FixingDecision = FixingDecision.CONFIRM


async def confirm_fixing(cmd: ConfirmFixing, *, parts: Parts) -> Fixing:
    """Move RECORDED to CONFIRMED or REJECTED. Another value of the same day may be recorded after a rejection.

    Where the decision gives a term to contest an outcome, it is DISPUTABLE first and is paid by after the term only.

    Law: domain.md 3.6 (2E: maker SETTLEMENT, checker RISK).
    A substitute is computed anew before it counts: what the fallback no longer leads to can only be rejected.

    Raises: NotPermitted, IdempotencyKeyReused, FixingNotFound, WrongState, MakerAndCheckerMustDiffer,
    FixingValueMustMatch, what `require_substitute_stands` raises.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        fixing = await parts.fixings.lock(tx.conn, cmd.fixing_id)
        tx.access.require(cmd.actor, "confirm_fixing", of_row("Fixing", cmd.fixing_id, fixing))
        if fixing is None:
            raise FixingNotFound
        on, until = ("confirmed", None) if cmd.verdict is FixingDecision.CONFIRM else ("rejected", None)
        if on == "confirmed" and (until := await _contest_until(tx, parts, fixing)) is not None:
            on = "opened_to_dispute"
        decided, step = fixing.decided(on, seen=cmd.value, by=cmd.actor.id, at=tx.now, contest_until_at=until)
        if on == "confirmed" and fixing.kind is FixingKind.SUBSTITUTE:
            await require_substitute_stands(tx, parts, fixing)
        await parts.fixings.save(tx.conn, decided)
        await tell_fixing(tx, decided)
        await tx.audit.append(
            f"tokenization.fixing_{step.on}",
            fixing.fixing_id,
            cmd.actor,
            basis={"who": step.who.value, "rule_book_version": parts.rule_book_version},
            before={"state": step.source.value, "version": fixing.version, "value": fixing.value},
            after={"state": step.target.value, "version": decided.version},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(decided))
        return decided


async def _contest_until(tx: Transaction, parts: Parts, fixing: Fixing) -> datetime | None:
    """The first instant at which an outcome confirmed now can no longer be contested; None without a term."""
    if fixing.issue_id is None or fixing.kind is not FixingKind.OUTCOME:
        return None
    decision = (await parts.issues.decisions(tx.conn, [fixing.issue_id]))[fixing.issue_id]
    payoff = load_terms(decision.terms).payoff
    if not isinstance(payoff, Event) or not payoff.dispute_business_days:
        return None
    last_on = parts.calendar.add_business_days(moscow_day(tx.now), payoff.dispute_business_days)
    return day_start(last_on + timedelta(days=1))
