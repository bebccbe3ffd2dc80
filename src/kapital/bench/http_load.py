"""A cheap load over HTTP/1.1: prepared requests over kept connections, one waiting for its answer on each.

It shares the machine with the server that it measures, so it does no more than to write bytes, to find the end of the
answer, and to look at the answer after the clock was stopped.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

import psutil

from kapital.kernel.problems import ensure

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_HEAD_BYTES_MAX: Final = 16_384
_ACCEPTED_WITHIN_S: Final = 0.2
_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request as it goes over the wire, and how many orders are in it."""

    content: bytes
    orders: int


@dataclass(slots=True)
class Load:
    """What a time of load came to. `waits`: seconds of each request with its orders; only whole answers count."""

    seconds: float = 0.0
    waits: list[tuple[float, int]] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """How many orders were answered."""
        return sum(orders for _, orders in self.waits)

    @property
    def per_s(self) -> float:
        """Orders in a second."""
        return self.orders / self.seconds if self.seconds else 0.0

    def wait_ms(self, share: float) -> float:
        """The wait, in milliseconds, that this share of the requests did not exceed."""
        ordered = sorted(wait for wait, _ in self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 if ordered else 0.0

    def above(self, seconds: float) -> int:
        """How many orders were answered later than this."""
        return sum(orders for wait, orders in self.waits if wait > seconds)


Look = Callable[[bytes, int], None]
"""Raises unless the body is the answer that so many orders should get."""


def post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of a POST with a JSON body."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def load(
    port: int, requests: Iterator[Prepared], *, connections: int, seconds: float | None, look: Look
) -> Load:
    """Send requests until the time is over (None: until there are none), and wait for those that are on their way.

    Raises: InvariantBroken for an answer that is none of 200, and what `look` raises.
    """
    done = Load()
    opened = await _opened(port, connections)
    began = time.perf_counter()
    until = None if seconds is None else began + seconds

    async def caller(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for request in requests:
            sent = time.perf_counter()
            writer.write(request.content)
            status, body = await _answer(reader)
            done.waits.append((time.perf_counter() - sent, request.orders))
            ensure(status == 200, f"an order was answered {status}: {body[:600].decode(errors='replace')}")
            look(body, request.orders)
            if until is not None and time.perf_counter() >= until:
                return

    try:
        await asyncio.gather(*(caller(reader, writer) for reader, writer in opened))
        done.seconds = time.perf_counter() - began
    finally:
        await _close([writer for _, writer in opened])
    return done


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _opened(port: int, wanted: int) -> list[Connection]:
    """Connections shared out evenly among the processes that serve the port, as a balancer before them would.

    The system gives a connection to a process by chance: two of them would meet in one every other time. Where it
    does not tell whose a connection is, they stay as they came.
    """
    servers = {one.pid for one in _sockets(port) if one.status == psutil.CONN_LISTEN}
    share = -(-wanted // max(1, len(servers)))
    kept: list[Connection] = []
    held: Counter[int | None] = Counter()
    for still_choosing in (*repeat(True, _TRIES), False):
        if len(kept) == wanted:
            break
        opened = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(wanted - len(kept))]
        await asyncio.sleep(_ACCEPTED_WITHIN_S)
        owners = {one.raddr.port: one.pid for one in _sockets(port) if one.raddr}
        for reader, writer in opened:
            owner = owners.get(writer.get_extra_info("sockname")[1])
            if still_choosing and owner is not None and held[owner] == share:
                await _close([writer])
            else:
                held[owner] += 1
                kept.append((reader, writer))
    return kept


def _sockets(port: int) -> list[Any]:
    """The sockets of the servers on this port; none where only an administrator may ask."""
    with suppress(psutil.AccessDenied):
        return [one for one in psutil.net_connections("tcp4") if one.laddr and one.laddr.port == port]
    return []


async def _close(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.close()
    for writer in writers:
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(_HEAD_END)).lower()
    ensure(len(head) <= _HEAD_BYTES_MAX, "the head of an answer is small")
    at = head.find(_LENGTH)
    ensure(at >= 0, "an answer tells its length")
    length = int(head[at + len(_LENGTH) : head.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(length)
