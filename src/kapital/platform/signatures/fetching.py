"""Questions over HTTP to the services of certification authorities: only to hosts that the settings name.

A certificate says itself where its status is told, so its address is outside input: it is asked only if its host is
on the list, without redirects, within limits of time and size. Nothing of an answer is believed here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx

from kapital.kernel.problems import Unavailable

TIMEOUT_S: Final = 5.0


class SignatureSourceUnavailable(Unavailable):
    """A service of an authority was not asked or gave no usable answer. Facts: `host`, `reason`."""

    code = "signature_source_unavailable"
    title = "A service of the certification authority does not answer"


@dataclass(slots=True)
class Fetcher:
    """Asks by HTTP. `hosts` are names as they stand in an address, with the port if it is not the scheme's own."""

    hosts: frozenset[str]
    timeout_s: float = TIMEOUT_S
    _client: httpx.AsyncClient | None = field(init=False, default=None)

    @classmethod
    def to(cls, hosts: Iterable[str], timeout_s: float = TIMEOUT_S) -> "Fetcher":
        """To these hosts."""
        return cls(frozenset(host.lower() for host in hosts), timeout_s)

    def may_ask(self, url: str) -> bool:
        """Whether the address is of a host on the list."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() in self.hosts

    async def get(self, url: str, *, size_max: int) -> bytes:
        """The body of a 200. Raises: SignatureSourceUnavailable."""
        return await self._ask("GET", url, None, {}, size_max)

    async def post(self, url: str, body: bytes, *, content_type: str, size_max: int) -> bytes:
        """The body of a 200. Raises: SignatureSourceUnavailable."""
        return await self._ask("POST", url, body, {"Content-Type": content_type}, size_max)

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        # At the first question: to read what the system trusts takes longer than the rest of a start.
        if self._client is None:
            # No proxy, cookie or password of the environment: the list of hosts is the whole truth.
            self._client = httpx.AsyncClient(timeout=self.timeout_s, follow_redirects=False, trust_env=False)
        return self._client

    async def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str], size_max: int) -> bytes:
        if not self.may_ask(url):
            raise _unavailable(url, "host_not_allowed")
        try:
            async with self._opened().stream(method, url, content=body, headers=headers) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _unavailable(url, f"status_{answer.status_code}")
                content = bytearray()
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > size_max:
                        raise _unavailable(url, "too_large")
                return bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(url, type(error).__name__) from None


def _unavailable(url: str, reason: str) -> SignatureSourceUnavailable:
    try:
        host = urlsplit(url).netloc
    except ValueError:
        host = "unreadable"
    return SignatureSourceUnavailable(facts={"host": host[:200], "reason": reason})
