"""A coupon to many holders: from the moment it is due until every holder is paid, by the whole house.

Conditions: embedded PostgreSQL with fsync on, in a fresh folder; the issue and its holders are made by a process of
their own first (`coupon_issue`); then the house is opened as `kapital up` opens it, on the day of payment, and has
signed the checkpoint of that minute: so far `prepare_s`. Then the schedule, the events, settlement and the ledger do
the rest. `seconds` is from there to PAID – list of holders, money set aside, an entry of the ledger for each holder,
answers; `peak_mb` is the most that all processes took together in that time, PostgreSQL included. Afterwards every
holder's money is compared with what the terms give, all is added up, and the invariants are checked (`check_s`).
"""

import asyncio
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from kapital.app import Kapital, open_kapital
from kapital.background import work_in_background
from kapital.bench.coupon_issue import Prepared, first_action, prepare, settings_of, units_of
from kapital.bench.memory import watched
from kapital.invariants import check_invariants
from kapital.kernel.problems import ensure
from kapital.ledger.api import AccountKey, Position, money_asset
from kapital.platform.clock import SteppedClock
from kapital.platform.logging import configure_logging
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.process import new_event_loop
from kapital.tokenization.domain.states import ActionState

_LOOK_EVERY_S: Final = 0.1
_PAID: Final = (ActionState.PAID, ActionState.CLOSED)
_PAGE: Final = 10_000
RUB: Final = money_asset()


@dataclass(slots=True)
class CouponBench:
    """One coupon to so many holders. With a `folder` the register stays there."""

    holders: int
    invariants: bool = True

    async def run(self, console: Console) -> dict[str, Any]:
        """Make the issue, pay its coupon, look at every holder, and return the figures."""
        folder = Path(tempfile.mkdtemp(prefix="kapital-bench-"))
        try:
            console.print(f"an issue with {self.holders} holders")
            began = time.perf_counter()
            prepared = await asyncio.to_thread(prepare_elsewhere, folder, self.holders)
            async with due(folder, prepared) as kapital:
                prepare_s = time.perf_counter() - began
                console.print(f"made in {prepare_s:.0f} s; the coupon is due")
                figures = await self._measure(console, folder, kapital, prepared)
            return {**figures, "prepare_s": round(prepare_s, 1)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _measure(self, console: Console, folder: Path, kapital: Kapital, prepared: Prepared) -> dict[str, Any]:
        server = EmbeddedPostgres(folder).postmaster_pid()
        with watched([os.getpid(), *([server] if server else [])]) as peak:
            began = time.perf_counter()
            working = asyncio.create_task(work_in_background(kapital))
            try:
                await until_paid(kapital, prepared, working)
            finally:
                seconds = time.perf_counter() - began
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
        console.print(f"paid in {seconds:.1f} s; looking at every holder")
        paid_kopecks = await paid_to_holders(kapital, prepared)
        ensure(paid_kopecks == prepared.total_kopecks, f"{paid_kopecks} of {prepared.total_kopecks} kopecks")
        began = time.perf_counter()
        found = await check_invariants(kapital) if self.invariants else None
        check_s = time.perf_counter() - began
        for _, finding in found.findings if found else []:
            console.print(str(finding))
        return {
            "holders": self.holders,
            "seconds": round(seconds, 2),
            "peak_mb": peak.mb,
            "holders_per_s": round(self.holders / seconds),
            "paid_kopecks": paid_kopecks,
            "invariants": None if found is None else found.holds(),
            "check_s": round(check_s, 1),
            "fsync": "on",
        }


def prepare_elsewhere(folder: Path, holders: int) -> Prepared:
    """Make the issue in a process of its own: what it took of memory is gone with it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_prepare, folder, holders).result()


def _prepare(folder: Path, holders: int) -> Prepared:
    configure_logging(level="ERROR")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(prepare(folder, holders))


@asynccontextmanager
async def due(folder: Path, prepared: Prepared) -> AsyncIterator[Kapital]:
    """The house on the day of the coupon, as one that has run since before: with its index of accounts in memory."""
    clock = SteppedClock(prepared.pay_at + timedelta(hours=9))
    async with open_kapital(settings_of(folder), clock, create=False) as kapital:
        await kapital.ledger.checkpoint()
        yield kapital


async def until_paid(kapital: Kapital, prepared: Prepared, working: "asyncio.Task[None]") -> None:
    """Wait until the coupon is paid. Raises what the work raised, if it ended before."""
    while (await first_action(kapital, prepared.issue_id)).state not in _PAID:
        if working.done():
            working.result()
        await asyncio.sleep(_LOOK_EVERY_S)


async def paid_to_holders(kapital: Kapital, prepared: Prepared) -> int:
    """Compare each holder's money with what the terms give; returns the sum. Raises: InvariantBroken."""
    total = 0
    key = partial(AccountKey, RUB, Position.AVAILABLE)
    for first in range(1, prepared.holders + 1, _PAGE):
        numbers = range(first, min(first + _PAGE, prepared.holders + 1))
        money = await kapital.ledger.balances([key(prepared.wallet(number)) for number in numbers])
        for number, kopecks in zip(numbers, money, strict=True):
            owed = prepared.unit_kopecks * units_of(number)
            ensure(kopecks == owed, f"holder {number} has {kopecks} kopecks and is due {owed}")
            total += kopecks
    return total
