"""DvP per second through `post`: four postings, a unique id, a leaf in the tree, proof available at commit.

Conditions: embedded PostgreSQL with fsync and synchronous_commit on, in a fresh folder; `callers` concurrent callers
in one process, each waiting for its own single DvP before it sends the next; wallets drawn at random for both sides;
a checkpoint of the server before each measurement, so that its log goes on in files that it has already, as it does
on a server that has run for an hour.
The same run measures an empty ledger, the filled one, one hot seller, one caller alone, proofs, and the rate at
which the same entry rows go in by bare COPY with nothing else done – the limit.
"""

import asyncio
import random
import resource
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from rich.console import Console

from kapital.kernel.problems import ensure
from kapital.ledger.adapters.copy_format import copy_entries
from kapital.ledger.adapters.writer_process import WriterProcess
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    Transaction,
    money_asset,
)
from kapital.ledger.domain.plan import EntryRow
from kapital.ledger.service import MIGRATIONS, LedgerService
from kapital.platform.clock import SystemClock
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.platform.postgres import open_databases
from kapital.platform.process import tune_collector
from kapital.platform.settings import Settings

RUB: Final = money_asset()
_BASIS: Final = Basis(BasisKind.ORDER, "bench")
_ACTOR: Final = "machine:bench"
_RICH: Final = 10**12
_PER_TRANSACTION: Final = 400
_COPY_ROWS: Final = 200_000
_COPY_BATCH: Final = 1_000
_WARM_UP_S: Final = 3.0

MakeDvp = Callable[[], Transaction]


