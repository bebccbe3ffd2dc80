"""`kapital bench`: repeatable benchmarks."""

import os
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.commands.console import Json, read_settings, run, silence_logs, tell

app = App(name="bench", help="Repeatable benchmarks; each prints one JSON object with --json.")


@app.command(name="ledger")
def bench_ledger(
    *,
    seconds: Annotated[
        float, Parameter(help="How long each load lasts, 1 to 3600.", validator=Number(gte=1, lte=3600))
    ] = 60,
    entries_before: Annotated[
        int,
        Parameter(
            help="Entries in the ledger before it is measured, up to 10^8.", validator=Number(gte=0, lte=10**8)
        ),
    ] = 1_000_000,
    wallets: Annotated[
        int, Parameter(help="Wallets that trade, 2 to 10^6.", validator=Number(gte=2, lte=10**6))
    ] = 100_000,
    callers: Annotated[
        int, Parameter(help="Callers at the same time, 1 to 10,000.", validator=Number(gte=1, lte=10_000))
    ] = 1_200,
    as_json: Json = False,
) -> None:
    """DvP per second through `post` on embedded PostgreSQL, on an empty and on a large ledger, and the limit."""
    from rich.console import Console

    from kapital.bench.ledger import LedgerBench

    silence_logs()
    read_settings()  # what is wrong with the environment is said first
    console = Console(stderr=True, soft_wrap=True)
    told = run(
        LedgerBench(wallets=wallets, entries_before=entries_before, seconds=seconds, callers=callers).run(console)
    )
    tell(told, as_json=as_json)


@app.command(name="signatures")
def bench_signatures(
    *,
    seconds: Annotated[
        float, Parameter(help="How long each figure is measured, 1 to 600.", validator=Number(gte=1, lte=600))
    ] = 10,
    as_json: Json = False,
) -> None:
    """Verifications of CAdES signatures per second: GOST, ECDSA, RSA, with a time-stamp, on two threads."""

    from kapital.bench import signatures

    async def work() -> dict[str, Any]:
        return signatures.run(seconds)

    tell(run(work()), as_json=as_json)


@app.command(name="screening")
def bench_screening(
    *,
    clients: Annotated[
        int, Parameter(help="Clients that are compared, 1 to 10^6.", validator=Number(gte=1, lte=10**6))
    ] = 100_000,
    list_entries: Annotated[
        int, Parameter(help="Entries of the list, 1 to 10^6.", validator=Number(gte=1, lte=10**6))
    ] = 100_000,
    update_entries: Annotated[
        int, Parameter(help="Entries that an update brings, 1 to 100,000.", validator=Number(gte=1, lte=100_000))
    ] = 500,
    names: Annotated[
        int, Parameter(help="Names asked one by one, 1 to 100,000.", validator=Number(gte=1, lte=100_000))
    ] = 500,
    as_json: Json = False,
) -> None:
    """Precision and recall on labelled names; one name against a list; all clients against an update."""
    from rich.console import Console

    from kapital.bench.screening import ScreeningBench

    silence_logs()
    measured = ScreeningBench(clients=clients, list_entries=list_entries, update_entries=update_entries, names=names)
    tell(run(measured.run(Console(stderr=True))), as_json=as_json)


@app.command(name="settlement")
def bench_settlement(
    *,
    lines: Annotated[
        int, Parameter(help="Lines of the bank statement, 1 to 10^6.", validator=Number(gte=1, lte=10**6))
    ] = 100_000,
    dvp: Annotated[
        int, Parameter(help="DvP instructions of one issue, 1 to 100,000.", validator=Number(gte=1, lte=100_000))
    ] = 20_000,
    as_json: Json = False,
) -> None:
    """Take in a large camt.053 – kept, checked, read, matched, booked: seconds, memory – and settle many DvP."""
    from rich.console import Console

    from kapital.bench.settlement_camt import CamtBench
    from kapital.bench.settlement_dvp import DvpBench

    silence_logs()
    read_settings()  # what is wrong with the environment is said first

    async def work() -> dict[str, Any]:
        console = Console(stderr=True, soft_wrap=True)
        # First the statement: the most memory that the process has had is then that of the statement.
        statement = await CamtBench(lines=lines).run(console)
        return statement | await DvpBench(instructions=dvp).run(console)

    tell(run(work()), as_json=as_json)


@app.command(name="orders")
def bench_orders(
    *,
    seconds: Annotated[
        float, Parameter(help="How long single orders are sent, 1 to 3600.", validator=Number(gte=1, lte=3600))
    ] = 60,
    batch_seconds: Annotated[
        float, Parameter(help="How long batches are sent, 1 to 3600.", validator=Number(gte=1, lte=3600))
    ] = 30,
    close_orders: Annotated[
        int, Parameter(help="Orders of the placement that closes, 1 to 10^6.", validator=Number(gte=1, lte=10**6))
    ] = 20_000,
    investors: Annotated[
        int, Parameter(help="Investors who order, 1 to 100,000.", validator=Number(gte=1, lte=100_000))
    ] = 500,
    connections: Annotated[
        int, Parameter(help="Connections that send single orders, 1 to 2,000.", validator=Number(gte=1, lte=2_000))
    ] = 240,
    batch_connections: Annotated[
        int, Parameter(help="Connections that send batches, 1 to 100.", validator=Number(gte=1, lte=100))
    ] = 2,
    processes: Annotated[
        int | None,
        Parameter(help="Processes that serve, 1 to 32; as many as there are cores.", validator=Number(gte=1, lte=32)),
    ] = None,
    signature: Annotated[
        Literal["gost", "ecdsa"] | None, Parameter(help="How orders are signed; GOST where its engine is installed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Signed orders over HTTP a second, single and in batches; the close of a placement; all invariants after it."""
    from rich.console import Console

    from kapital.bench.orders import OrdersBench
    from kapital.sandbox.certification_authority import Scheme

    silence_logs()
    read_settings()  # what is wrong with the environment is said first
    measured = OrdersBench(
        seconds=seconds,
        batch_seconds=batch_seconds,
        close_orders=close_orders,
        investors=investors,
        connections=connections,
        batch_connections=batch_connections,
        processes=processes or min(32, len(os.sched_getaffinity(0))),
        scheme={None: None, "gost": Scheme.GOST_256, "ecdsa": Scheme.ECDSA_P256}[signature],
    )
    tell(run(measured.run(Console(stderr=True, soft_wrap=True))), as_json=as_json)


@app.command(name="coupon")
def bench_coupon(
    *,
    holders: Annotated[
        int, Parameter(help="Holders of the issue, 1 to 2,000,000.", validator=Number(gte=1, lte=2_000_000))
    ] = 20_000,
    invariants: Annotated[bool, Parameter(help="Check all invariants afterwards.")] = True,
    as_json: Json = False,
) -> None:
    """Pay a coupon by the whole house: seconds from the moment it is due, peak memory, every holder looked at."""
    from rich.console import Console

    from kapital.bench.coupon import CouponBench

    silence_logs()
    read_settings()  # what is wrong with the environment is said first
    measured = CouponBench(holders=holders, invariants=invariants)
    tell(run(measured.run(Console(stderr=True, soft_wrap=True))), as_json=as_json)
