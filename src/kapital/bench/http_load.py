"""A cheap load over HTTP/1.1: prepared requests over kept connections, one waiting for its answer on each.

It shares the machine with the server that it measures, so it does no more than to write bytes, to find the end of the
answer, and to look at the answer after the clock was stopped.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from kapital.kernel.problems import ensure

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_HEAD_BYTES_MAX: Final = 16_384


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
    began = time.perf_counter()
    until = None if seconds is None else began + seconds

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            for request in requests:
                sent = time.perf_counter()
                writer.write(request.content)
                status, body = await _answer(reader)
                done.waits.append((time.perf_counter() - sent, request.orders))
                ensure(status == 200, f"an order was answered {status}: {body[:600].decode(errors='replace')}")
                look(body, request.orders)
                if until is not None and time.perf_counter() >= until:
                    return
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    await asyncio.gather(*(caller() for _ in range(connections)))
    done.seconds = time.perf_counter() - began
    return done


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(_HEAD_END)).lower()
    ensure(len(head) <= _HEAD_BYTES_MAX, "the head of an answer is small")
    at = head.find(_LENGTH)
    ensure(at >= 0, "an answer tells its length")
    length = int(head[at + len(_LENGTH) : head.index(b"\r\n", at)])
    return int(head[9:12]), await reader.readexactly(length)
