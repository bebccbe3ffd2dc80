"""Top-up by QR code before a bank that is another process: it calls back over real HTTP, or does not (13, 14)."""

import asyncio
import re
import socket
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from granian.constants import Interfaces
from granian.server.embed import Server

from kapital.kernel.actor import Actor
from kapital.platform.clock import SystemClock
from kapital.platform.database import Databases
from kapital.platform.http import create_app
from kapital.platform.objects import ObjectStore
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork
from kapital.sandbox.bank.bank import DATABASE
from kapital.sandbox.bank.webhooks import KEY
from kapital.settlement.adapters.http_bank import HttpBank, open_http_bank
from kapital.settlement.adapters.raw_messages import RawBankMessages
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.ports import Parts, Webhook
from kapital.settlement.service import sbp_parts_of, settlement_of
from kapital.settlement.use_cases.book_incoming import book_incoming, book_kept
from tests.places import quick_folder
from tests.sandbox.bank.serving import BankProgram, Caller
from tests.settlement.world import World

GUIDE = Path(__file__).parents[2] / "docs/how-to/integrate/call-back-from-a-bank.md"
MODULE = "module"
PATIENCE_S = 120.0


@dataclass
class Neighbours:
    """The bank's process, and the port on which settlement is called back."""

    program: BankProgram
    port: int


