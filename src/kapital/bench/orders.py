"""Signed orders over HTTP: one by one, in batches, and the close of a placement with all that follows from it.

Conditions: `kapital up` in processes of its own (as many as there are cores, unless told otherwise) with its embedded
PostgreSQL, fsync and synchronous_commit on, in a fresh folder; orders over the loopback address, each act signed in
advance by a certificate of the sandbox's authority (GOST R 34.10-2012 where the engine is installed, else ECDSA, or
what is asked for) that is bound to its investor; the server fetches the authority's lists of revoked certificates and
checks every signature; an answer counts when it says `accepted`, that is, when the price is reserved in the ledger.
The load generator shares the machine's cores with all this: each of its connections sends the next request when it
has its answer.

`single_per_s`: one order an act, for `seconds`. `batch_per_s`: acts of 1,000 orders, for `batch_seconds`; both times
reach to the last answer. `p50_ms`, `p99_ms` and `max_ms` are waits of single orders, `batch_p50_ms` and
`batch_p99_ms` those of whole batches; `over_1s_percent` is the share of all orders, single and in batches, that were
answered later than a second. `close_s`: from the end of a placement, as its decision says it, to the state in which
all its units are delivered against payment, all refunds are made and the issue circulates. `entries`: of the ledger,
over which the invariants were checked.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from kapital.app import Kapital, open_kapital
from kapital.bench.http_load import Load, load
from kapital.bench.orders_acts import Stock, sign_stock
from kapital.bench.orders_house import Buyer, People, bring_people, find_issue, open_issue
from kapital.bench.serving import served
from kapital.contracts.tokenization import OrderAnswer, OrdersPlaced
from kapital.demo.signing import Signing
from kapital.invariants import check_invariants
from kapital.kernel.problems import InvariantBroken, ensure
from kapital.platform.clock import SystemClock
from kapital.platform.settings import Settings
from kapital.platform.signatures.libcrypto import lib
from kapital.sandbox.certification_authority import Scheme
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import IssueState

PER_BATCH: Final = 1_000
_LATE_S: Final = 1.0
_WARM_UP_SINGLES: Final = 12
_WARM_UP_BATCHES: Final = 2
"""Requests on each connection before anything counts."""
_RESERVE: Final = 1.4
"""How many more are signed than the warm-up says can be answered."""
_CLOSE_UNITS: Final = 5
_SHARE_PLACED: Final = 0.8
_PLACING_S: Final = 15
_CLOSED_WITHIN_S: Final = 600.0
_LOOK_EVERY_S: Final = 0.1


@dataclass(slots=True)
class OrdersBench:
    """One run. `seconds` and `batch_seconds` are times of load, `close_orders` the orders of the placement closed."""

    seconds: float
    batch_seconds: float
    close_orders: int
    investors: int
    connections: int
    batch_connections: int
    processes: int
    scheme: Scheme | None = None

    async def run(self, console: Console) -> dict[str, Any]:
        """Measure everything and return the figures. Raises: LibcryptoMissing, GostEngineMissing."""
        lib()
        folder, clock = Path(tempfile.mkdtemp(prefix="kapital-bench-")), SystemClock()
        try:
            async with Signing.open(clock, folder / "trust", scheme=self.scheme) as signing:
                return await _Run(self, console, folder, clock, signing).all()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run under way: its folder and who signs in it."""

    sizes: OrdersBench
    console: Console
    folder: Path
    clock: SystemClock
    signing: Signing

    async def all(self) -> dict[str, Any]:
        """Prepare, load, close, check."""
        self._say(f"{self.sizes.investors} investors: registered, identified, funded, certified")
        async with open_kapital(self._settings()) as kapital:
            people = await bring_people(kapital, self.signing, self.sizes.investors)
            far = self.clock.now() + timedelta(days=2)
            issue = await open_issue(kapital, self.signing, people.issuer, end_at=far)
        async with served(self.folder / "data", self._environment()) as port:
            single = await self._singles(port, people.buyers, issue)
            batch = await self._batches(port, people.buyers, issue)
            close_s = await self._close(port, people, batch.per_s)
        self._say("invariants")
        async with open_kapital(self._settings(), create=False) as kapital:
            invariants = await check_invariants(kapital)
            entries = await kapital.ledger.size()
        return self._told(single, batch, close_s) | {"invariants": invariants.holds(), "entries": entries}

    def _told(self, single: Load, batch: Load, close_s: float) -> dict[str, Any]:
        orders = single.orders + batch.orders
        late = single.above(_LATE_S) + batch.above(_LATE_S)
        return {
            "single_per_s": round(single.per_s),
            "batch_per_s": round(batch.per_s),
            "p50_ms": round(single.wait_ms(0.5), 1),
            "p99_ms": round(single.wait_ms(0.99), 1),
            "over_1s_percent": round(100 * late / orders, 3),
            "seconds": round(single.seconds, 1),
            "signature": self.signing.scheme.partition("_")[0],
            "close_orders": self.sizes.close_orders,
            "close_s": round(close_s, 2),
            "batch_seconds": round(batch.seconds, 1),
            "batch_orders": PER_BATCH,
            "batch_p50_ms": round(batch.wait_ms(0.5), 1),
            "batch_p99_ms": round(batch.wait_ms(0.99), 1),
            "max_ms": round(single.wait_ms(1.0), 1),
            "connections": self.sizes.connections,
            "batch_connections": self.sizes.batch_connections,
            "http_processes": self.sizes.processes,
            "investors": self.sizes.investors,
            "orders": orders,
            "fsync": "on",
            "synchronous_commit": "on",
        }

    # --- load

    async def _singles(self, port: int, buyers: Sequence[Buyer], issue: Issue) -> Load:
        connections = self.sizes.connections
        warm = await self._load(port, await self._signed(buyers, issue, _WARM_UP_SINGLES * connections), connections)
        wanted = int(warm.per_s * self.sizes.seconds * _RESERVE) + connections
        self._say(f"warm-up: {warm.per_s:.0f} single orders/s; signing {wanted}")
        stock = await self._signed(buyers, issue, wanted)
        self._say(f"{self.sizes.seconds:.0f} s of single orders")
        return await self._load(port, stock, connections, self.sizes.seconds)

    async def _batches(self, port: int, buyers: Sequence[Buyer], issue: Issue) -> Load:
        connections = self.sizes.batch_connections
        some = await self._signed(buyers, issue, _WARM_UP_BATCHES * connections, PER_BATCH)
        warm = await self._load(port, some, connections)
        wanted = int(warm.per_s * self.sizes.batch_seconds / PER_BATCH * _RESERVE) + connections
        self._say(f"warm-up: {warm.per_s:.0f} orders/s in batches; {self.sizes.batch_seconds:.0f} s of them")
        stock = await self._signed(buyers, issue, wanted, PER_BATCH)
        return await self._load(port, stock, connections, self.sizes.batch_seconds)

    async def _signed(
        self, buyers: Sequence[Buyer], issue: Issue, requests: int, orders_each: int = 1, units: int = 1
    ) -> Stock:
        return await sign_stock(
            self.signing, buyers, issue, requests, folder=self.folder, orders_each=orders_each, units=units
        )

    async def _load(self, port: int, stock: Stock, connections: int, seconds: float | None = None) -> Load:
        with stock.file:
            return await load(
                port, stock.requests(), connections=connections, seconds=seconds, look=_require_accepted
            )

    # --- the close

    async def _close(self, port: int, people: People, per_s: float) -> float:
        """Place the orders of one more issue, wait for its end, and return the seconds from there."""
        sizes = [PER_BATCH] * (self.sizes.close_orders // PER_BATCH)
        sizes += [rest] if (rest := self.sizes.close_orders % PER_BATCH) else []
        units = max(1, int(self.sizes.close_orders * _CLOSE_UNITS * _SHARE_PLACED))
        placing = timedelta(seconds=_PLACING_S + int(2 * self.sizes.close_orders / per_s))
        async with open_kapital(self._settings()) as kapital:
            end_at = self.clock.now().replace(microsecond=0) + placing
            issue = await open_issue(kapital, self.signing, people.issuer, end_at=end_at, units=units)
            stocks = [await self._signed(people.buyers, issue, 1, size, _CLOSE_UNITS) for size in sizes]
            with ExitStack() as files:
                for stock in stocks:
                    files.enter_context(stock.file)
                placed = await load(
                    port,
                    (request for stock in stocks for request in stock.requests()),
                    connections=self.sizes.batch_connections,
                    seconds=None,
                    look=_require_accepted,
                )
            ensure(placed.orders == self.sizes.close_orders, "every order of the placement is accepted")
            self._say(f"{placed.orders} orders placed; the placement closes")
            return await self._until_circulating(kapital, issue, end_at)

    async def _until_circulating(self, kapital: Kapital, issue: Issue, end_at: datetime) -> float:
        while (self.clock.now() - end_at).total_seconds() < _CLOSED_WITHIN_S:
            found = await find_issue(kapital, issue.issue_id)
            if found.state is IssueState.CIRCULATING:
                ensure(found.allocated_units == issue.quantity_max, "the whole quantity is placed")
                return (self.clock.now() - end_at).total_seconds()
            await asyncio.sleep(_LOOK_EVERY_S)
        raise InvariantBroken(f"the placement is not closed after {_CLOSED_WITHIN_S} s: {found.state}")

    # --- settings

    def _settings(self) -> Settings:
        # Never the server that the environment may name: a benchmark has no business in it.
        return Settings(data_dir=self.folder / "data", database_url=None, bank="sandbox", **self.signing.settings())

    def _environment(self) -> dict[str, str]:
        """The same settings for the server's process."""
        texts = {}
        for name, value in self.signing.settings().items():
            is_text = isinstance(value, str | Path)
            texts[f"KAPITAL_{name.upper()}"] = str(value) if is_text else msgspec.json.encode(value).decode()
        return texts | {"KAPITAL_LOG_LEVEL": "WARNING", "KAPITAL_HTTP_PROCESSES": str(self.sizes.processes)}

    def _say(self, words: str) -> None:
        self.console.print(words)


def _require_accepted(body: bytes, orders: int) -> None:
    items = msgspec.json.decode(body, type=OrdersPlaced).items
    refused = next((item for item in items if item.outcome is not OrderAnswer.accepted), None)
    ensure(refused is None, f"an order was not accepted: {refused}")
    ensure(len(items) == orders, "each order is answered")
