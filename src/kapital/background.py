"""What a house does while it runs: deliver events and follow the schedule."""

import asyncio
from typing import Final

from kapital.app import SCHEDULER, Kapital
from kapital.platform.periodic import attempt

TICK_S: Final = 1.0
CHECKPOINT_EVERY_TICKS: Final = 60
MIRROR_EVERY_TICKS: Final = 5
"""A little often: a minute's entries at once would keep this process from its callers for seconds."""
RECONCILE_EVERY_TICKS: Final = 60
"""A difference with the bank is to be seen within five minutes (scenario 20)."""


async def work_in_background(kapital: Kapital, *, tick_s: float = TICK_S) -> None:
    """Deliver events and follow the schedule until cancelled. A part that fails is tried again at the next tick."""
    async with asyncio.TaskGroup() as group:
        group.create_task(kapital.bus.run())
        group.create_task(_tick_for_ever(kapital, tick_s))


async def follow_beside(kapital: Kapital) -> None:
    """What a process that only serves HTTP learns by time alone, until cancelled: the rule book in force."""
    while True:
        await attempt("registry", kapital.registry.follow_rule_book(kapital.clock.now()))
        await asyncio.sleep(TICK_S)


async def _tick_for_ever(kapital: Kapital, tick_s: float) -> None:
    count = 0
    while True:
        # Each by itself: a bank that is silent holds up no placement.
        for service, ticks in kapital.ticks():
            for tick in ticks:
                await attempt(service, tick(kapital.clock.now()))
        await attempt("log_followed", kapital.ledger.follow_log())
        if count % MIRROR_EVERY_TICKS == 0:
            await attempt("mirror", kapital.ledger.mirror())
        if count % CHECKPOINT_EVERY_TICKS == 0:
            await attempt("checkpoint", kapital.ledger.checkpoint())
        if count % RECONCILE_EVERY_TICKS == 0:
            await attempt("reconcile", kapital.settlement.use_cases.reconcile(SCHEDULER))
        count += 1
        await asyncio.sleep(tick_s)
