"""clamd, the daemon of ClamAV, over its INSTREAM command; and the scanner of an installation that has none.

Protocol: clamd(8). `zINSTREAM\\0`, then chunks – a length of four bytes, most significant first, and so many bytes –
and a length of zero; the answer is `stream: OK`, `stream: <name> FOUND` or `… ERROR`, ended by a zero byte.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kapital.identity.domain.kyc_document import DocumentVerdict
from kapital.identity.domain.kyc_problems import UNEXPECTED_ANSWER, MalwareScannerUnavailable

CHUNK_BYTES: Final = 65_536
ANSWER_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class ClamdScanner:
    """MalwareScanner over `tcp://host:port` or `unix:///path`. One connection a document."""

    address: str
    timeout_s: float = 60.0

    async def scan(self, content: bytes) -> DocumentVerdict:
        """CLEAN or INFECTED. Raises: MalwareScannerUnavailable – also for any answer but these two."""
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._ask(content)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise MalwareScannerUnavailable(facts={"reason": type(error).__name__}) from error
        if answer == b"stream: OK":
            return DocumentVerdict.CLEAN
        if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
            return DocumentVerdict.INFECTED
        raise MalwareScannerUnavailable(facts={"reason": UNEXPECTED_ANSWER})

    async def _ask(self, content: bytes) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK_BYTES):
                chunk = content[start : start + CHUNK_BYTES]
                writer.write(struct.pack(">I", len(chunk)) + chunk)
                await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
            return (await reader.readuntil(b"\0"))[:-1].strip()
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path, limit=ANSWER_BYTES_MAX)
        return await asyncio.open_connection(parts.hostname, parts.port, limit=ANSWER_BYTES_MAX)


class NoScanner:
    """MalwareScanner of an installation without one: says so, and whether that will do is the operator's setting."""

    async def scan(self, content: bytes) -> DocumentVerdict:  # noqa: ARG002 - nothing looks at it
        """UNCHECKED_NO_SCANNER."""
        return DocumentVerdict.UNCHECKED_NO_SCANNER
