"""Use case: record an outside value, or the outcome of an event; it counts when another person has confirmed it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import BusinessCalendar, moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.access import of_row
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.problems import (
    FixingDayMustBeBusiness,
    FixingDayMustBePast,
    FixingMustBePublished,
    FixingSeriesMustBeKnown,
    IssueNotFound,
    OutcomeMustBeListed,
)
from kapital.tokenization.domain.problems_life import OutcomeNeedsDocument
from kapital.tokenization.domain.series_catalogue import SERIES
from kapital.tokenization.domain.terms import Event, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.keep_fixing import keep_fixing, recorded


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

    Law: domain.md 3.6 (four eyes when the source is manual).
    Not: a value that the source did not give; what the decision puts in its place is `record_substitute`.
    Raises: NotPermitted, IdempotencyKeyReused, FixingSeriesMustBeKnown, FixingDayMustBePast, CalendarYearNotCovered,
    FixingDayMustBeBusiness, FixingMustBePublished, FixingAlreadyRecorded, FixingValuesDiffer.
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
        require_published(cmd.series, cmd.observed_on, moscow_day(tx.now), parts.calendar)
        fixing = recorded(cmd, tx.now, FixingKind.FIXING, cmd.value, series=cmd.series, observed_on=cmd.observed_on)
        return await keep_fixing(tx, parts, fixing, cmd, mark)


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
        fixing = recorded(cmd, tx.now, FixingKind.OUTCOME, cmd.outcome, issue_id=cmd.issue_id)
        return await keep_fixing(tx, parts, fixing, cmd, mark)


def require_published(series: str, observed_on: date, today: date, calendar: BusinessCalendar) -> None:
    """Return if the source can have published the value by today, by the least lag of its series.

    Raises: FixingDayMustBePast, CalendarYearNotCovered, FixingDayMustBeBusiness, FixingMustBePublished.
    """
    observed = {"series": series, "observed_on": observed_on.isoformat()}
    if observed_on > today:
        raise FixingDayMustBePast(facts={"observed_on": observed_on.isoformat(), "today": today.isoformat()})
    if not calendar.is_business_day(observed_on):
        raise FixingDayMustBeBusiness(facts=observed)
    published_on = calendar.add_business_days(observed_on, SERIES[series].lag_min)
    if published_on > today:
        raise FixingMustBePublished(facts={**observed, "published_on": published_on.isoformat()})
