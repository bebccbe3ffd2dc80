"""The composition root: what one part's trouble does to the others."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from kapital import app
from kapital.app import Kapital
from kapital.kernel.actor import Actor
from kapital.platform.clock import SteppedClock
from kapital.settlement.domain.problems import BankSilent
from tests.waiting import NEVER_S


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

    async def checkpoint(self) -> None:
        self.done.append("checkpoint")

    async def mirror(self) -> None:
        self.done.append("mirror")

    async def reconcile(self, _actor: Actor) -> None:
        self.done.append("reconcile")
        self.enough.set()
        raise BankSilent


async def test_a_silent_bank_holds_up_neither_the_schedule_nor_the_checkpoint() -> None:
    house = House()
    working = asyncio.create_task(app._tick_for_ever(cast("Kapital", house)))

    await asyncio.wait_for(house.enough.wait(), timeout=NEVER_S)
    await asyncio.sleep(0)

    assert house.done == ["schedule", "checkpoint", "mirror", "reconcile"]
    assert not working.done()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
