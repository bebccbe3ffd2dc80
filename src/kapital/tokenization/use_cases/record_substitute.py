"""Use case: the decision's fallback is applied to a value or an outcome that its source did not give.

Nobody types the value: it is computed from what the source published, recorded by one person and confirmed by another
for this issue alone. The source's own value, if it comes late, counts for other issues.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.access import of_row
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.issue import Issue, day_start
from kapital.tokenization.domain.problems import FixingAlreadyRecorded, IssueNotFound
from kapital.tokenization.domain.problems_life import (
    SubstituteMustBeDue,
    SubstituteMustBeNeeded,
    SubstituteMustStand,
)
from kapital.tokenization.domain.published_values import Substitute, looked_at, substitute
from kapital.tokenization.domain.schedule import observations
from kapital.tokenization.domain.states import NOT_CALCULATED, FixingState
from kapital.tokenization.domain.terms import Event, IssuanceTerms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.keep_fixing import keep_fixing, recorded
from kapital.tokenization.use_cases.unit_payouts import terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSubstitute:
    """`series` and `observed_on` of the missing value; neither for the outcome of an event.

    `evidence` says where the source was looked at and found silent.
    """

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    series: str | None = None
    observed_on: date | None = None
    evidence: str
    document_sha256: str | None = None


async def record_substitute(cmd: RecordSubstitute, *, parts: Parts) -> Fixing:
    """Record what the decision puts in the place of a value, or the outcome that it names for a silent source.

    Law: domain.md 4, scenario 32 (the fallback of the decision, four eyes, disclosed).
    Raises: NotPermitted, IdempotencyKeyReused, IssueNotFound, SubstituteMustBeNeeded, SubstituteMustBeDue,
    FixingAlreadyRecorded (also of a nearer value that is not confirmed yet), FallbackFindsNothing,
    CalendarYearNotCovered.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=Fixing)
        issue = (await parts.issues.read(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
        tx.access.require(cmd.actor, "record_substitute", of_row("Issue", cmd.issue_id, issue))
        if issue is None or issue.published_at is None:
            raise IssueNotFound
        terms = (await terms_of(tx, parts, {cmd.issue_id}))[cmd.issue_id]
        if cmd.series is None or cmd.observed_on is None:
            fixing = _fallback_outcome(cmd, issue, terms, tx.now)
        else:
            found = await _computed(tx, parts, terms, cmd.issue_id, cmd.series, cmd.observed_on)
            fixing = recorded(
                cmd,
                tx.now,
                FixingKind.SUBSTITUTE,
                f"{found.value:f}",
                series=cmd.series,
                observed_on=cmd.observed_on,
                issue_id=cmd.issue_id,
            )
            fixing = msgspec.structs.replace(
                fixing, taken_series=found.taken_series, taken_from_on=found.taken_from_on, reason=found.reason
            )
        return await keep_fixing(tx, parts, fixing, cmd, mark)


async def require_substitute_stands(tx: Transaction, parts: Parts, fixing: Fixing) -> None:
    """Return if the fallback still leads to the value that was recorded.

    Raises: SubstituteMustBeNeeded, FixingAlreadyRecorded (the source gave its value meanwhile, or a nearer one waits
    for a second person), SubstituteMustStand, FallbackFindsNothing, CalendarYearNotCovered.
    """
    if fixing.issue_id is None or fixing.series is None or fixing.observed_on is None:
        raise SubstituteMustBeNeeded
    terms = (await terms_of(tx, parts, {fixing.issue_id}))[fixing.issue_id]
    found = await _computed(tx, parts, terms, fixing.issue_id, fixing.series, fixing.observed_on)
    now = (f"{found.value:f}", found.taken_series, found.taken_from_on)
    if now != (fixing.value, fixing.taken_series, fixing.taken_from_on):
        raise SubstituteMustStand(
            f"it was {fixing.value} of {fixing.taken_from_on}; reject it and record it anew",
            {"kept": fixing.value, "found": now[0], "taken_from_on": found.taken_from_on.isoformat()},
        )


async def _computed(
    tx: Transaction, parts: Parts, terms: IssuanceTerms, issue_id: UUID, series: str, observed_on: date
) -> Substitute:
    about = {"series": series, "observed_on": observed_on.isoformat()}
    available = [
        need.available_at
        for action in await parts.actions.of_issue(tx.conn, issue_id)
        if action.state in NOT_CALCULATED
        for need in action.needs
        if (need.series, need.observed_on) == (series, observed_on)
    ]
    if not available:
        raise SubstituteMustBeNeeded(facts=about)
    _require_over(min(available), tx.now)
    known = await parts.fixings.published(tx.conn, series, observed_on)
    if known is not None:
        raise FixingAlreadyRecorded(
            f"the source's value {known.value} of that day is recorded and is {known.state.value}",
            {"fixing_id": str(known.fixing_id), "state": known.state.value},
        )
    observation = observations(terms)[series]
    looked = looked_at(observation, observed_on)
    published = await parts.fixings.confirmed(tx.conn, looked)
    found = substitute(observation, observed_on, published, calendar=parts.calendar)
    nearer = looked[: looked.index((found.taken_series, found.taken_from_on))]
    for one in await parts.fixings.published_of(tx.conn, nearer):
        if one.state is FixingState.RECORDED:
            raise FixingAlreadyRecorded(
                f"the value {one.value} of {one.observed_on}, which the fallback takes, waits for a second person",
                {"fixing_id": str(one.fixing_id), "state": one.state.value},
            )
    return found


def _fallback_outcome(cmd: RecordSubstitute, issue: Issue, terms: IssuanceTerms, now: datetime) -> Fixing:
    payoff = terms.payoff
    if not isinstance(payoff, Event) or (cmd.series, cmd.observed_on) != (None, None):
        given = {"series": cmd.series or "", "observed_on": str(cmd.observed_on or "")}
        raise SubstituteMustBeNeeded("name the series and the day of the missing value", given)
    _require_over(day_start(payoff.determined_by_on + timedelta(days=1)), now)
    fixing = recorded(cmd, now, FixingKind.OUTCOME, payoff.fallback_outcome, issue_id=issue.issue_id)
    reason = (
        f"Исход не определён источником до конца {payoff.determined_by_on:%d.%m.%Y}; взят исход, который решение о "
        f"выпуске называет для этого случая (записано {moscow_day(now):%d.%m.%Y})"
    )
    return msgspec.structs.replace(fixing, reason=reason)


def _require_over(available_at: datetime, now: datetime) -> None:
    if now < available_at:
        raise SubstituteMustBeDue(facts={"available_at": available_at.isoformat()})
