"""The writer's own look at the ground of a plan: whatever of the head differs, nothing is written, nor after it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from kapital.ledger.adapters import store
from kapital.ledger.adapters.writer import Abandoned, Writer, still_true
from kapital.ledger.domain.book import Head
from kapital.ledger.domain.plan import Batch, Changes, EntryRow
from kapital.ledger.ports import Outcome, PlannedBatch
from kapital.ledger.service import LedgerService
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7

MOMENT = timedelta(microseconds=1)
OTHERWISE: dict[str, Any] = {
    "size": lambda head: head.size + 1,
    "accounts": lambda head: head.accounts + 1,
    "recorded_at": lambda head: head.recorded_at - MOMENT,
    "generation": lambda head: head.generation + 1,
}


def batch(head: Head, *entries: EntryRow) -> Batch:
    return Batch(head, head, list(entries), [], Changes([], [], [], []), [], [], [], [], [])


def different(head: Head, field: str) -> Head:
    return head._replace(**{field: OTHERWISE[field](head)})


@pytest.fixture
async def head(ledger: LedgerService, sql: asyncpg.Connection) -> Head:
    return await store.read_head(sql)


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    made = Writer(database.dsn)
    yield made
    await made.close()


@pytest.mark.parametrize("field", list(OTHERWISE))
async def test_a_plan_on_any_other_head_is_not_written_nor_one_more_on_its_ground(writer, head, field):
    assert await writer.write(PlannedBatch(1, batch(different(head, field)))) is Outcome.RACED
    assert await writer.write(PlannedBatch(1, batch(head))) is Outcome.RACED
    assert await writer.write(PlannedBatch(2, batch(head))) is Outcome.WRITTEN


async def test_after_a_batch_that_failed_none_on_its_ground_is_written(writer, head, monkeypatch):
    async def fail(*args: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr(store, "write_batch", fail)
    later = head._replace(recorded_at=head.recorded_at + MOMENT)
    entry = EntryRow(head.size, new_uuid7(), [], b"")
    with pytest.raises(ConnectionResetError):
        await writer.write(PlannedBatch(1, batch(head, entry)._replace(after=later)))
    assert await writer.write(PlannedBatch(1, batch(head))) is Outcome.RACED
    assert await writer.write(PlannedBatch(2, batch(head))) is Outcome.WRITTEN


async def test_what_nobody_waits_for_is_not_written(database, head):
    writer = Writer(database.dsn, lambda: False)
    with pytest.raises(Abandoned):
        await writer.write(PlannedBatch(1, batch(head)))
    await writer.close()


def test_no_entry_is_written_at_an_instant_that_was_closed(head):
    entry = EntryRow(head.size, new_uuid7(), [], b"")
    closed = head._replace(closed_at=head.recorded_at + MOMENT)
    at_it = batch(head, entry)._replace(after=head._replace(recorded_at=closed.closed_at))
    assert not still_true(at_it, closed)
    assert still_true(at_it._replace(after=head._replace(recorded_at=closed.closed_at + MOMENT)), closed)
    assert still_true(batch(head), closed), "where nothing is written no instant is needed"
