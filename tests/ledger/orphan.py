"""A ledger whose process dies by its own hand while its writer, held still, has a batch before it.

Usage: orphan.py DSN ORDERS: ORDERS as `process.py` reads them: the first call is answered, the others, in one batch,
never are. Prints the process id of the writer.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import Transaction
from kapital.platform.database import Database
from tests.ledger.conftest import build
from tests.ledger.process import read_orders


async def main(dsn: str, calls: list[list[Transaction]]) -> None:
    ledger = build(Database("ledger", dsn), writer=WriterProcess)
    first, *others = calls
    await ledger.post(first)
    writer = ledger._poster._writer
    assert isinstance(writer, WriterProcess)
    assert writer._child is not None
    os.kill(writer._child.process.pid, signal.SIGSTOP)
    waiting = asyncio.gather(*(ledger.post(call) for call in others))
    while not writer._waiting or writer._unsent:  # noqa: ASYNC110 - the writer gives no event
        await asyncio.sleep(0.001)
    assert not waiting.done()
    os.write(sys.stdout.fileno(), b"%d\n" % writer._child.process.pid)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], read_orders(Path(sys.argv[2]))))
