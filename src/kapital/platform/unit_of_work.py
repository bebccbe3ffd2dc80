"""One use case, one transaction: state, events, audit and reply are written together or not at all."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Problem
from kapital.platform.access import Asking
from kapital.platform.audit import Audit
from kapital.platform.database import Database
from kapital.platform.outbox import Outbox
from kapital.platform.problems import problem_of
from kapital.platform.replies import Replies


class Transaction:
    """What a use case writes through. Valid inside `async with uow.begin()` only.

    `now` is the instant of the transaction's begin, from the process clock.
    """

    def __init__(self, database: Database, conn: AsyncConnection, now: datetime) -> None:
        self.database = database
        self.conn = conn
        self.now = now
        self.outbox = Outbox(conn, database.name, now)
        self.replies = Replies(conn, now)
        self.audit = Audit(conn, now)
        self.access = Asking(conn, now)

    async def flush(self) -> None:
        """Write what was gathered: access decisions, audit, outbox; one statement each, last in the transaction.

        Last, because then an aggregate's row lock is already held, and the outbox ids of one aggregate follow
        the order of its commits.
        """
        await self.access.flush()
        await self.audit.flush()
        await self.outbox.flush()


class UnitOfWork:
    """Begins transactions on one service's database (READ COMMITTED; lock rows that you decide on)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Commit at the end of the block, roll back on any exception.

        A refusal of the access policies that leaves the block is recorded in a transaction of its own.
        Raises: DatabaseUnavailable, DatabaseBusy, StorageFull – after which nothing is written, except that a
        connection lost during the commit itself leaves it open whether it happened: repeat under the same
        idempotency key.
        """
        tx = None
        try:
            try:
                async with self.database.engine.connect() as conn, conn.begin():
                    tx = Transaction(self.database, conn, self.clock.now())
                    yield tx
                    await tx.flush()
            except Problem:
                # Who was refused a change is known also when nothing came of it; if it cannot be kept, say that.
                if tx is not None and tx.access.any_refused:
                    async with self.database.engine.connect() as conn, conn.begin():
                        await tx.access.flush_refusals(conn)
                raise
        except Exception as error:
            if (problem := problem_of(error)) is not None and problem is not error:
                raise problem from error
            raise
        if tx.outbox.written:
            self.database.outbox_written()


_NOT_FINGERPRINTED = {"actor", "command_id", "signed_act"}
"""How an act is authorised is no part of what it asks for: signed anew after a time-out it is the same request."""


def fingerprint(command: Any) -> str:
    """SHA-256 (hex) over all that a command asks for, the actor and the command id left out.

    Takes a dataclass, msgspec Struct or mapping. The reply's key already holds actor and command id; roles
    that changed between two tries must not look like another request.
    """
    if is_dataclass(command) and not isinstance(command, type):
        content: Mapping[str, Any] = {f.name: getattr(command, f.name) for f in fields(command)}
    elif isinstance(command, msgspec.Struct):
        content = {name: getattr(command, name) for name in command.__struct_fields__}
    else:
        content = command
    kept = {name: value for name, value in content.items() if name not in _NOT_FINGERPRINTED}
    body = msgspec.json.encode([type(command).__name__, kept], order="sorted")
    return hashlib.sha256(body).hexdigest()
