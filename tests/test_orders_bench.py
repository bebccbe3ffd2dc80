"""`kapital bench orders`, small: the real server, signed orders over HTTP, a placement that closes."""

import asyncio
import io
import sys
from asyncio.subprocess import PIPE
from collections import Counter

import pytest
from rich.console import Console

from kapital.bench.http_load import Load, Prepared, load, post
from kapital.bench.orders import OrdersBench
from kapital.kernel.problems import InvariantBroken
from kapital.sandbox.certification_authority import Scheme

FIELDS = {
    "single_per_s",
    "batch_per_s",
    "p50_ms",
    "p99_ms",
    "over_1s_percent",
    "seconds",
    "signature",
    "close_orders",
    "close_s",
    "invariants",
}


async def test_the_benchmark_tells_its_figures_and_all_invariants_hold() -> None:
    bench = OrdersBench(
        seconds=1,
        batch_seconds=1,
        close_orders=30,
        investors=4,
        connections=4,
        batch_connections=1,
        processes=2,
        scheme=Scheme.ECDSA_P256,
    )

    told = await bench.run(Console(file=io.StringIO()))

    assert set(told) >= FIELDS
    assert told["invariants"] == {f"I{n}": True for n in range(1, 8)}
    assert told["signature"] == "ecdsa"
    assert told["single_per_s"] > 0
    assert told["batch_per_s"] > 0
    assert told["close_s"] > 0
    assert told["entries"] > told["orders"]  # each accepted order has its reserve in the ledger


def test_waits_are_told_by_share_of_requests_and_lateness_by_orders() -> None:
    done = Load(seconds=2.0, waits=[(0.1, 1), (0.2, 1), (3.0, 1000), (0.4, 1)])

    assert (done.orders, done.per_s) == (1003, 501.5)
    assert (done.wait_ms(0.5), done.wait_ms(0.99), done.wait_ms(1.0)) == (400.0, 3000.0, 3000.0)
    assert done.above(1.0) == 1000


async def test_an_answer_that_is_no_success_ends_the_load(unused_tcp_port: int) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", unused_tcp_port):
        request = Prepared(post("/v1/x", {"Idempotency-Key": "k"}, b"{}"), 1)
        with pytest.raises(InvariantBroken, match="503"):
            await load(
                unused_tcp_port, iter([request]), connections=1, seconds=None, look=lambda _body, _orders: None
            )


SERVER = """
import asyncio, os, sys
async def answer(reader, writer):
    told = str(os.getpid()).encode()
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(told), told))
async def main():
    async with await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), reuse_port=True) as server:
        print("well", flush=True)
        await server.serve_forever()
asyncio.run(main())
"""


async def test_each_process_that_serves_the_port_gets_as_many_connections(unused_tcp_port: int) -> None:
    """The system gives them out by chance; three times four and four by chance is one time in fifty."""
    servers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, str(unused_tcp_port), stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    try:
        for server in servers:
            assert server.stdout is not None
            assert await server.stdout.readline() == b"well\n"
        for _ in range(3):
            answered: list[bytes] = []
            requests = [Prepared(b"GET / HTTP/1.1\r\n\r\n", 1)] * 8
            await load(
                unused_tcp_port,
                iter(requests),
                connections=8,
                seconds=0,
                look=lambda body, _orders, to=answered: to.append(body),  # type: ignore[misc]
            )
            assert Counter(answered) == {str(server.pid).encode(): 4 for server in servers}
    finally:
        for server in servers:
            server.kill()
            await server.wait()
