"""kill -9 of `kapital up` amid orders over HTTP: sent again, each is placed once and answered the same."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import pytest

from kapital.app import http_app, open_kapital
from kapital.ledger.api import Position
from kapital.platform.clock import SteppedClock
from kapital.platform.settings import Settings
from tests.contracts.serving import Served, postmasters
from tests.places import quick_folder
from tests.scenarios.house import PRICE, START, House
from tests.waiting import NEVER_S

ORDERS = "/v1/tokenization/orders"
INVESTORS, ORDERS_EACH, IN_FLIGHT, KILLS = 40, 3, 24, 2
# After how many new answers a process may die: with IN_FLIGHT more on their way, of all there are.
MOST_TOLD = (INVESTORS * ORDERS_EACH - IN_FLIGHT) // KILLS - 1
UP = Path(__file__).parent / "up_at_another_time.py"


class Request(NamedTuple):
    """One order as it is sent, and sent again."""

    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Callers:
    """Send every request and keep what was answered, until all have been or the process is dead."""

    requests: list[Request]
    told: dict[int, bytes] = field(default_factory=dict)

    async def send_all(self, served: Served, *, kill_at: int | None = None) -> None:
        """At `kill_at` new answers the process is killed, with IN_FLIGHT requests on their way."""
        todo = iter(range(len(self.requests)))
        dead = asyncio.Event()
        goal = None if kill_at is None else len(self.told) + kill_at
        async with httpx.AsyncClient(base_url=served.url, timeout=NEVER_S, trust_env=False) as web:

            async def one_after_the_other() -> None:
                for number in todo:
                    if dead.is_set():
                        return
                    request = self.requests[number]
                    try:
                        answer = await web.post(ORDERS, json=request.body, headers=request.headers)
                    except httpx.TransportError:
                        assert dead.is_set(), f"no answer from a living process: {served.said()}"
                        return
                    assert answer.status_code == 200, answer.text
                    assert self.told.setdefault(number, answer.content) == answer.content
                    if goal is not None and len(self.told) >= goal and not dead.is_set():
                        dead.set()
                        served.kill()

            await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
        assert dead.is_set() == (kill_at is not None)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: it is closed to the server's system user."""
    with TemporaryDirectory(prefix="kapital-kill-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"


@asynccontextmanager
async def inside(folder: Path, clock: SteppedClock) -> AsyncIterator[House]:
    """The data of the process, while no process runs."""
    async with (
        open_kapital(
            Settings(data_dir=folder, postgres_shared_buffers_mb=128, acts_signed="simple"), clock
        ) as kapital,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=http_app(kapital)), base_url="http://kapital.test"
        ) as web,
    ):
        yield House(kapital, clock, web, "", folder)


@pytest.mark.parametrize("per_request", [1, 5], ids=["single orders", "batches"])
async def test_orders_sent_again_after_kill_9_are_placed_once_and_answered_the_same(
    folder: Path, per_request: int
) -> None:
    seed = int(os.environ.get("KAPITAL_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KAPITAL_TEST_SEED={seed}")
    chance = random.Random(seed)
    async with inside(folder, SteppedClock(START)) as house:
        has, wants = 10 * per_request, 2 * ORDERS_EACH * per_request  # units that an investor can pay, and orders
        issue = await house.opened(INVESTORS, units_each=has, quantity_min=10, quantity_max=INVESTORS * has)
        body = {"orders": [{"issue_id": str(issue.id), "units": 2}] * per_request}
        requests = [Request(await house.token(p), body) for p in house.investors for _ in range(ORDERS_EACH)]
        investors, money_in = house.investors, house.money_in
        ahead = house.clock.now() - datetime.now(UTC)
    chance.shuffle(requests)
    command = [sys.executable, str(UP), str(ahead.total_seconds())]
    callers = Callers(requests)
    served: Served | None = None
    try:
        for _ in range(KILLS):
            served = await asyncio.to_thread(Served(folder, command).wait_until_well)
            await callers.send_all(served, kill_at=chance.randint(1, MOST_TOLD))
            assert len(callers.told) < len(requests), "the kill must hit the middle of the work"
            assert postmasters(folder) != [], "a killed process stops no server"
            served.close()
        served = await asyncio.to_thread(Served(folder, command).wait_until_well)
        await callers.send_all(served)
        await callers.send_all(served)  # and once more, when nothing is new any more
        assert await asyncio.to_thread(served.interrupt) == 0, served.said()
    finally:
        if served is not None:
            await asyncio.to_thread(served.close)

    later = SteppedClock(datetime.now(UTC) + ahead + timedelta(seconds=1))
    async with inside(folder, later) as house:
        house.investors, house.money_in = investors, money_in
        orders = await house.rows("tokenization", "SELECT order_id, state, units FROM subscription_order")
        assert {(row["state"], row["units"]) for row in orders} == {("accepted", 2)}
        answered = [httpx.Response(200, content=content).json()["items"] for content in callers.told.values()]
        assert {len(items) for items in answered} == {per_request}
        assert {item["outcome"] for items in answered for item in items} == {"accepted"}
        ids = [item["order_id"] for items in answered for item in items]
        assert len(ids) == len(set(ids)) == len(requests) * per_request
        assert set(ids) == {str(row["order_id"]) for row in orders}
        assert len(orders) == len(ids)
        assert await house.moneys(Position.RESERVED) == [wants * PRICE] * INVESTORS
        assert await house.moneys() == [(has - wants) * PRICE] * INVESTORS
        await house.must_be_sound()
        await house.closed(issue)
        assert await house.units(issue) == [wants] * INVESTORS
        await house.must_be_sound()
