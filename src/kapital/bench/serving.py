"""`kapital up` as its operator runs it, for a time: a process of its own on a port of its own."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kapital.kernel.problems import InvariantBroken, ensure

START_S: Final = 240.0
STOP_S: Final = 120.0
_TOLD_BYTES: Final = 4_000


@asynccontextmanager
async def served(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[int]:
    """Serve the data of a folder until the end; the port. What the process says goes into `server.log` there.

    Raises: InvariantBroken when it does not come up, dies, or ends with an error.
    """
    port, log = _free_port(), folder / "server.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kapital",
            "up",
            env={**os.environ, **environment, "KAPITAL_DATA_DIR": str(folder), "KAPITAL_PORT": str(port)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await _until_well(process, port, log)
        yield port
        ensure(process.returncode is None, f"the server ended by itself: {_end_of(log)}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
    ensure(process.returncode == 0, f"the server ended with {process.returncode}: {_end_of(log)}")


async def _until_well(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(START_S):
            while not await _is_well(port):
                ensure(process.returncode is None, f"the server did not come up: {_end_of(log)}")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise InvariantBroken(f"the server was not well after {START_S} s: {_end_of(log)}") from None


async def _is_well(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
    finally:
        writer.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-_TOLD_BYTES:]
