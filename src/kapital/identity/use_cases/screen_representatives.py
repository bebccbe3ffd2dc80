"""Use case: representatives that the registry has appointed are compared with the lists."""

from typing import Final

from kapital.identity.ports import RepresentativeStore
from kapital.identity.use_cases.screening_parties import PartyScreening
from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import UnitOfWork

BATCH_MAX: Final = 500


async def screen_representatives(
    *, uow: UnitOfWork, representatives: RepresentativeStore, parties: PartyScreening
) -> int:
    """Compare those who wait under the words of the register; return how many.

    Not in the reaction to their appointment: an engine that is missing would put the registry's news aside. Nobody
    acts meanwhile, for nobody is identified.
    Law: 115-FZ art. 7(1)(6), 7(10).
    Raises: ScreeningEngineMissing. Promise: batch by batch, each its own transaction; safe in several processes.
    """
    total = 0
    while count := await _screen_some(uow, representatives, parties):
        total += count
    return total


async def _screen_some(uow: UnitOfWork, representatives: RepresentativeStore, parties: PartyScreening) -> int:
    actor = machine_actor(Role.SCHEDULER)
    async with uow.begin() as tx:
        waiting = await representatives.lock_waiting(tx.conn, limit=BATCH_MAX)
        compared = await parties.compare(tx, [one.party() for one in waiting], actor=actor)
        await parties.keep_all(tx, compared, actor=actor)
        await representatives.note_screened(tx.conn, [one.representative_id for one in waiting], tx.now)
        for one in waiting:
            await tx.audit.append("identity.representative_screened", one.representative_id, actor)
        return len(waiting)
