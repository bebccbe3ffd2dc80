"""The scanner over clamd's INSTREAM, against a server that reads the protocol as clamd(8) writes it."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kapital.identity.adapters.clamd import CHUNK_BYTES, ClamdScanner, NoScanner
from kapital.identity.domain.kyc_document import DocumentVerdict
from kapital.identity.domain.kyc_problems import MalwareScannerUnavailable

EICAR = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


class Clamd:
    """Reads whole streams; finds EICAR, as every scanner does."""

    def __init__(self, answer: bytes | None = None, *, hangs_up: bool = False) -> None:
        self.answer, self.hangs_up = answer, hangs_up
        self.streams: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        stream = b""
        while length := struct.unpack(">I", await reader.readexactly(4))[0]:
            assert length <= CHUNK_BYTES
            stream += await reader.readexactly(length)
        self.streams.append(stream)
        if not self.hangs_up:
            found = b"stream: Eicar-Test-Signature FOUND" if EICAR in stream else b"stream: OK"
            writer.write((self.answer or found) + b"\0")
        writer.close()

    @asynccontextmanager
    async def at(self, path: Path) -> AsyncIterator[ClamdScanner]:
        async with await asyncio.start_unix_server(self.serve, path):
            yield ClamdScanner(address=f"unix://{path}")


async def test_what_is_clean_and_what_is_not(tmp_path: Path) -> None:
    clamd, large = Clamd(), b"x" * (3 * CHUNK_BYTES + 1)

    async with clamd.at(tmp_path / "clamd") as scanner:
        assert await scanner.scan(large) is DocumentVerdict.CLEAN
        assert await scanner.scan(large + EICAR) is DocumentVerdict.INFECTED

    assert clamd.streams == [large, large + EICAR]


async def test_over_tcp_too() -> None:
    async with await asyncio.start_server(Clamd().serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        assert await ClamdScanner(address=f"tcp://127.0.0.1:{port}").scan(EICAR) is DocumentVerdict.INFECTED


@pytest.mark.parametrize(
    "clamd",
    [
        Clamd(b"INSTREAM size limit exceeded. ERROR"),
        Clamd(b"stream: lstat() failed. ERROR"),
        Clamd(b"UNKNOWN COMMAND"),
        Clamd(b"stream: OK, more or less"),
        Clamd(b"x" * 10_000),
        Clamd(hangs_up=True),
    ],
)
async def test_any_other_answer_is_none(clamd: Clamd, tmp_path: Path) -> None:
    async with clamd.at(tmp_path / "clamd") as scanner:
        with pytest.raises(MalwareScannerUnavailable):
            await scanner.scan(b"x")


async def test_a_scanner_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(MalwareScannerUnavailable):
        await ClamdScanner(address=f"unix://{tmp_path}/nobody").scan(b"x")


async def test_no_scanner_says_so() -> None:
    assert await NoScanner().scan(EICAR) is DocumentVerdict.UNCHECKED_NO_SCANNER