@dataclass(slots=True)
class LedgerBench:
    """One run. Sizes are entries and wallets, times are seconds."""

    wallets: int
    entries_before: int
    seconds: float
    callers: int
    units: UUID = field(default_factory=new_uuid7)

    async def run(self, console: Console) -> dict[str, Any]:
        """Measure everything and return the figures."""
        tune_collector()
        async with _server() as database:
            ledger = LedgerService(
                database,
                SystemClock(),
                rule_book_version="bench",
                code_version="bench",
                origin="bench",
                writer=WriterProcess,
            )
            try:
                figures = await self._measure(console, database, ledger)
            finally:
                await ledger.close()
            # The ledger's process and, now that it has ended, its writer's; the server's memory is a setting.
            peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            return {**figures, "peak_mb": sum(peaks) // 1024}

    async def _measure(self, console: Console, database: Database, ledger: LedgerService) -> dict[str, Any]:
        keys = await self._open_wallets(ledger)
        random_dvp, hot_dvp = _dvps(keys), _dvps(keys, hot=True)
        console.print(f"{self.wallets} wallets; measuring an empty ledger")
        empty = await self._load(database, ledger, random_dvp, min(self.seconds, 30))
        console.print(f"empty: {empty.per_s:.0f} DvP/s; filling to {self.entries_before} entries")
        while (size := await ledger.size()) < self.entries_before:
            await _load(
                ledger, random_dvp, min(10, (self.entries_before - size) / max(empty.per_s, 1) + 1), self.callers
            )
        before = await ledger.size()
        console.print(f"{before} entries; measuring {self.seconds:.0f} s")
        full = await self._load(database, ledger, random_dvp, self.seconds)
        console.print(f"full: {full.per_s:.0f} DvP/s, p99 {full.p99_ms:.0f} ms; one hot seller")
        hot = await self._load(database, ledger, hot_dvp, self.seconds)
        console.print(f"hot: {hot.per_s:.0f} DvP/s; single caller, proofs, bare COPY")
        alone = await _load(ledger, random_dvp, 5, 1)
        proofs = await _proofs(ledger, 5)
        size = await ledger.size()
        connection = await asyncpg.connect(database.dsn)
        stored = await connection.fetchval("SELECT pg_database_size(current_database())")
        copy_per_s = await _bare_copy(connection, size)
        await connection.close()
        return {
            "dvp_per_s": round(full.per_s),
            "dvp_per_s_hot": round(hot.per_s),
            "dvp_per_s_empty": round(empty.per_s),
            "p50_ms": round(full.p50_ms, 1),
            "p99_ms": round(full.p99_ms, 1),
            "copy_dvp_per_s": round(copy_per_s),
            "ratio_to_limit": round(full.per_s / copy_per_s, 3),
            "entries_before": before,
            "callers": self.callers,
            "seconds": self.seconds,
            "bytes_per_entry": round(stored / size),
            "proofs_per_s": round(proofs),
            "wallets": self.wallets,
            "p99_ms_hot": round(hot.p99_ms, 1),
            "single_caller_per_s": round(alone.per_s),
            "single_caller_p50_ms": round(alone.p50_ms, 2),
            "full_to_empty": round(full.per_s / empty.per_s, 3),
            "fsync": "on",
            "synchronous_commit": "on",
        }

    async def _open_wallets(self, ledger: LedgerService) -> list[tuple[AccountKey, AccountKey]]:
        """Open the wallets and make each rich in money and units; return (money account, units account) of each."""
        wallets = [new_uuid7() for _ in range(self.wallets)]
        openings = (
            OpenAsset(RUB, AssetKind.MONEY, "RUB", 2),
            OpenAsset(self.units, AssetKind.UNITS, "BENCH", 0),
        )
        await _enter(ledger, [Transaction(new_uuid7(), _ACTOR, _BASIS, opens=openings)])
        chunks = [wallets[i : i + _PER_TRANSACTION] for i in range(0, len(wallets), _PER_TRANSACTION)]
        for chunk in chunks:
            await _enter(
                ledger,
                [
                    Transaction(new_uuid7(), _ACTOR, _BASIS, opens=tuple(OpenWallet(w) for w in chunk)),
                    Transaction(new_uuid7(), _ACTOR, _BASIS, _fund(RUB, Position.BANK, chunk)),
                    Transaction(new_uuid7(), _ACTOR, _BASIS, _fund(self.units, Position.ISSUED, chunk)),
                ],
            )
        available = Position.AVAILABLE
        return [(AccountKey(RUB, available, w), AccountKey(self.units, available, w)) for w in wallets]

    async def _load(self, database: Database, ledger: LedgerService, dvp: MakeDvp, seconds: float) -> "Load":
        await _load(ledger, dvp, _WARM_UP_S, self.callers)
        await _checkpoint(database)
        return await _load(ledger, dvp, seconds, self.callers)


@dataclass(frozen=True, slots=True)
class Load:
    """What a time of load came to; waits are those of each caller for its own DvP."""

    per_s: float
    p50_ms: float
    p99_ms: float


async def _checkpoint(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _load(ledger: LedgerService, dvp: MakeDvp, seconds: float, callers: int, per_call: int = 1) -> Load:
    waits: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def caller() -> None:
        while (sent := time.perf_counter()) < until:
            answers = await ledger.post([dvp() for _ in range(per_call)])
            waits.append(time.perf_counter() - sent)
            for answer in answers:
                ensure(isinstance(answer, Committed), str(answer))

    await asyncio.gather(*(caller() for _ in range(callers)))
    elapsed = time.perf_counter() - began
    waits.sort()
    return Load(len(waits) * per_call / elapsed, waits[len(waits) // 2] * 1e3, waits[int(len(waits) * 0.99)] * 1e3)


def _dvps(keys: Sequence[tuple[AccountKey, AccountKey]], *, hot: bool = False) -> MakeDvp:
    """Return a maker of DvPs: one unit from a seller to a buyer against one rouble."""
    draw = random.Random(1).randrange  # noqa: S311 - repeatable load
    count = len(keys)

    def make() -> Transaction:
        seller = 0 if hot else draw(count)
        buyer = (seller + 1 + draw(count - 1)) % count
        (buyer_money, buyer_units), (seller_money, seller_units) = keys[buyer], keys[seller]
        postings = (
            Posting(buyer_money, -100),
            Posting(seller_money, 100),
            Posting(seller_units, -1),
            Posting(buyer_units, 1),
        )
        return Transaction(new_uuid7(), _ACTOR, _BASIS, postings)

    return make


def _fund(asset: UUID, mirror: Position, wallets: Sequence[UUID]) -> tuple[Posting, ...]:
    debit = Posting(AccountKey(asset, mirror, asset), -_RICH * len(wallets))
    return (debit, *(Posting(AccountKey(asset, Position.AVAILABLE, w), _RICH) for w in wallets))


async def _enter(ledger: LedgerService, transactions: Sequence[Transaction]) -> None:
    for answer in await ledger.post(transactions):
        ensure(isinstance(answer, Committed), str(answer))


async def _proofs(ledger: LedgerService, seconds: float) -> float:
    """Return inclusion proofs per second, asked for in hundreds of random entries."""
    size, count = await ledger.size(), 0
    draw = random.Random(2).randrange  # noqa: S311 - repeatable load
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        count += len(await ledger.inclusion_proofs([draw(size) for _ in range(100)], size))
    return count / (time.perf_counter() - began)


async def _bare_copy(connection: asyncpg.Connection, size: int) -> float:
    """Return how many of the same entry rows go in a second by COPY alone, a commit per 1,000 rows."""
    rows = await connection.fetch(
        "SELECT seq, id, legs, body FROM entry WHERE seq >= $1 ORDER BY seq", max(0, size - _COPY_ROWS)
    )
    batches = [rows[i : i + _COPY_BATCH] for i in range(0, len(rows), _COPY_BATCH)]
    encoded = [b"".join([part async for part in copy_entries(EntryRow(*row) for row in batch)]) for batch in batches]
    await connection.execute("CREATE TABLE copied (LIKE entry INCLUDING ALL)")
    began = time.perf_counter()
    for payload in encoded:
        await connection.copy_to_table("copied", source=BytesIO(payload), format="binary")
    elapsed = time.perf_counter() - began
    await connection.execute("DROP TABLE copied")
    return len(rows) / elapsed


@asynccontextmanager
async def _server() -> AsyncIterator[Database]:
    folder = Path(tempfile.mkdtemp(prefix="kapital-bench-"))
    databases = await open_databases(Settings(data_dir=folder), ["ledger"])
    try:
        database = databases.get("ledger")
        await database.migrate(MIGRATIONS)
        yield database
    finally:
        await databases.close()
        shutil.rmtree(folder, ignore_errors=True)
