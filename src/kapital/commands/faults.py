"""`kapital faults`: the real house and the sandbox bank, killed at every step amid what a bank may do."""

import random
import signal
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.commands.console import Json, end, print_json, read_settings, run

if TYPE_CHECKING:
    from kapital.faults.finding import Outcome

app = App(name="faults", help="Kill the house at every step amid what a bank may do, and look at what is left.")


@app.command(name="run")
def run_faults(
    script: str = "all",
    /,
    *,
    hours: Annotated[float, Parameter(validator=Number(gte=0, lte=1_000))] = 0.0,
    seed: Annotated[int | None, Parameter(validator=Number(gte=0, lte=2**32 - 1))] = None,
    as_json: Json = False,
) -> None:
    """Play fault scripts against the real processes with kill -9 at failpoints; exit status 1 when anything broke.

    Everything happens in a folder of its own under /tmp with an embedded PostgreSQL of its own.

    Parameters
    ----------
    script
        Name of a fault script that came with the program (`kapital sandbox-bank scripts`), played with each failpoint
        that it can meet; or `all`, the table of all scripts and all failpoints.
    hours
        Go on with random cases until so many hours have passed.
    seed
        The same seed gives the same cases; without one it is drawn, and printed.
    """
    from rich.console import Console

    from kapital.commands.fault_house import serve_house
    from kapital.faults.plan import scripts, table
    from kapital.faults.run import FaultRun
    from kapital.platform.logging import configure_logging

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that its processes end with it
    configure_logging(level="CRITICAL")  # alarms are what the faults raise; what breaks is told at the end
    read_settings()  # what is wrong with the environment is said first
    if script != "all" and script not in scripts():
        end(f"no such script: {script}; there are: all, {', '.join(scripts())}")
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"seed {chosen}")
    cases = table(None if script == "all" else script)
    outcome = run(FaultRun(house=serve_house, console=console, seed=chosen, cases=cases, hours=hours).run())
    if as_json:
        print_json(outcome.told())
    else:
        _tell(outcome)
    if outcome.violations:
        sys.exit(1)


def _tell(outcome: "Outcome") -> None:
    print(f"seed {outcome.seed}: {outcome.cases} cases in {outcome.seconds:.0f} s, {len(outcome.violations)} broken")
    print(f"{outcome.waiting_for_person} waited for a person; {len(outcome.not_reached)} failpoints were not met")
    for one in outcome.violations:
        print(
            f"{one.number}: {one.workload}, bank {one.script}, {one.failpoint} ({one.nth}): {one.code}: {one.detail}"
        )
