"""The sandbox's authority over HTTP on the loopback address: OCSP, lists of revoked certificates, time-stamps.

`silent` makes it a service that is away, which a real one is at times.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Problem, ensure
from kapital.sandbox.certification_authority.authority import REQUEST_BYTES_MAX, Authority
from kapital.sandbox.certification_authority.people import TimeStampAuthority

_HEAD_MAX: Final = 8192
_ANSWER: Final = "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"

Route = Callable[[bytes], bytes]


@dataclass(slots=True)
class ServedAuthority:
    """Serves authorities by number: `/ocsp/<n>`, `/crl/<n>`, `/tsa`. `silent`: connections are closed unanswered."""

    clock: Clock
    _listener: socket.socket
    silent: bool = False
    asked: int = 0
    _routes: dict[tuple[str, str], Route] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @classmethod
    def at_free_port(cls, clock: Clock) -> "ServedAuthority":
        """Take a port; addresses are known from then on, though nothing is served before `start`."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        return cls(clock, listener)

    @property
    def host(self) -> str:
        """Host and port, as the list of hosts to be asked names them."""
        address, port = self._listener.getsockname()
        return f"{address}:{port}"

    @property
    def time_stamp_url(self) -> str:
        """Where time-stamps are given."""
        return f"http://{self.host}/tsa"

    def addresses(self, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Where OCSP is answered and lists are published for the certificates of an authority."""
        return (f"http://{self.host}/ocsp/{number}",), (f"http://{self.host}/crl/{number}",)

    async def start(self, authorities: Sequence[Authority], stamps: TimeStampAuthority | None = None) -> None:
        """Serve authorities, numbered as they stand."""
        for number, authority in enumerate(authorities):
            self._routes["POST", f"/ocsp/{number}"] = _ocsp(authority, self.clock)
            self._routes["GET", f"/crl/{number}"] = _crl(authority, self.clock)
            self._kinds |= {f"/ocsp/{number}": "application/ocsp-response", f"/crl/{number}": "application/pkix-crl"}
        if stamps is not None:
            self._routes["POST", "/tsa"] = stamps.answer
            self._kinds["/tsa"] = "application/timestamp-reply"
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=_HEAD_MAX)

    async def close(self) -> None:
        """Stop serving: the address first, then the connections under way."""
        ensure(self._server is not None, "what was started is closed")
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        under_way = tuple(self._open)
        for writer in under_way:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in under_way), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._open.add(writer)
        try:
            if not self.silent:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass  # Whoever spoke no HTTP gets no answer.
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._open.discard(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        length = int(headers.get("content-length", "0"))
        bounded = 0 <= length <= REQUEST_BYTES_MAX
        body = await reader.readexactly(length) if bounded else b""
        route = self._routes.get((method, path)) if bounded else None
        try:
            status, answer = ("200 OK", route(body)) if route else ("404 Not Found", b"")
        except Problem:
            status, answer = "400 Bad Request", b""
        kind = self._kinds.get(path, "application/octet-stream")
        writer.write(_ANSWER.format(status=status, kind=kind, length=len(answer)).encode() + answer)
        await writer.drain()


def _ocsp(authority: Authority, clock: Clock) -> Route:
    return lambda body: authority.answer_ocsp(body, at=clock.now())


def _crl(authority: Authority, clock: Clock) -> Route:
    return lambda _: authority.crl(at=clock.now())
