"""A ledger in a process of its own, its writer in another, for tests of many writers and of sudden death.

Usage: process.py DSN ORDERS TOLD: reads transactions to post as lines of JSON from the file ORDERS, one call a line,
and appends each answer to the file TOLD before anything else is done with it.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import Committed, Refused, Transaction
from kapital.platform.database import Database
from tests.ledger.conftest import build

CALLERS = 16


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a process was answered: `seq` of an entry, or `code` of a refusal."""

    id: UUID
    seq: int | None
    code: str | None
    replayed: bool


def told(answer: Committed | Refused) -> Told:
    if isinstance(answer, Refused):
        return Told(answer.id, None, answer.code, False)
    return Told(answer.id, answer.seq, None, answer.replayed)


def write_orders(path: Path, calls: list[list[Transaction]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(call) + b"\n" for call in calls))
    return path


def read_told(path: Path) -> list[Told]:
    """Whole lines only: the last one may be cut by the death of the writer, then nobody was told it."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=Told) for line in lines]


def read_orders(path: Path) -> list[list[Transaction]]:
    return [msgspec.json.decode(line, type=list[Transaction]) for line in path.read_bytes().splitlines()]


async def main(dsn: str, calls: list[list[Transaction]], told_path: Path) -> None:
    database = Database("ledger", dsn)
    ledger = build(database, writer=WriterProcess)
    todo = iter(calls)
    out = os.open(told_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    await ledger.size()
    os.write(sys.stdout.fileno(), b"ready\n")
    await asyncio.to_thread(sys.stdin.readline)

    async def caller() -> None:
        for call in todo:
            answers: list[Any] = await ledger.post(call)
            os.write(out, b"".join(msgspec.json.encode(told(a)) + b"\n" for a in answers))

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await ledger.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], read_orders(Path(sys.argv[2])), Path(sys.argv[3])))
