"""A value or an outcome that one person gave is kept: shared by all ways to give one."""

from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.problems import FixingAlreadyRecorded
from kapital.tokenization.domain.published_values import FixingValuesDiffer
from kapital.tokenization.domain.states import FixingState
from kapital.tokenization.ports import Parts


class Recording(Protocol):
    """What every command that gives a value or an outcome says."""

    @property
    def command_id(self) -> CommandId:
        """Chosen by the caller."""
        ...

    @property
    def actor(self) -> Actor:
        """Who gives it."""
        ...

    @property
    def evidence(self) -> str:
        """Where it stands."""
        ...

    @property
    def document_sha256(self) -> str | None:
        """Of the source's document."""
        ...


def recorded(
    cmd: Recording,
    now: datetime,
    kind: FixingKind,
    value: str,
    *,
    series: str | None = None,
    observed_on: date | None = None,
    issue_id: UUID | None = None,
) -> Fixing:
    """What one person recorded: a value of a series on a day, an issue's outcome, or what stands in for either."""
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


async def keep_fixing(tx: Transaction, parts: Parts, fixing: Fixing, cmd: Recording, mark: str) -> Fixing:
    """Keep it with its audit and its reply. Raises: FixingAlreadyRecorded, FixingValuesDiffer."""
    if not await parts.fixings.add(tx.conn, fixing):
        raise _why_not_new(fixing, await parts.fixings.find_same(tx.conn, fixing))
    await audit_recorded(tx, parts, cmd.actor, fixing)
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(fixing))
    return fixing


async def audit_recorded(tx: Transaction, parts: Parts, actor: Actor, fixing: Fixing) -> None:
    """Note in the audit what one person recorded, and the document that it stands in."""
    await tx.audit.append(
        "tokenization.fixing_recorded",
        fixing.fixing_id,
        actor,
        basis={
            "evidence": fixing.evidence,
            "document_sha256": fixing.document_sha256,
            "rule_book_version": parts.rule_book_version,
        },
        after={"state": fixing.state.value, "version": 1, "value": fixing.value, **_taken(fixing)},
    )


def values_differ(fixing: Fixing, kept: Fixing) -> FixingValuesDiffer:
    """The refusal of another value than the one that stands for the same day: a matter for people."""
    told = {"fixing_id": str(kept.fixing_id), "state": kept.state.value}
    if fixing.kind is FixingKind.SUBSTITUTE:
        told["taken_from_on"] = str(kept.taken_from_on)
    about = {"series": fixing.series or "outcome", "observed_on": str(fixing.observed_on or "")}
    return FixingValuesDiffer(
        f"{kept.value} is recorded already and is {kept.state.value}; {fixing.value} is another value: while the "
        "first waits it can be rejected, once confirmed it stays",
        {**about, **told, "first": kept.value, "second": fixing.value},
    )


def _taken(fixing: Fixing) -> dict[str, str]:
    """Where a substitute's value comes from, and that a fallback was applied."""
    given = {
        "taken_series": fixing.taken_series,
        "taken_from_on": None if fixing.taken_from_on is None else fixing.taken_from_on.isoformat(),
        "reason": fixing.reason,
    }
    return {name: value for name, value in given.items() if value is not None}


def _why_not_new(fixing: Fixing, kept: Fixing | None) -> Problem:
    """The same value again is harmless and said so."""
    if kept is None:
        return FixingAlreadyRecorded()
    if kept.differs_from(fixing):
        return values_differ(fixing, kept)
    told = {"fixing_id": str(kept.fixing_id), "state": kept.state.value}
    return FixingAlreadyRecorded(f"the value {kept.value} is recorded already and is {kept.state.value}", told)
