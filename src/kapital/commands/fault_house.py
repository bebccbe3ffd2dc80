"""The house of a fault run: `kapital up` in the run's folder, with the run's clock and a faster schedule; or, as
`kapital bank take-in` does, a process that takes one message of the bank in."""

import asyncio
from pathlib import Path
from typing import Final

from kapital.app import open_kapital
from kapital.commands.server import serve
from kapital.faults.clock import RunClock
from kapital.faults.processes import HouseStart, begin_process
from kapital.faults.statements import SIGNATURE
from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.platform.process import new_event_loop
from kapital.platform.settings import Settings
from kapital.settlement.use_cases.message_admission import TakeInStatement

TICK_S: Final = 0.15
_CLERK: Final = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.SETTLEMENT}))


def serve_house(start: HouseStart) -> None:
    """Serve until killed or told to stop, or take the message of the start in. The body of a process."""
    begin_process(start.run_folder / "house.log")
    settings, clock = start.settings(may_die=True), RunClock(start.run_folder)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        if start.message is None:
            runner.run(serve(settings, clock=clock, tick_s=TICK_S))
        else:
            runner.run(_take_in(settings, clock, start.message))


async def _take_in(settings: Settings, clock: RunClock, message: Path) -> None:
    async with open_kapital(settings, clock, create=False) as kapital:
        signature = await asyncio.to_thread(message.with_suffix(SIGNATURE).read_bytes)
        cmd = TakeInStatement(actor=_CLERK, file=message, format_name="camt", signature=signature)
        taken = await kapital.settlement.use_cases.take_in_statement(cmd)
        ensure(taken.message.reason is None, f"the statement is {taken.message.state}: {taken.message.reason}")
