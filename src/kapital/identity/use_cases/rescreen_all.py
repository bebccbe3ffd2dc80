"""Use case: every three months compare every client with whole lists, whether anything changed or not."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from kapital.identity.domain.screening import threshold_ppm
from kapital.identity.domain.screening_hit import raised
from kapital.identity.domain.screening_run import ComparedList, ScreeningRun, next_due_at
from kapital.identity.ports import ClientStore, HitStore, ListStore, RunStore, Screener
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.measures import apply_measures
from kapital.identity.use_cases.screen_clients import keep_index
from kapital.kernel.actor import machine_actor
from kapital.kernel.roles import Role
from kapital.platform.unit_of_work import Transaction, UnitOfWork

CLIENTS_PER_TRANSACTION: Final = 500
"""A batch holds the lists still for as long as it is compared: seconds, not minutes."""
BATCHES_PER_TICK: Final = 4
"""Then other work of the schedule has its turn."""
_SCHEDULER: Final = machine_actor(Role.SCHEDULER)


async def rescreen_all(
    now: datetime,
    *,
    uow: UnitOfWork,
    runs: RunStore,
    lists: ListStore,
    clients: ClientStore,
    hits: HitStore,
    screener: Screener,
    drafting: Drafting,
    new_id: Callable[[], UUID],
) -> int:
    """Begin a run when it is due, and bring the one that goes on some batches further; return the clients compared.

    Law: 115-FZ art. 7(1)(7) (at least once in three months).
    Raises: ScreeningEngineMissing, ParameterNotInForce.
    Promise: a batch, its hits and the place reached are one transaction, so a run that is broken off goes on where it
    stood and compares nobody twice; of two processes one works. A client recorded meanwhile was compared when it was
    recorded. A list that changes meanwhile is compared with the clients already passed by `rescreen_clients`.
    """
    compared = 0
    for _ in range(BATCHES_PER_TICK):
        async with uow.begin() as tx:
            run = await runs.lock_open(tx.conn) or await _begun(tx, now, runs=runs, new_id=new_id)
            if run is None:
                return compared
            # The lists stand still, as for whoever records a client.
            await lists.lock_lists(tx.conn, changing=False)
            before = run.clients
            await _compare_batch(
                tx, now, run, lists=lists, clients=clients, hits=hits, screener=screener, drafting=drafting,
                new_id=new_id,
            )  # fmt: skip
            await runs.save(tx.conn, run)
            compared += run.clients - before
            if run.finished_at is not None:
                return compared
    return compared


async def _begun(
    tx: Transaction, now: datetime, *, runs: RunStore, new_id: Callable[[], UUID]
) -> ScreeningRun | None:
    last = await runs.last_began_at(tx.conn)
    if last is None or now < next_due_at(last):
        return None
    run = ScreeningRun(run_id=new_id(), started_at=tx.now)
    if not await runs.begin(tx.conn, run):
        return None
    await tx.audit.append("identity.full_rescreening_began", run.run_id, _SCHEDULER)
    return run


async def _compare_batch(
    tx: Transaction,
    now: datetime,
    run: ScreeningRun,
    *,
    lists: ListStore,
    clients: ClientStore,
    hits: HitStore,
    screener: Screener,
    drafting: Drafting,
    new_id: Callable[[], UUID],
) -> None:
    in_force = await lists.in_force(tx.conn)
    run.lists |= {ComparedList(source, version.number) for source, version in in_force.items()}
    batch = await clients.page(tx.conn, after=run.after_client, limit=CLIENTS_PER_TRANSACTION)
    if batch:
        await keep_index(tx.conn, in_force, lists=lists, screener=screener)
        particulars = [client.particulars for client in batch]
        matches = await asyncio.to_thread(screener.screen_kept, particulars, threshold_ppm=threshold_ppm(now))
        found = [
            raised(
                new_id(),
                batch[at].participant_id,
                particulars_sha256=batch[at].particulars_sha256,
                listed=stored.listed,
                match=match,
                now=tx.now,
            )
            for at, stored, match in matches
        ]
        touched = [hit.participant_id for hit in found]
        await clients.lock_measures(tx.conn, await clients.concerned(tx.conn, touched))
        new = await hits.raise_new(tx.conn, found)
        await drafting.draft(tx, new, actor=_SCHEDULER)
        await apply_measures(tx, touched, actor=_SCHEDULER, clients=clients, hits=hits)
        run.after_client, run.clients, run.new_hits = (
            batch[-1].participant_id,
            run.clients + len(batch),
            run.new_hits + len(new),
        )
    if len(batch) < CLIENTS_PER_TRANSACTION:
        run.finished_at = tx.now
        await tx.audit.append(
            "identity.full_rescreening_finished",
            run.run_id,
            _SCHEDULER,
            after={"clients": run.clients, "new_hits": run.new_hits},
        )
