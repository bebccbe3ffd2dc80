"""The server of `kapital up`: HTTP and background work of all services until it is told to stop.

One process does both. With `KAPITAL_HTTP_PROCESSES` above one, others serve HTTP beside it on the same port
(SO_REUSEPORT): each opens the same databases, and what one decides the others see there. All end together.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from kapital.commands.console import end
from kapital.kernel.problems import InvariantBroken

if TYPE_CHECKING:
    from granian.server.embed import Server

    from kapital.app import Kapital
    from kapital.kernel.clock import Clock
    from kapital.platform.settings import Settings

CONNECTIONS_MAX: Final = 4_096
"""Connections that a process serves at a time. The one after it waits until another ends: it is not refused."""
_BACKLOG: Final = 1_024
_READY: Final = b"ready\n"
START_S: Final = 240.0
STOP_S: Final = 120.0


@contextmanager
def port_held(settings: "Settings") -> Iterator[None]:
    """Hold the port for this process and those beside it; end with a message if somebody has it.

    The server shares its port (SO_REUSEPORT): a second one, of another register even, would start without a word and
    get a part of the first one's requests. Where the system has no names to hold (not Linux) only who listens
    already is found.
    """
    address = f"cannot listen on {settings.host}:{settings.port} (KAPITAL_HOST, KAPITAL_PORT)"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            end(f"{address}: {error.strerror}")
    if not sys.platform.startswith("linux"):
        yield
        return
    # A name that the system forgets with the process: it is taken from the first moment, long before we listen.
    with socket.socket(socket.AF_UNIX) as held:
        try:
            held.bind(f"\0kapital-{settings.host}-{settings.port}")
        except OSError:
            end(f"{address}: another kapital starts there")
        yield


async def serve(settings: "Settings", *, clock: "Clock | None" = None, tick_s: float | None = None) -> None:
    """Open all parts and serve until SIGINT or SIGTERM, or until a part ends by itself: then its error is raised.

    `clock`, `tick_s`: another clock and another pace of the schedule, for who lets days pass in minutes.
    """
    async with AsyncExitStack() as opened:
        if settings.http_processes > 1:
            # Read when the library is first imported, here and in the processes beside.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = opened.enter_context(
                TemporaryDirectory(prefix="kapital-figures-")
            )
        from kapital.app import open_kapital
        from kapital.background import TICK_S, work_in_background
        from kapital.platform.logging import configure_logging

        configure_logging(level=settings.log_level)
        kapital = await opened.enter_async_context(open_kapital(settings, clock))
        stopping = _told_by(signal.SIGINT, signal.SIGTERM)
        beside = await opened.enter_async_context(_beside(settings))
        server = _server_of(kapital)
        print(f"Kapital: http://{settings.host}:{settings.port}/contracts  (Ctrl-C stops)", file=sys.stderr)
        await _until(stopping, server, work_in_background(kapital, tick_s=tick_s or TICK_S), *map(_ended, beside))


async def serve_beside(settings: "Settings") -> None:
    """Serve HTTP beside the process that started this one, until it closes our standard input or is no more."""
    from kapital.app import open_kapital
    from kapital.background import follow_beside
    from kapital.platform.logging import configure_logging

    configure_logging(level=settings.log_level)
    # Ctrl-C goes to all processes of a terminal: the first one says when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    async with open_kapital(settings, create=False) as kapital:
        stopping, loop = _told_by(signal.SIGTERM), asyncio.get_running_loop()
        os.write(sys.stdout.fileno(), _READY)
        if await asyncio.to_thread(sys.stdin.buffer.readline) != _READY:
            return
        loop.add_reader(sys.stdin.fileno(), stopping.set)
        server = _server_of(kapital)
        try:
            await _until(stopping, server, follow_beside(kapital))
        finally:
            loop.remove_reader(sys.stdin.fileno())


def _server_of(kapital: "Kapital") -> "Server":
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from kapital.app import http_app

    return Server(
        http_app(kapital),
        address=kapital.settings.host,
        port=kapital.settings.port,
        interface=Interfaces.ASGI,
        backlog=_BACKLOG,
        backpressure=CONNECTIONS_MAX,
        log_enabled=False,
    )


def _told_by(*signals: signal.Signals) -> asyncio.Event:
    told = asyncio.Event()
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


@asynccontextmanager
async def _beside(settings: "Settings") -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """The other processes, told to serve when all can; told to end, and waited for, at the end."""
    processes: list[asyncio.subprocess.Process] = []
    try:
        for _ in range(settings.http_processes - 1):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kapital", "up", "--beside", f"--bank={settings.bank}"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            processes.append(process)
        async with asyncio.timeout(START_S):
            for process in processes:
                if process.stdout is None or await process.stdout.readline() != _READY:
                    raise InvariantBroken("a process that was to serve beside this one ended before it could")
        for process in processes:
            if process.stdin is not None:
                process.stdin.write(_READY)
        yield processes
    finally:
        await asyncio.gather(*map(_stop, processes))


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> None:
    raise InvariantBroken(f"a process that served beside this one ended with {await process.wait()}")


async def _until(stopping: asyncio.Event, server: "Server", *works: Coroutine[Any, Any, None]) -> None:
    """Serve and work until told to stop, or until a part ends by itself: then its error is ours."""
    parts = [asyncio.create_task(server.serve()), *map(asyncio.create_task, works)]
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait([told, *parts], return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    for part in parts[1:]:
        part.cancel()
    ended = await asyncio.gather(*parts, return_exceptions=True)
    if not stopping.is_set():
        told.cancel()
        raise next((e for e in ended if isinstance(e, Exception)), RuntimeError("the server ended by itself"))
