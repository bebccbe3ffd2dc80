"""The server of `kapital up`: HTTP and background work of all services in one process until it is told to stop."""

import asyncio
import signal
import socket
import sys
from typing import TYPE_CHECKING

from kapital.commands.console import end

if TYPE_CHECKING:
    from granian.server.embed import Server

    from kapital.app import Kapital
    from kapital.platform.settings import Settings


def require_free_port(settings: "Settings") -> None:
    """End with a message if somebody listens there. The server shares its port (SO_REUSEPORT): a second one would
    start without a word and get a part of the first one's requests."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            end(f"cannot listen on {settings.host}:{settings.port} (KAPITAL_HOST, KAPITAL_PORT): {error.strerror}")


async def serve(settings: "Settings") -> None:
    """Open all parts and serve until SIGINT or SIGTERM, or until a part ends by itself: then its error is raised."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from kapital.app import http_app, open_kapital
    from kapital.platform.logging import configure_logging

    configure_logging(level=settings.log_level)
    async with open_kapital(settings) as kapital:
        server = Server(
            http_app(kapital), address=settings.host, port=settings.port, interface=Interfaces.ASGI, log_enabled=False
        )
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        print(f"Kapital: http://{settings.host}:{settings.port}/contracts  (Ctrl-C stops)", file=sys.stderr)
        await _until(stopping, server, kapital)


async def _until(stopping: asyncio.Event, server: "Server", kapital: "Kapital") -> None:
    """Serve and work until told to stop, or until a part ends by itself: then its error is ours."""
    from kapital.app import work_in_background

    parts = [asyncio.create_task(server.serve()), asyncio.create_task(work_in_background(kapital))]
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait([told, *parts], return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    parts[1].cancel()
    ended = await asyncio.gather(*parts, return_exceptions=True)
    if not stopping.is_set():
        told.cancel()
        raise next((e for e in ended if isinstance(e, Exception)), RuntimeError("the server ended by itself"))
