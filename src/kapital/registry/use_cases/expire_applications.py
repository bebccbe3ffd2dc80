"""Use case: applications that nobody decided in their term end."""

from datetime import datetime
from typing import Final

from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.domain.parameters import registered_before
from kapital.registry.ports import ParticipantStore
from kapital.registry.use_cases.state_changes import note_change, standing

BATCH_MAX: Final = 1_000


async def expire_applications(now: datetime, *, uow: UnitOfWork, participants: ParticipantStore) -> int:
    """Move every undecided application whose term has ended to EXPIRED; return how many.

    What was collected for it is stale; the person may apply anew. A participant with a wallet never expires: when
    its identification lapses it is RESTRICTED, for payouts must reach it (scenario 30).
    Promise: batch by batch, each its own transaction; safe in several processes at once and to break off anywhere.
    """
    total = 0
    while count := await _expire_batch(now, uow=uow, participants=participants):
        total += count
    return total


async def _expire_batch(now: datetime, *, uow: UnitOfWork, participants: ParticipantStore) -> int:
    scheduler, before = machine_actor(Role.SCHEDULER), registered_before(now)
    async with uow.begin() as tx:
        ended = await participants.lock_undecided(tx.conn, before=before, limit=BATCH_MAX)
        for participant in ended:
            earlier = standing(participant)
            participant.end_term()
            await note_change(
                tx,
                "registry.application_expired",
                participant,
                before=earlier,
                actor=scheduler,
                basis={"registered_before": before},
            )
        await participants.save(tx.conn, ended, now=tx.now)
        return len(ended)
