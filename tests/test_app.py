"""The composition root: what one part's trouble does to the others."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from sqlalchemy import text

from kapital import app, background
from kapital.app import Kapital
from kapital.custody.service import CustodyService
from kapital.kernel.actor import Actor
from kapital.ledger.service import LedgerService
from kapital.platform.clock import SteppedClock
from kapital.platform.database import Databases
from kapital.platform.settings import Settings
from kapital.settlement.domain.problems import BankSilent
from kapital.tokenization.service import TokenizationService
from tests.contracts.serving import postmasters
from tests.places import quick_folder
from tests.waiting import NEVER_S, until


@dataclass
class House:
    """A house whose bank is silent, and which remembers what was done."""

    clock: SteppedClock = field(default_factory=lambda: SteppedClock(datetime(2026, 11, 24, tzinfo=UTC)))
    done: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def ticks(self) -> list[tuple[str, Any]]:
        async def book(_now: datetime) -> None:
            raise BankSilent

        async def follow_schedule(_now: datetime) -> None:
            self.done.append("schedule")

        return [("settlement", (book,)), ("tokenization", (follow_schedule,))]

    @property
    def ledger(self) -> "House":
        return self

    @property
    def settlement(self) -> "House":
        return self

    @property
    def use_cases(self) -> "House":
        return self

    async def follow_log(self) -> None:
        self.done.append("follow_log")

    async def checkpoint(self) -> None:
        self.done.append("checkpoint")

    async def mirror(self) -> None:
        self.done.append("mirror")

    async def reconcile(self, _actor: Actor) -> None:
        self.done.append("reconcile")
        self.enough.set()
        raise BankSilent


@pytest.fixture(scope="module")
def house_folder() -> Iterator[Path]:
    """Not pytest's own folder: it is closed to the server's system user."""
    with TemporaryDirectory(prefix="kapital-app-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"


@pytest.mark.parametrize(
    "fails", ["LedgerService", "settlement_of", "tokenization_of", "disclosure_of", "EmbeddedBus"]
)
async def test_when_a_part_cannot_be_built_those_before_it_are_closed(
    fails: str, house_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[type] = []
    for part in (TokenizationService, LedgerService, CustodyService, Databases):

        async def close(self: Any, part: type = part, real: Any = part.close) -> None:
            closed.append(part)
            await real(self)

        monkeypatch.setattr(part, "close", close)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("cannot be built")

    monkeypatch.setattr(app, fails, fail)
    with pytest.raises(RuntimeError, match="cannot be built"):
        async with app.open_kapital(Settings(data_dir=house_folder, postgres_shared_buffers_mb=128)):
            pass

    late = fails in ("disclosure_of", "EmbeddedBus")
    expected = [TokenizationService] * late + [LedgerService] * (fails != "LedgerService")
    assert closed == [*expected, CustodyService, Databases]
    assert postmasters(house_folder) == []


async def test_no_event_of_a_new_house_looks_like_one_that_nobody_delivers(house_folder: Path) -> None:
    """Custody tells of the keys of the log, and nobody here listens to it."""
    settings = Settings(data_dir=house_folder, postgres_shared_buffers_mb=128, bus_poll_interval_ms=20)
    async with app.open_kapital(settings) as kapital:
        # The keys may stand from an earlier test: as if their events had just been told.
        async with kapital.databases.get("custody").engine.begin() as conn:
            assert (await conn.execute(text("UPDATE outbox SET position = NULL"))).rowcount
        running = asyncio.create_task(kapital.bus.run())

        async def waiting() -> int:
            count = 0
            for name in kapital.databases.names:
                async with kapital.databases.get(name).connect() as conn:
                    if (await conn.execute(text("SELECT to_regclass('outbox') IS NOT NULL"))).scalar_one():
                        count += (
                            await conn.execute(text("SELECT count(*) FROM outbox WHERE position IS NULL"))
                        ).scalar_one()
            return count

        async def none_waits() -> bool:
            return await waiting() == 0

        await until(none_waits, what="a place for each event")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_silent_bank_holds_up_neither_the_schedule_nor_the_checkpoint() -> None:
    house = House()
    working = asyncio.create_task(background._tick_for_ever(cast("Kapital", house), background.TICK_S))

    await asyncio.wait_for(house.enough.wait(), timeout=NEVER_S)
    await asyncio.sleep(0)

    assert house.done == ["schedule", "follow_log", "mirror", "checkpoint", "reconcile"]
    assert not working.done()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
