"""Plays cases one after another: a process dies, is started again, and when nothing moves everything is looked at."""

import asyncio
import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console

from kapital.faults.finding import BankKind, Broken, Case, Disturbed, Outcome, Violation
from kapital.faults.plan import PLACED_FIRST, at_random, kind_of, table
from kapital.faults.play import Played, play
from kapital.faults.processes import House
from kapital.faults.world import World, open_world
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.postgres_config import ServerSizes

PLACEMENTS: Final = 9
"""Issues to be placed in a world; with the coupons of the first, what it has to offer besides money."""
_SIZES: Final = ServerSizes(max_connections=300, shared_buffers_mb=128)
_OF_UNITS: Final = frozenset({"dvp", "escrow", "coupon", "shares"})
_HOUR_S: Final = 3600.0
_REPLAYS: Final = 3


@dataclass(slots=True, kw_only=True)
class FaultRun:
    """`cases` first, or the table of all; then, for so many `hours`, random ones. `house` is the body of a
    process of the house. The same seed gives the same cases."""

    house: House
    console: Console
    seed: int
    cases: Sequence[Case] | None = None
    hours: float = 0.0
    placements: int = PLACEMENTS
    outcome: Outcome = field(init=False)
    _world: World | None = field(init=False, default=None)
    _number: int = field(init=False, default=0)

    async def run(self) -> Outcome:
        """Play everything; returns what was found. Raises: InvariantBroken when no world can be made."""
        began = time.monotonic()
        self.outcome = Outcome(seed=self.seed)
        waiting, again = deque(table() if self.cases is None else self.cases), Counter[Case]()
        with tempfile.TemporaryDirectory(prefix="kapital-faults-", dir="/tmp", ignore_cleanup_errors=True) as made:
            server = EmbeddedPostgres(Path(made), sizes=_SIZES)
            await asyncio.to_thread(server.start)
            try:
                await _never_flush(server.dsn())
                async with AsyncExitStack() as opened:
                    while waiting:
                        case = waiting.popleft()
                        if await self._one(case, opened, Path(made), server.dsn()):
                            continue
                        # A slow machine may have passed the place before it was armed, or have kept us from looking.
                        if again[case] < _REPLAYS and (self._world is None or _has(self._world, case)):
                            again[case] += 1
                            waiting.insert(_place_of(case, waiting), case)
                        else:
                            self.outcome.not_reached.append(case)
                    ends_at = time.monotonic() + self.hours * _HOUR_S
                    while time.monotonic() < ends_at:
                        case = self._at_random()
                        if not await self._one(case, opened, Path(made), server.dsn()):
                            self.outcome.not_reached.append(case)
            finally:
                await asyncio.to_thread(server.stop)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _at_random(self) -> Case:
        chance = random.Random(f"{self.seed}/{self._number + 1}")  # noqa: S311 - repeatable on purpose; no secret
        world = self._world
        if world is None or world.kind is not BankKind.PLAIN:
            return at_random(chance, placements=self.placements, placed=0, coupons=0)
        return at_random(
            chance,
            placements=len(world.placements),
            placed=len(world.placed),
            coupons=len(world.coupons),
            bank_erred=world.bank_erred,
        )

    async def _one(self, case: Case, opened: AsyncExitStack, folder: Path, dsn: str) -> bool:
        """Play a case; False when its failpoint was not met, or when nobody could look whether it was."""
        self._number += 1
        if self._world is None or not _has(self._world, case):
            await opened.aclose()
            self.outcome.worlds += 1
            name, kind = f"world-{self.outcome.worlds}", kind_of(case)
            placements = self.placements if kind is BankKind.PLAIN else 1
            self.console.print(f"world {self.outcome.worlds}, bank {kind}: people, money, {placements} issues")
            world = open_world(folder / name, dsn, self.house, placements=placements, kind=kind)
            self._world = await opened.enter_async_context(world)
        began = time.monotonic()
        chance = random.Random(f"{self.seed}/{self._number}/sums")  # noqa: S311
        try:
            if case.workload in _OF_UNITS and not self._world.placed:
                await play(self._world, PLACED_FIRST, chance)
            played = await play(self._world, case, chance)
        except Broken as broken:
            self._note_broken(case, broken)
            await opened.aclose()
            self._world = None
            return True
        except Disturbed as disturbed:
            self.console.print(f"{self._number}: {_words(case)}: disturbed, {disturbed}", markup=False)
            await opened.aclose()
            self._world = None
            return False
        self._note(case, played, time.monotonic() - began)
        return played.reached

    def _note(self, case: Case, played: Played, seconds: float) -> None:
        found = self.outcome
        found.waiting_for_person += played.waiting_for_person
        if played.reached:
            found.cases += 1
            found.reached[case.failpoint] = found.reached.get(case.failpoint, 0) + 1
            found.scripts[case.script] = found.scripts.get(case.script, 0) + 1
        said = "sound" if played.reached else "not reached"
        self.console.print(f"{self._number}: {_words(case)}: {said}, {seconds:.1f} s")

    def _note_broken(self, case: Case, broken: Broken) -> None:
        self.outcome.cases += 1
        self.outcome.violations.append(
            Violation(
                seed=self.seed,
                number=self._number,
                workload=case.workload,
                script=case.script,
                failpoint=case.failpoint,
                nth=case.nth,
                code=broken.code,
                detail=broken.detail,
            )
        )
        self.console.print(f"{self._number}: {_words(case)}: BROKEN {broken}", markup=False)


async def _never_flush(dsn: str) -> None:
    """Let the server of a run wait for no disk: what a killed process wrote the system keeps, and nobody cuts the
    power."""
    connection = await asyncpg.connect(dsn)
    try:
        for name in ("fsync", "full_page_writes"):
            await connection.execute(f"ALTER SYSTEM SET {name} = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _has(world: World, case: Case) -> bool:
    """Whether the world still has what the case needs."""
    left = {"placement": len(world.placements), "coupon": len(world.coupons), "statement": not world.bank_erred}
    return world.kind is kind_of(case) and bool(left.get(case.workload, True))


def _place_of(case: Case, waiting: Sequence[Case]) -> int:
    """Behind the cases of its kind of world, before those of another."""
    others = (place for place, one in enumerate(waiting) if kind_of(one) is not kind_of(case))
    return next(others, len(waiting))


def _words(case: Case) -> str:
    return f"{case.workload}, bank {case.script}, dies at {case.failpoint} ({case.nth})"
