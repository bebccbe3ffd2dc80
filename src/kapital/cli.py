"""The command line. Each command is thin: it opens the parts, calls one use case, prints.

A command imports what it needs when it runs, so that `kapital --help` answers at once.
"""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.commands.console import Json, end, in_house, print_json, read_settings, run, silence_logs
from kapital.demo import INVESTORS, INVESTORS_MAX, INVESTORS_MIN, ISSUES_MAX

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(
    name="kapital", help="Software of an operator of an information system that issues digital financial assets."
)


for _name, _of, _help in (
    ("token", "token:token", "Print an access token for a new member of the staff with these roles."),
    ("tax", "tax:app", "Tax withheld at payout: data for the reports of a tax agent."),
    ("evidence", "evidence:app", "Make evidence packages that `kapital verify` accepts offline."),
    ("ledger", "ledger:app", "Work on the register of record."),
    ("dead-letters", "dead_letters:app", "Events that a service could not use."),
    ("policy", "policy:app", "Access policies: who may do what."),
    ("registry", "registry:app", "The register of users."),
    ("screening", "screening:app", "Lists of sanctions and public officials."),
    ("simulate", "simulate:simulate", "Play a decision to its end: payments, default, early redemption."),
    ("bank", "bank:app", "Directory and messages of banks."),
    ("sandbox-bank", "sandbox_bank:app", "A bank for trials, with faults on demand."),
    ("faults", "faults:app", "Kill the house at every step amid what a bank may do, and look at what is left."),
    ("signature", "signature:app", "Electronic signatures of people."),
    ("bench", "bench:app", "Repeatable benchmarks; each prints one JSON object with --json."),
):
    app.command(f"kapital.commands.{_of}", name=_name, help=_help)  # loaded when it is called
T = TypeVar("T")


@app.command
def up(
    *,
    bank: Annotated[
        Literal["sandbox", "http", "files"] | None,
        Parameter(
            help="The bank, instead of KAPITAL_BANK: in this process, over HTTP or by files as KAPITAL_BANK_… say."
        ),
    ] = None,
    beside: Annotated[
        bool, Parameter(show=False, negative=(), help="Serve beside the process that started this one.")
    ] = False,
) -> None:
    """Serve the HTTP API of all services until Ctrl-C, in KAPITAL_HTTP_PROCESSES processes (1).

    KAPITAL_PORT (8080), KAPITAL_HOST and KAPITAL_DATA_DIR (var/kapital) say where; all settings: docs/reference.
    """
    from kapital.commands.server import port_held, serve, serve_beside

    settings = read_settings(**({} if bank is None else {"bank": bank}))
    if beside:
        run(serve_beside(settings))
        return
    with port_held(settings):
        run(serve(settings))


@app.command
def demo(
    *,
    folder: Annotated[Path, Parameter(help="Where all data go; emptied first if it is of an earlier run.")] = Path(
        "var/demo"
    ),
    investors: Annotated[
        int,
        Parameter(
            help=f"Number of synthetic investors, {INVESTORS_MIN} to {INVESTORS_MAX}.",
            validator=Number(gte=INVESTORS_MIN, lte=INVESTORS_MAX),
        ),
    ] = INVESTORS,
    terms: Annotated[
        tuple[Path, ...],
        Parameter(
            help=f"Terms to play instead of the six examples, once for each file, at most {ISSUES_MAX}. "
            "The last finds too few buyers.",
            negative=(),
            show_default=False,
        ),
    ] = (),
    as_json: Json = False,
) -> None:
    """Play real decisions from draft to redemption with synthetic people, and prove the outcome."""
    from rich.console import Console

    from kapital.demo.run import run_demo

    silence_logs()
    read_settings()  # what is wrong with the environment is said first
    # Not at a terminal nobody wants 80 columns: a path broken in two cannot be copied.
    wide = None if (sys.stderr if as_json else sys.stdout).isatty() else 200
    console = Console(stderr=as_json, soft_wrap=True, width=wide)
    try:
        told, well = run(_stopping_aloud(run_demo(folder, investors=investors, console=console, files=terms)))
    except asyncio.CancelledError:
        print(f"stopped; {folder} holds an unfinished demonstration, the next run empties it", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    if as_json:
        print_json(told)
    if not well:
        sys.exit(1)


@app.command(help_flags=[])
def verify(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Check an evidence package offline (`kapital verify --help` for its options)."""
    from kapital.verify.__main__ import main as verify_main

    sys.exit(verify_main(list(arguments), program="kapital verify"))


@app.command
def check(*, as_json: Json = False) -> None:
    """Recompute the register from its entries and check the seven invariants; name each row that is off."""
    from kapital.invariants import check_invariants

    silence_logs()

    async def work(kapital: "Kapital") -> tuple[dict[str, Any], bool]:
        found = await check_invariants(kapital)
        told: dict[str, Any] = {
            "data_dir": str(kapital.settings.data_dir),
            "origin": kapital.settings.log_origin,
            "size": found.ledger.size,
            "accounts": found.ledger.accounts,
            "invariants": found.holds(),
            "findings": [
                {"invariant": name, "code": f.code, "where": f.where, "detail": f.detail}
                for name, f in found.findings
            ],
            "on_hold": [{"asset": str(h.asset), "code": h.code, "reason": h.reason} for h in found.on_hold],
        }
        return told, not found.findings

    told, clean = in_house(work)
    if as_json:
        print_json(told)
    else:
        print(f"{told['data_dir']}: log {told['origin']}")
        print(f"{told['size']} entries, {told['accounts']} accounts")
        print("  ".join(f"{name} {'holds' if ok else 'BROKEN'}" for name, ok in told["invariants"].items()))
        for f in told["findings"]:
            print(f"{f['invariant']} {f['code']} at {f['where']}: {f['detail']}")
        for h in told["on_hold"]:
            print(f"on hold: {h['code']} {h['asset']}, because of {h['reason']}")
    sys.exit(0 if clean else 1)


async def _stopping_aloud(work: Coroutine[Any, Any, T]) -> T:
    """Do the work; at Ctrl-C say at once that it ends: what is under way is finished first, then the server stops."""
    task, told = asyncio.current_task(), asyncio.Event()

    def stop() -> None:
        print("stopping…", file=sys.stderr, flush=True)
        if task is not None and not told.is_set():
            told.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return await work


def main() -> None:
    """Run the command line. What the world refuses is said in one line, `path: reason`, with exit status 2."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        _drop_output()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno is None:
            raise
        _drop_output()
        end(f"{error.filename or 'input or output'}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _reader_is_gone() -> bool:
    """Whether nobody reads our output any more: a broken pipe inside the house is another matter, and a fault."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _drop_output() -> None:
    """Let Python's last flush, at the exit, have somewhere to go."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
