"""Use case: load the file of a list as its next version."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from kapital.identity.domain.screening import ListEntry, ListSource, is_older, shrinks_too_much
from kapital.identity.domain.screening_list import ListVersion
from kapital.identity.domain.states import ListVersionState
from kapital.identity.ports import ListFileReader, ListStore
from kapital.kernel.actor import Actor
from kapital.platform.unit_of_work import Transaction, UnitOfWork

BATCH: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadList:
    """Load a file as the next version of a list."""

    actor: Actor
    source: ListSource
    file: ListFileReader


async def load_list(cmd: LoadList, *, uow: UnitOfWork, lists: ListStore, new_id: Callable[[], UUID]) -> ListVersion:
    """Read the whole file, then put its entries in force – or hold a version that lost too much or is an older one.

    Law: 115-FZ art. 7(1)(6), (7): clients are checked against the lists as they are published.
    Raises: NotPermitted, ListFileUnreadable, ListFileTooLarge, ListFileEmpty.
    Promise: one transaction – a broken file changes nothing. The same file again is the version it already is.
    Not promised: clients are compared with the new version afterwards, see `rescreen_clients`.
    """
    async with uow.begin() as tx:
        tx.access.require(cmd.actor, "load_list")
        version_id = new_id()
        entries = cmd.file.read()
        entry_count = 0
        while batch := await asyncio.to_thread(_next, entries):
            await lists.stage(tx.conn, version_id, batch)
            entry_count += len(batch)
        # Only now: a large file takes long to read, and meanwhile clients are recorded.
        await lists.lock_lists(tx.conn, changing=True)
        present = (await lists.in_force(tx.conn)).get(cmd.source)
        if present is not None and present.file_sha256 == cmd.file.sha256:
            await lists.drop_staged(tx.conn, version_id)
            return present
        version = await _version(cmd, version_id, entry_count, present, lists=lists, tx=tx)
        if version.state is ListVersionState.IN_FORCE:
            await supersede(present, lists=lists, tx=tx)
        await lists.add(tx.conn, version, cmd.file.deviations)
        if version.state is ListVersionState.IN_FORCE:
            await put_in_force(version, lists=lists, tx=tx)
        await tx.audit.append(
            "identity.list_loaded",
            version.version_id,
            cmd.actor,
            basis={"file_sha256": version.file_sha256},
            after={"source": version.source, "number": version.number, "state": version.state},
        )
        return version


def _next(entries: Iterator[ListEntry]) -> list[ListEntry]:
    return list(islice(entries, BATCH))


async def _version(
    cmd: LoadList,
    version_id: UUID,
    entry_count: int,
    present: ListVersion | None,
    *,
    lists: ListStore,
    tx: Transaction,
) -> ListVersion:
    before = 0 if present is None else present.entry_count
    # An old file again would take from the list whom it gained since.
    held = shrinks_too_much(before=before, after=entry_count, at=tx.now) or (
        present is not None and is_older(cmd.file.list_date, present.list_date)
    )
    return ListVersion(
        version_id=version_id,
        source=cmd.source,
        number=await lists.next_number(tx.conn, cmd.source),
        format=cmd.file.format_name,
        file_sha256=cmd.file.sha256,
        file_bytes=cmd.file.size,
        list_date=cmd.file.list_date,
        entry_count=entry_count,
        entries_before=before,
        deviation_count=cmd.file.deviation_count,
        state=ListVersionState.HELD if held else ListVersionState.IN_FORCE,
        loaded_by=cmd.actor.id,
        loaded_at=tx.now,
    )


async def supersede(present: ListVersion | None, *, lists: ListStore, tx: Transaction) -> None:
    """End the version in force, if there is one: the index that admits one of them is checked row by row."""
    if present is not None:
        present.supersede()
        await lists.save(tx.conn, present)


async def put_in_force(version: ListVersion, *, lists: ListStore, tx: Transaction) -> None:
    """Make the staged entries of a version the list. The caller holds the lists and has superseded the last one."""
    version.changed_count = await lists.put_in_force(tx.conn, version)
    await lists.save(tx.conn, version)
