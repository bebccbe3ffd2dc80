"""Use case: record an outside value, or the outcome of an event; it counts when another person has confirmed it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.platform.access import of_row
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.problems import (
    FixingAlreadyRecorded,
    FixingDayMustBePast,
    FixingSeriesMustBeKnown,
    IssueNotFound,
    OutcomeMustBeListed,
)
from kapital.tokenization.domain.problems_life import OutcomeNeedsDocument
from kapital.tokenization.domain.published_values import FixingValuesDiffer
from kapital.tokenization.domain.series_catalogue import SERIES
from kapital.tokenization.domain.states import FixingState
from kapital.tokenization.domain.terms import Event, load_terms
from kapital.tokenization.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFixing:
    """`value` is an exact decimal as published; `evidence` says where."""

    command_id: CommandId
    actor: Actor
    series: str
    observed_on: date
    value: str
    evidence: str
    document_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOutcome:
    """`outcome` is a code that the decision lists."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    outcome: str
    evidence: str
    document_sha256: str | None = None


async def record_fixing(cmd: RecordFixing, *, parts: Parts) -> Fixing:
    """Record the value of a series on a day.

    Law: domain.md 3.6 (four eyes when the source is manual); the fallback of the decision is applied by the same two.
    Raises: NotPermitted, IdempotencyKeyReused, FixingSeriesMustBeKnown, FixingDayMustBePast, FixingAlreadyRecorded,
    FixingValuesDiffer.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        tx.access.require(cmd.actor, "record_fixing")
        if cmd.series not in SERIES:
            known = ", ".join(sorted(SERIES))
            raise FixingSeriesMustBeKnown(
                f"nobody here can confirm a value of {cmd.series}; known are {known}",
                {"series": cmd.series, "known": known},
            )
        today = moscow_day(tx.now)
        if cmd.observed_on > today:
            raise FixingDayMustBePast(facts={"observed_on": cmd.observed_on.isoformat(), "today": today.isoformat()})
        fixing = _recorded(cmd, tx.now, FixingKind.FIXING, cmd.value, series=cmd.series, observed_on=cmd.observed_on)
        return await _keep(tx, parts, fixing, cmd, mark)


async def record_outcome(cmd: RecordOutcome, *, parts: Parts) -> Fixing:
    """Record the outcome of the event that an issue's redemption depends on.

    Law: domain.md 4, scenario 69 (the source's document is named by its hash).
    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, OutcomeMustBeListed, OutcomeNeedsDocument,
    FixingAlreadyRecorded, FixingValuesDiffer.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        issue = (await parts.issues.read(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        tx.access.require(cmd.actor, "record_outcome", of_row("Issue", cmd.issue_id, issue))
        decision = (await parts.issues.decisions(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        if decision is None or issue is None or issue.published_at is None:
            raise IssueNotFound
        payoff = load_terms(decision.terms).payoff
        if not isinstance(payoff, Event) or cmd.outcome not in {o.code for o in payoff.outcomes}:
            raise OutcomeMustBeListed
        if cmd.document_sha256 is None:
            raise OutcomeNeedsDocument
        fixing = _recorded(cmd, tx.now, FixingKind.OUTCOME, cmd.outcome, issue_id=cmd.issue_id)
        return await _keep(tx, parts, fixing, cmd, mark)


def _recorded(
    cmd: RecordFixing | RecordOutcome,
    now: datetime,
    kind: FixingKind,
    value: str,
    *,
    series: str | None = None,
    observed_on: date | None = None,
    issue_id: UUID | None = None,
) -> Fixing:
    """What one person recorded: a value of a series on a day, or the outcome of an issue."""
    return Fixing(
        fixing_id=new_uuid7(),
        kind=kind,
        series=series,
        observed_on=observed_on,
        issue_id=issue_id,
        value=value,
        state=FixingState.RECORDED,
        version=1,
        evidence=cmd.evidence,
        document_sha256=cmd.document_sha256,
        recorded_by=cmd.actor.id,
        recorded_at=now,
    )


async def _keep(
    tx: Transaction, parts: Parts, fixing: Fixing, cmd: RecordFixing | RecordOutcome, mark: str
) -> Fixing:
    if not await parts.fixings.add(tx.conn, fixing):
        raise _why_not_new(fixing, await parts.fixings.find_same(tx.conn, fixing))
    await tx.audit.append(
        "tokenization.fixing_recorded",
        fixing.fixing_id,
        cmd.actor,
        basis={"evidence": fixing.evidence, "rule_book_version": parts.rule_book_version},
        after={"state": fixing.state.value, "version": 1, "value": fixing.value},
    )
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(fixing))
    return fixing


def _why_not_new(fixing: Fixing, kept: Fixing | None) -> Problem:
    """The same value again is harmless and said so; another one for the same day is a matter for people."""
    if kept is None:
        return FixingAlreadyRecorded()
    told = {"fixing_id": str(kept.fixing_id), "state": kept.state.value}
    if not kept.differs_from(fixing):
        return FixingAlreadyRecorded(f"the value {kept.value} is recorded already and is {kept.state.value}", told)
    about = {"series": fixing.series or "outcome", "observed_on": str(fixing.observed_on or "")}
    return FixingValuesDiffer(
        f"{kept.value} is recorded already and is {kept.state.value}; {fixing.value} is another value: while the "
        "first waits it can be rejected, once confirmed it stays",
        {**about, **told, "first": kept.value, "second": fixing.value},
    )
