"""Use case: the values of a source's answer are recorded, each to be confirmed by another person."""

import asyncio
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import msgspec
from msgspec import Struct

from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.ids import CommandId
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.problems import FixingAlreadyRecorded
from kapital.tokenization.domain.published_values import PublishedValue
from kapital.tokenization.domain.rates_answer import RatesAnswerTooLarge
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.keep_fixing import audit_recorded, recorded, values_differ
from kapital.tokenization.use_cases.record_fixing import require_published

VALUES_MAX = 400
"""More than the business days of a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRates:
    """`content` is the answer as the source gave it; days from `from_on` to `to_on`, both included, are taken."""

    command_id: CommandId
    actor: Actor
    content: bytes
    from_on: date
    to_on: date
    evidence: str

    @property
    def document_sha256(self) -> str:
        """Of the answer: each value names it."""
        return sha256(self.content).hexdigest()


class RatesRecorded(Struct, frozen=True, kw_only=True):
    """What was recorded, by series and day; `known` values stood here already, the same."""

    recorded: list[Fixing]
    known: int


async def record_rates(cmd: RecordRates, *, parts: Parts) -> RatesRecorded:
    """Record every value of the answer in the span that is not known yet; all of them or none.

    Law: domain.md 3.6 (four eyes when the source is manual: each value is confirmed as one typed by hand is).
    Raises: NotPermitted, IdempotencyKeyReused, RatesAnswerTooLarge, RatesAnswerUnreadable, FixingDayMustBePast,
    CalendarYearNotCovered, FixingMustBePublished, FixingValuesDiffer (an answer contradicts itself or what is kept),
    FixingAlreadyRecorded (another recorded one at the same time).
    Not: a value of a day that is no business day; no decision asks for one, and it is passed by.
    """
    async with parts.uow.begin() as tx:
        mark = fingerprint(cmd)
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=RatesRecorded)
        tx.access.require(cmd.actor, "record_rates")
        # A megabyte of XML is read beside the event loop.
        answer = await asyncio.to_thread(parts.read_rates, cmd.content, calendar=parts.calendar)
        values = _in_span(answer.values, cmd, moscow_day(tx.now), parts)
        kept = {
            (one.series, one.observed_on): one
            for one in await parts.fixings.published_of(tx.conn, [(v.series, v.observed_on) for v in values])
        }
        fixings = [
            recorded(cmd, tx.now, FixingKind.FIXING, v.text, series=v.series, observed_on=v.observed_on)
            for v in values
        ]
        new = [fixing for fixing in fixings if not _is_known(fixing, kept.get((fixing.series, fixing.observed_on)))]
        if not await parts.fixings.add_all(tx.conn, new):
            raise FixingAlreadyRecorded("another person records the same days now")
        for fixing in new:
            await audit_recorded(tx, parts, cmd.actor, fixing)
        done = RatesRecorded(recorded=new, known=len(fixings) - len(new))
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(done))
        return done


def _in_span(values: list[PublishedValue], cmd: RecordRates, today: date, parts: Parts) -> list[PublishedValue]:
    asked = [value for value in values if cmd.from_on <= value.observed_on <= cmd.to_on]
    if len(asked) > VALUES_MAX:
        raise RatesAnswerTooLarge(f"{len(asked)} values in the span; name a shorter one", {"limit": VALUES_MAX})
    taken = [value for value in asked if parts.calendar.is_business_day(value.observed_on)]
    for value in taken:
        require_published(value.series, value.observed_on, today, parts.calendar)
    return taken


def _is_known(fixing: Fixing, kept: Fixing | None) -> bool:
    """Whether the same value stands here. Raises: FixingValuesDiffer."""
    if kept is None:
        return False
    if kept.differs_from(fixing):
        raise values_differ(fixing, kept)
    return True
