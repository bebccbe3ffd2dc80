"""Use case: the machine freezes who stands in a list, and ends the freeze when two officers have released the hit."""

from typing import Final

from kapital.identity.domain.freeze import Freeze, FreezeBasis, FreezeDirection, FreezeScope, Reach, imposed
from kapital.identity.domain.freeze_entry import FollowedHit, asked
from kapital.identity.domain.states import FreezeState, HitState
from kapital.identity.ports import FreezeStore
from kapital.identity.use_cases.impose_freeze import note, wallets_of
from kapital.kernel.actor import machine_actor
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import Transaction, UnitOfWork

PER_TRANSACTION: Final = 500


async def follow_hits(*, uow: UnitOfWork, freezes: FreezeStore) -> int:
    """Make the freeze of each hit that freezes, end that of each hit released; return how many were changed.

    Law: 115-FZ art. 7(1)(6) (freezing without delay), domain.md 3.8.
    Promise: called after every act on hits and by every tick; a hit has one freeze, with an id derived from its own.
    """
    changed = 0
    while count := await _follow_some(uow, freezes):
        changed += count
    return changed


async def _follow_some(uow: UnitOfWork, freezes: FreezeStore) -> int:
    async with uow.begin() as tx:
        if not await freezes.hits_to_follow(tx.conn, 1):
            return 0
        await freezes.lock_acts(tx.conn)
        found = await freezes.hits_to_follow(tx.conn, PER_TRANSACTION)
        for hit in found:
            if hit.state is HitState.FROZEN:
                await _begin(tx, hit, freezes)
            else:
                await _end(tx, hit, freezes)
        return len(found)


async def _begin(tx: Transaction, hit: FollowedHit, freezes: FreezeStore) -> None:
    freeze = imposed(
        Freeze(
            freeze_id=derive_uuid7(hit.hit_id, "freeze"),
            participant_id=hit.participant_id,
            reach=Reach(scope=FreezeScope.PARTICIPANT, direction=FreezeDirection.BOTH),
            basis=FreezeBasis(reference=f"{hit.source}/{hit.list_number}"),
            hit_id=hit.hit_id,
            source=hit.source,
            list_number=hit.list_number,
            state=FreezeState.PROPOSED,
            reason=f"{hit.source} {hit.list_number}",
            made_by=hit.decided_by,
            made_at=tx.now,
        )
    )
    await freezes.add(tx.conn, [freeze])
    await freezes.ask(tx.conn, asked(freeze, await wallets_of(tx.conn, freeze, freezes), tx.now))
    await note(tx, freeze, machine_actor(Role.SCHEDULER), before=None)


async def _end(tx: Transaction, hit: FollowedHit, freezes: FreezeStore) -> None:
    freeze = None if hit.freeze_id is None else await freezes.find(tx.conn, hit.freeze_id)
    if freeze is None:
        raise InvariantBroken(f"the released hit {hit.hit_id} has no freeze to end")
    before = freeze.state
    freeze.end_with_hit(officer_id=hit.decided_by, reason="the hit was released", now=tx.now)
    await freezes.save(tx.conn, freeze)
    await freezes.ask(tx.conn, asked(freeze, await freezes.asked_wallets(tx.conn, freeze.freeze_id), tx.now))
    await note(tx, freeze, machine_actor(Role.SCHEDULER), before=before)
