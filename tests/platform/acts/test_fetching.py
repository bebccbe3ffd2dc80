"""What is asked over HTTP: only hosts of the settings, no redirects, bounded answers."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from kapital.platform.signatures.certificates import certificate
from kapital.platform.signatures.fetching import Fetcher, SignatureSourceUnavailable
from kapital.platform.signatures.online import OnlineRevocation
from kapital.platform.signatures.revocation import RevocationRules
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from tests.platform.signatures.world import DAY, INN, START, StoppedClock

Answer = Callable[[], bytes]


class Host:
    """A server that says one thing to everybody, and counts who came."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.asked = 0
        self.name = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.name = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    await server.wait_closed()


async def test_a_list_that_tells_of_many_is_fetched_once_for_all_who_ask_together() -> None:
    clock = StoppedClock(START)
    authority = Authority.root("Учебный корень", at=START - 9 * DAY)
    authority.crl_urls = ("http://lists.example.org/crl",)
    people = [SandboxSigner.for_subject(authority, Subject("Иванов", {"inn": INN}), clock=clock) for _ in range(5)]
    links = [(certificate(one.certificate()), certificate(authority.certificates[0])) for one in people]
    asked: list[str] = []

    class Lists(Fetcher):
        def may_ask(self, _url: str) -> bool:
            return True

        async def get(self, url: str, *, size_max: int) -> bytes:
            asked.append(url)
            await asyncio.sleep(0.01)
            return authority.crl(at=START)

    source = OnlineRevocation(Lists.to([]), DAY, RevocationRules())
    assert source.known(links, now=START) is None

    found = await asyncio.gather(*(source.data_for([link], now=START) for link in links))

    assert len(asked) == 1
    assert {one.crls for one in found} == {found[0].crls}
    known = source.known(links, now=START)
    assert known is not None
    assert known.crls == found[0].crls


async def reason(fetcher: Fetcher, url: str, size_max: int = 100) -> str:
    with pytest.raises(SignatureSourceUnavailable) as refused:
        await fetcher.get(url, size_max=size_max)
    await fetcher.close()
    return str(refused.value.facts["reason"])


async def test_a_host_of_the_settings_is_asked(host: Host) -> None:
    fetcher = Fetcher.to([host.name])

    assert await fetcher.get(f"http://{host.name}/crl", size_max=100) == b"ok"
    await fetcher.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://{}/crl",
        "http://user@{}/crl",
        "http://{}.example.org/",
        "file:///etc/passwd",
        "ftp://{}/crl",
        "ldap://{}/cn=ca",
        "http://[::1/",
        "",
    ],
)
async def test_no_other_host_and_no_other_scheme_is_asked(host: Host, url: str) -> None:
    allowed = ["ocsp.example.org"] if url == "http://{}/crl" else [host.name]

    assert await reason(Fetcher.to(allowed), url.format(host.name)) == "host_not_allowed"
    assert host.asked == 0


async def test_a_redirect_is_not_followed(host: Host) -> None:
    host.answer = f"HTTP/1.1 302 Found\r\nLocation: http://{host.name}/x\r\nContent-Length: 0\r\n\r\n".encode()

    assert await reason(Fetcher.to([host.name]), f"http://{host.name}/crl") == "status_302"
    assert host.asked == 1


async def test_an_answer_that_is_too_large_is_not_taken(host: Host) -> None:
    host.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101

    assert await reason(Fetcher.to([host.name]), f"http://{host.name}/crl") == "too_large"


async def test_a_host_that_says_nothing_is_given_up(host: Host) -> None:
    host.answer = b""

    assert await reason(Fetcher.to([host.name]), f"http://{host.name}/crl") == "RemoteProtocolError"
