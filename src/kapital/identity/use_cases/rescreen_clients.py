"""Use case: compare all clients with what a new list version brought."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from kapital.identity.domain.screening import threshold_ppm
from kapital.identity.domain.screening_hit import raised
from kapital.identity.ports import ClientStore, HitStore, ListStore, Screener
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import UnitOfWork

HITS_PER_STATEMENT: Final = 5_000


async def rescreen_clients(
    now: datetime,
    *,
    uow: UnitOfWork,
    lists: ListStore,
    clients: ClientStore,
    hits: HitStore,
    screener: Screener,
    drafting: Drafting,
    new_id: Callable[[], UUID],
) -> int:
    """Compare every client with the new and changed entries of each version not compared yet; return the new hits.

    Law: 115-FZ art. 7(1)(6), (7) (freezing without delay when a list is published).
    Raises: ScreeningEngineMissing, ParameterNotInForce.
    Promise: one transaction for each version; broken off, it is done again from the start and raises no pair twice.
    """
    total = 0
    while (count := await _rescreen_next(
        now, uow=uow, lists=lists, clients=clients, hits=hits, screener=screener, drafting=drafting, new_id=new_id
    )) is not None:  # fmt: skip
        total += count
    return total


async def _rescreen_next(
    now: datetime,
    *,
    uow: UnitOfWork,
    lists: ListStore,
    clients: ClientStore,
    hits: HitStore,
    screener: Screener,
    drafting: Drafting,
    new_id: Callable[[], UUID],
) -> int | None:
    async with uow.begin() as tx:
        # The lists stand still, and clients may be recorded meanwhile: they are compared with this version then.
        await lists.lock_lists(tx.conn, changing=False)
        version = await lists.lock_waiting(tx.conn)
        if version is None:
            return None
        brought = await lists.entries(tx.conn, source=version.source, from_number=version.number)
        known = await clients.all(tx.conn) if brought else []
        matches = await asyncio.to_thread(
            screener.screen,
            [client.particulars for client in known],
            [stored.entry.particulars for stored in brought],
            threshold_ppm=threshold_ppm(now),
        )
        found = [
            raised(
                new_id(),
                known[client].participant_id,
                particulars_sha256=known[client].particulars_sha256,
                listed=brought[entry].listed,
                match=match,
                now=tx.now,
            )
            for client, entry, match in matches
        ]
        touched = [hit.participant_id for hit in found]
        # Before the hits, as those do who record a client: else the two could wait for each other.
        await clients.lock_measures(tx.conn, await clients.concerned(tx.conn, touched))
        new = []
        for start in range(0, len(found), HITS_PER_STATEMENT):
            new += await hits.raise_new(tx.conn, found[start : start + HITS_PER_STATEMENT])
        scheduler = machine_actor(Role.SCHEDULER)
        await drafting.draft(tx, new, actor=scheduler)
        await apply_measures(tx, touched, actor=scheduler, clients=clients, hits=hits)
        version.rescreened_at = tx.now
        await lists.save(tx.conn, version)
        await tx.audit.append(
            "identity.clients_rescreened",
            version.version_id,
            scheduler,
            after={"clients": len(known), "entries": len(brought), "new_hits": len(new)},
        )
        return len(new)