@pytest.fixture(scope=MODULE)
def neighbours() -> Iterator[Neighbours]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1/settlement/bank-notices"
    with TemporaryDirectory(prefix="kapital-bank-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        program = BankProgram(Path(made) / "bank", "--webhook-url", url).wait_until_well()
        try:
            yield Neighbours(program, port)
        finally:
            program.stop()


@dataclass
class Shop:
    world: World
    bank: HttpBank
    counter: Caller
    client: httpx.AsyncClient
    parts: Parts

    async def code(self, wallet: UUID, kopecks: int, key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {wallet}", "Idempotency-Key": key}
        body = {"wallet_id": str(wallet), "amount_kopecks": kopecks}
        answer = await self.client.post("/v1/settlement/sbp-top-ups", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def shown(self, wallet: UUID, code: dict[str, Any], more: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {wallet}"}
        return await self.client.get(f"/v1/settlement/sbp-top-ups/{code['top_up_id']}{more}", headers=headers)

    async def scan(self, code: dict[str, Any]) -> None:
        answer = await self.counter.post("/sandbox/sbp-payments", {"qr_id": code["qr_id"]})
        assert answer.status_code == 201, answer.text

    async def outcomes(self) -> list[tuple[str, int]]:
        rows = await self.world.rows(
            "SELECT signature_outcome, times FROM bank_http_message WHERE channel = 'call_back' ORDER BY first_at"
        )
        return [(row["signature_outcome"], row["times"]) for row in rows]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


class Tokens:
    def __init__(self, world: World) -> None:
        self._world = world

    async def verify(self, token: str) -> Actor | None:
        return self._world.owners.get(UUID(token))


@asynccontextmanager
async def served(app: Any, port: int) -> AsyncIterator[None]:
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(asyncio.CancelledError):
            await serving


@pytest_asyncio.fixture
async def shop(world: World, neighbours: Neighbours, tmp_path: Path) -> AsyncIterator[Shop]:
    program, clock = neighbours.program, SystemClock()
    raw = RawBankMessages(world.database, clock, ObjectStore(tmp_path / "kept"))
    bank = open_http_bank(
        program.url,
        token_file=program.token_file,
        answer_key_file=program.answer_key,
        authorities=None,
        certificate=None,
        certificate_key=None,
        timeout_s=20,
        raw=raw,
    )
    sbp = sbp_parts_of(webhook=Webhook(key=(program.folder / KEY).read_bytes(), raw=raw))
    # The bank's clock is the machine's, and a signature holds for five minutes.
    parts = world.parts = replace(world.parts, bank=bank, sbp=sbp, uow=UnitOfWork(world.database, clock))
    service = settlement_of(world.database, clock, ledger=world.ledger, bank=bank, acts=parts.acts, sbp=sbp)
    app = create_app(
        [service.routes],
        settings=Settings(),
        databases=Databases({"settlement": world.database}),
        verifier=Tokens(world),
    )
    url = f"http://127.0.0.1:{neighbours.port}"
    async with (
        served(app, neighbours.port),
        httpx.AsyncClient(base_url=program.url, timeout=60) as at_bank,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        counter = Caller(at_bank, program.token_file.read_text())
        counter.keys = id(world)  # keys of another test are other keys
        await counter.play()
        await book_incoming(parts)
        yield Shop(world, bank, counter, client, parts)
        # What the bank still has to say would be said to the next test.
        await until(lambda: _has_said_all(program))
    await bank.close()


async def _has_said_all(program: BankProgram) -> bool:
    books = await asyncpg.connect(EmbeddedPostgres(program.folder).dsn(f"kapital_{DATABASE}"))
    try:
        return not await books.fetchval("SELECT count(*) FROM webhook WHERE ended_at IS NULL")
    finally:
        await books.close()


async def test_a_client_tops_up_by_a_code_and_the_bank_calls_back(shop: Shop) -> None:
    wallet, stranger = await shop.world.wallet(), await shop.world.wallet()
    code = await shop.code(wallet, 12_300, "one")
    svg, png = await shop.shown(wallet, code, "/image"), await shop.shown(wallet, code, "/image?format=png")
    hidden = await shop.shown(stranger, code)

    await shop.scan(code)

    async def is_paid() -> bool:
        return bool((await shop.shown(wallet, code)).json()["state"] == "paid")

    await until(is_paid)
    kept = await shop.outcomes()
    await book_incoming(shop.parts)

    assert (svg.headers["content-type"], png.content[:4]) == ("image/svg+xml", b"\x89PNG")
    assert svg.headers["expires"].endswith("GMT")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "sbp_top_up_not_found")
    assert (code["state"], kept) == ("active", [("valid", 1)])
    assert (await shop.shown(wallet, code, "/image")).json()["code"] == "sbp_qr_must_be_active"
    # The list told it too, and was kept as it came before it was booked.
    assert await shop.world.kopecks(wallet) == 12_300
    answers = await shop.world.rows("SELECT raw_sha256 FROM bank_http_message WHERE channel = 'answer'")
    assert len(answers) >= 1
    (booked,) = await shop.world.events("top_up_booked")
    assert booked["amount_kopecks"] == 12_300


async def test_the_example_for_a_banks_developers_works(shop: Shop, neighbours: Neighbours) -> None:
    """As it stands in the guide, with the addresses of this test."""
    wallet = await shop.world.wallet()
    code = await shop.code(wallet, 15_000, "guide")
    (script,) = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    for name, value in {
        "URL": f"http://127.0.0.1:{neighbours.port}/v1/settlement/bank-notices",
        "KEY": neighbours.program.folder / KEY,
        "QR": code["qr_id"],
    }.items():
        script, replaced = re.subn(rf"^{name}=.*$", f"{name}={value}", script, flags=re.MULTILINE)
        assert replaced == 1

    said = []
    for _ in range(2):
        ran = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=PIPE)
        said.append((await ran.communicate())[0].decode())

    assert said == ['{"result":"taken_in"}', '{"result":"known"}']
    await book_kept(shop.parts)
    assert await shop.world.kopecks(wallet) == 15_000


async def test_what_a_lost_call_back_would_have_told_the_list_tells(shop: Shop) -> None:
    wallet = await shop.world.wallet()
    await shop.counter.play({"at": "webhook", "do": "lost"})
    await shop.scan(await shop.code(wallet, 100, "lost"))

    await book_incoming(shop.parts)

    assert await shop.world.kopecks(wallet) == 100


@pytest.mark.parametrize(
    ("do", "outcome"), [("bad_signature", "invalid"), ("altered_sum", "invalid"), ("clock_skew", "stale")]
)
async def test_an_altered_or_foreign_call_back_books_nothing_and_raises_the_alarm(
    shop: Shop, do: str, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scenario 14. The money is never told in the list, so what books it is the bank's own word, told again."""
    wallet = await shop.world.wallet()
    await shop.counter.play(
        {"at": "webhook", "do": do, "kopecks": 900, "seconds": 3600}, {"at": "credit", "do": "lost"}
    )
    await shop.scan(await shop.code(wallet, 100, f"k-{do}"))

    async def refused() -> bool:
        return bool(await shop.outcomes())

    await until(refused)
    first = (await shop.outcomes())[0]
    await until(lambda: _ends(shop, "valid"))
    await until(lambda: _is_booked(shop, wallet))

    assert first == (outcome, 1)
    assert "settlement.bank_notice_refused" in capsys.readouterr().err
    assert await shop.world.kopecks(wallet) == 100


async def test_a_call_back_told_twice_and_a_credit_told_under_another_id_are_booked_once(shop: Shop) -> None:
    """Scenario 13."""
    wallet = await shop.world.wallet()
    unidentified = await shop.world.kopecks(UNIDENTIFIED_WALLET)
    await shop.counter.play({"at": "webhook", "do": "duplicate"}, {"at": "credit", "do": "duplicate_other_id"})
    await shop.scan(await shop.code(wallet, 100, "twice"))
    await until(lambda: _has(shop, [("valid", 2)]))

    await book_incoming(shop.parts)

    assert await shop.world.kopecks(wallet) == 100
    assert await shop.world.kopecks(UNIDENTIFIED_WALLET) == unidentified + 100
    rows = await shop.world.rows("SELECT reason FROM incoming_payment WHERE reason = 'same_content_other_id'")
    assert len(rows) == 1


async def _has(shop: Shop, expected: list[tuple[str, int]]) -> bool:
    return await shop.outcomes() == expected


async def _is_booked(shop: Shop, wallet: UUID) -> bool:
    # Again and again: what is kept first may be money of the tests before, from the bank's list.
    await book_incoming(shop.parts)
    return await shop.world.kopecks(wallet) > 0


async def _ends(shop: Shop, outcome: str) -> bool:
    return [found for found, _ in await shop.outcomes()][-1:] == [outcome]
