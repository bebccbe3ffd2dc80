"""Use case: who needs a certificate of a signature and has none is restricted; who has one again is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from kapital.kernel.actor import machine_actor
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.roles import Role
from kapital.platform.certificate_rules import CertificateRules
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction, UnitOfWork
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.state_changes import note_change, standing

BATCH_MAX: Final = 500


@dataclass(slots=True, kw_only=True)
class CertificateWatch:
    """The rule of the day, held against certificates as they are bound and end, and against everybody once a day.

    Law: domain.md 3.1 (ACTIVE → RESTRICTED by the machine: may receive payouts, may not buy).
    Promise: the participant's row is locked before its certificates are read, so that of a wallet that opens and a
    certificate that is bound at the same instant the later one sees the other.
    """

    rules: CertificateRules
    participants: ParticipantStore
    _looked_on: date | None = field(default=None, init=False)

    async def hear(self, tx: Transaction, causes: Mapping[UUID, CloudEvent]) -> None:
        """Follow whom news are of (participant → event); on a day without a rule nobody waits for a certificate."""
        if self.rules.required_on(_day_of(tx.now)):
            await self._follow(tx, causes)

    async def _follow(self, tx: Transaction, causes: Mapping[UUID, CloudEvent | None]) -> int:
        required = self.rules.required_on(_day_of(tx.now))
        found = await self.participants.lock(tx.conn, sorted(causes))
        signing = await self.participants.signing(tx.conn, sorted(found))
        changed = []
        for participant in found.values():
            before = standing(participant)
            participant.follow_certificate(is_missing=required and participant.participant_id not in signing)
            if standing(participant) == before:
                continue
            changed.append(participant)
            await note_change(
                tx,
                "registry.certificate_followed",
                participant,
                before=before,
                actor=machine_actor(Role.SCHEDULER),
                basis={"certificate_required": required},
                cause=causes[participant.participant_id],
            )
        await self.participants.save(tx.conn, changed, now=tx.now)
        return len(changed)

    async def look_at_everybody(self, now: datetime, *, uow: UnitOfWork) -> int:
        """Once a day in Moscow, and once in each process, follow all whose standing does not fit the rule of the day.

        Promise: batch by batch, each its own transaction; safe in several processes at once.
        """
        day, total = _day_of(now), 0
        if day == self._looked_on:
            return total
        required = self.rules.required_on(day)
        while True:
            async with uow.begin() as tx:
                due = await self.participants.unlike_certificates(tx.conn, required=required, limit=BATCH_MAX)
                changed = await self._follow(tx, dict.fromkeys(due))
            total += changed
            # What others hold in another way meanwhile is theirs to follow.
            if not changed:
                self._looked_on = day
                return total


def _day_of(now: datetime) -> date:
    return now.astimezone(MOSCOW).date()
