"""The command line. Each command is thin: it opens the parts, calls one use case, prints.

A command imports what it needs when it runs, so that `kapital --help` answers at once.
"""

import asyncio
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar
from uuid import UUID

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.demo import INVESTORS, INVESTORS_MAX, INVESTORS_MIN, ISSUES_MAX
from kapital.kernel.problems import InvariantBroken, Problem
from kapital.kernel.roles import Role

if TYPE_CHECKING:
    from granian.server.embed import Server

    from kapital.app import Kapital
    from kapital.kernel.actor import Actor
    from kapital.ledger.use_cases.hold import Lifting
    from kapital.platform.settings import Settings

app = App(
    name="kapital", help="Software of an operator of an information system that issues digital financial assets."
)
evidence = App(name="evidence", help="Make evidence packages that `kapital verify` accepts offline.")
ledger = App(name="ledger", help="Work on the register of record.")
hold = App(name="hold", help="Assets that a check found damaged: they do not move until two persons say so.")
bench = App(name="bench", help="Repeatable benchmarks; each prints one JSON object with --json.")
app.command(evidence)
app.command(ledger)
app.command(bench)
ledger.command(hold)
dead_letters = App(
    name="dead-letters", help="Events that a service could not use. KAPITAL_ACCESS_TOKEN says who acts."
)
app.command(dead_letters)
app.command("kapital.commands.screening:app", name="screening", help="Lists of sanctions and public officials.")
app.command("kapital.commands.signature:app", name="signature", help="Electronic signatures of people.")

TOKEN_VARIABLE = "KAPITAL_ACCESS_TOKEN"  # noqa: S105 - the name of the place, not a secret
Json = Annotated[
    bool,
    Parameter(name="--json", negative=(), help="Print one JSON object on standard output and nothing else there."),
]
Out = Annotated[
    Path | None, Parameter(help="File to write; without it one named after the subject, in the current folder.")
]
Reason = Annotated[str, Parameter(help="Why, in words; kept in the audit.")]
Service = Annotated[str, Parameter(help="Name of the service, as `dead-letters list` shows it.")]
LetterNumber = Annotated[int, Parameter(help="Number of the letter there.")]
Force = Annotated[bool, Parameter(help="Replace a file that is there.", negative=())]
T = TypeVar("T")


@app.command
def up() -> None:
    """Serve the HTTP API of all services in one process until Ctrl-C.

    KAPITAL_PORT (8080), KAPITAL_HOST and KAPITAL_DATA_DIR (var/kapital) say where; all settings: docs/reference.
    """
    settings = _settings()
    _require_free_port(settings)
    _run(_serve(settings))


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

    _silence_logs()
    _settings()  # what is wrong with the environment is said first
    # Not at a terminal nobody wants 80 columns: a path broken in two cannot be copied.
    wide = None if (sys.stderr if as_json else sys.stdout).isatty() else 200
    console = Console(stderr=as_json, soft_wrap=True, width=wide)
    try:
        told, well = _run(_stopping_aloud(run_demo(folder, investors=investors, console=console, files=terms)))
    except asyncio.CancelledError:
        print(f"stopped; {folder} holds an unfinished demonstration, the next run empties it", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    if as_json:
        _print(told)
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

    _silence_logs()

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

    told, clean = _in_house(work)
    if as_json:
        _print(told)
    else:
        print(f"{told['data_dir']}: log {told['origin']}")
        print(f"{told['size']} entries, {told['accounts']} accounts")
        print("  ".join(f"{name} {'holds' if ok else 'BROKEN'}" for name, ok in told["invariants"].items()))
        for f in told["findings"]:
            print(f"{f['invariant']} {f['code']} at {f['where']}: {f['detail']}")
        for h in told["on_hold"]:
            print(f"on hold: {h['code']} {h['asset']}, because of {h['reason']}")
    sys.exit(0 if clean else 1)


@evidence.command
def entry(
    seq: Annotated[int, Parameter(help="Number of the entry in the log.")], *, out: Out = None, force: Force = False
) -> None:
    """Make the evidence package of one ledger entry."""
    _silence_logs()
    _write_evidence(out or Path(f"entry-{seq}.kapital.json"), force, lambda k: k.ledger.entry_evidence(seq))


@evidence.command
def statement(
    wallet: Annotated[UUID, Parameter(help="Id of the wallet.")], *, out: Out = None, force: Force = False
) -> None:
    """Make a holder's statement: every entry of a wallet with proofs, and the proof that none is missing."""
    _silence_logs()
    path = out or Path(f"statement-{wallet}.kapital.json")
    _write_evidence(path, force, lambda k: k.ledger.statement_evidence(wallet))


@ledger.command
def rebuild() -> None:
    """Make every derived row again from the entries."""
    _silence_logs()

    print(f"{_in_house(lambda kapital: kapital.ledger.rebuild())} entries replayed")


@ledger.command
def checkpoint() -> None:
    """Print a signed note over the present log."""
    _silence_logs()

    print(_in_house(lambda kapital: kapital.ledger.checkpoint()), end="")


@ledger.command
def keys() -> None:
    """Print the verifier keys of the log, for `kapital verify --key-file`."""
    _silence_logs()

    async def work(kapital: "Kapital") -> list[str]:
        return kapital.ledger.verifier_keys

    print("\n".join(_in_house(work)))


@hold.command(name="list")
def list_holds(*, as_json: Json = False) -> None:
    """Show the assets on hold, why, and who proposed to lift the hold."""
    _silence_logs()
    held = [
        {"asset": str(h.asset), "code": h.code, "reason": h.reason, "lift_proposed_by": h.lift_proposed_by}
        for h in _in_house(lambda kapital: kapital.ledger.holds())
    ]
    if as_json:
        _print({"on_hold": held})
        return
    for one in held:
        print("  ".join(told for told in one.values() if told))
    print(f"{len(held)} on hold", file=sys.stderr)


@hold.command(name="lift")
def lift_holds(
    *assets: Annotated[UUID, Parameter(help="Ids of the assets.")],
    reason: Reason,
    every: Annotated[bool, Parameter(help="All assets on hold.", negative=())] = False,
) -> None:
    """Let these assets (--every: all) move again: one person proposes, the same command of another decides.

    Each runs a check of the whole register first; it must be clean. KAPITAL_ACCESS_TOKEN says who acts.
    """
    from kapital.invariants import check_ledger

    _silence_logs()
    if bool(assets) == every:
        _end("name the assets, or --every")

    async def work(kapital: "Kapital") -> "Lifting":
        actor = await _person(kapital)
        report = await check_ledger(kapital)
        return await kapital.ledger.lift_holds(actor, report, assets=assets or None, reason=reason)

    done = _in_house(work)
    for asset in done.proposed:
        print(f"{asset}: proposed, another person must do the same")
    for asset in done.lifted:
        print(f"{asset}: lifted")


@app.command
def token(
    *roles: Annotated[str, Parameter(help="Roles of staff, as in `aml_officer`; without one all are listed.")],
    hours: Annotated[int, Parameter(help="How long the token is valid.")] = 8,
) -> None:
    """Print an access token for a new member of the staff with these roles, for use on this installation."""
    from kapital.kernel.actor import Actor
    from kapital.kernel.ids import CommandId
    from kapital.platform.ids import new_uuid7
    from kapital.registry.domain.access import STAFF_ROLES, TokenSubjectKind
    from kapital.registry.use_cases.issue_access_token import IssueAccessToken
    from kapital.registry.use_cases.register_staff import RegisterStaff

    _silence_logs()
    known = {role.value: role for role in STAFF_ROLES}
    named = [role.replace("-", "_") for role in roles]
    if not named or not known.keys() >= set(named):
        _end("name one or more roles of staff: " + ", ".join(sorted(known)))
    held = frozenset(known[name] for name in named)
    expires_at = _run(_token_end(held, hours))

    async def work(kapital: "Kapital") -> str:
        administrator = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.ADMIN}))
        staff_id = new_uuid7()
        await kapital.registry.use_cases.register_staff(
            RegisterStaff(
                command_id=CommandId(f"console-{new_uuid7()}"),
                actor=administrator,
                staff_id=staff_id,
                roles=held,
            )
        )
        issued = await kapital.registry.use_cases.issue_access_token(
            IssueAccessToken(
                command_id=CommandId(f"console-{new_uuid7()}"),
                actor=administrator,
                subject_kind=TokenSubjectKind.STAFF,
                subject_id=staff_id,
                roles=held,
                expires_at=expires_at,
            )
        )
        return str(issued.token)

    print(_in_house(work, create=True))


async def _token_end(roles: frozenset[Role], hours: int) -> datetime:
    """Return when the token ends. What is wrong with it is said before anything is written: a member of the staff
    who has no token would be left behind. Raises: StaffRolesIncompatible, TokenLifetimeOutOfRange."""
    from kapital.registry.domain.access import TOKEN_LIFETIME_MAX, require_compatible, require_lifetime

    now, most = datetime.now(UTC), TOKEN_LIFETIME_MAX // timedelta(hours=1)
    require_compatible(roles)
    expires_at = now + timedelta(hours=max(-1, min(hours, most + 1)))  # beyond the bounds all hours are alike
    require_lifetime(expires_at, now=now)
    return expires_at


@dead_letters.command(name="list")
def list_dead_letters(*, as_json: Json = False) -> None:
    """Show the open dead letters of every service, oldest first; the event itself stays in the database."""
    from kapital.platform.dead_letters import DeadLetters

    _silence_logs()

    async def work(kapital: "Kapital") -> list[dict[str, Any]]:
        return [
            {
                "service": service,
                "id": letter.id,
                "state": letter.state,
                "code": letter.code,
                "type": letter.event.type,
                "subject": letter.event.subject,
                "attempts": letter.attempts,
                "parked_at": letter.parked_at.isoformat(),
                "skip_proposed_by": letter.skip_proposed_by,
            }
            for service in kapital.bus.consumers
            for letter in await DeadLetters(kapital.databases.get(service), kapital.clock).list_all_open()
        ]

    letters = _in_house(work)
    if as_json:
        _print({"dead_letters": letters})
        return
    for letter in letters:
        print("  ".join(str(told) for told in letter.values() if told is not None))
    print(f"{len(letters)} open", file=sys.stderr)


@dead_letters.command(name="retry")
def retry_dead_letter(service: Service, number: LetterNumber) -> None:
    """Ask for another try of dead letter NUMBER of SERVICE; a running server makes it, or the next one to start."""
    _silence_logs()

    async def work(kapital: "Kapital") -> None:
        actor = await _person(kapital)
        await kapital.bus.dead_letters(service).retry(number, actor)

    _in_house(work)
    print(f"{service} {number}: to be tried again")


@dead_letters.command(name="skip")
def skip_dead_letter(service: Service, number: LetterNumber, *, reason: Reason) -> None:
    """Give dead letter NUMBER of SERVICE up for ever: one person proposes, the same command of another decides."""
    _silence_logs()

    async def work(kapital: "Kapital") -> bool:
        actor = await _person(kapital)
        return await kapital.bus.dead_letters(service).skip(number, actor, reason)

    done = _in_house(work)
    print(f"{service} {number}: " + ("skipped" if done else "skip proposed, another person must do the same"))


@bench.command(name="ledger")
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

    _silence_logs()
    _settings()  # what is wrong with the environment is said first
    console = Console(stderr=True, soft_wrap=True)
    told = _run(
        LedgerBench(wallets=wallets, entries_before=entries_before, seconds=seconds, callers=callers).run(console)
    )
    _tell(told, as_json=as_json)


@bench.command(name="signatures")
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

    _tell(_run(work()), as_json=as_json)


@bench.command(name="screening")
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

    _silence_logs()
    measured = ScreeningBench(clients=clients, list_entries=list_entries, update_entries=update_entries, names=names)
    _tell(_run(measured.run(Console(stderr=True))), as_json=as_json)


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


async def _person(kapital: "Kapital") -> "Actor":
    """Return who acts, by the access token in the environment: what needs two persons needs two tokens.

    Raises: AccessTokenRequired, AccessTokenInvalid.
    """
    from kapital.platform.http.access import AccessTokenInvalid, AccessTokenRequired

    if not (token := os.environ.get(TOKEN_VARIABLE, "")):
        raise AccessTokenRequired(f"put your access token into {TOKEN_VARIABLE}")
    if (actor := await kapital.registry.verifier.verify(token)) is None:
        raise AccessTokenInvalid
    return actor


def _write_evidence(path: Path, force: bool, make: Callable[["Kapital"], Awaitable[bytes]]) -> None:
    """Write what was made. Without `force` a file that is there is looked for first: the making may take long."""
    if path.exists() and not force:
        _end(f"{path}: there is such a file (--force replaces it)")
    package = _in_house(make)
    with path.open("wb" if force else "xb") as file:
        file.write(package)
    print(path)


def _require_free_port(settings: "Settings") -> None:
    """End with a message if somebody listens there. The server shares its port (SO_REUSEPORT): a second one would
    start without a word and get a part of the first one's requests."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            _end(f"cannot listen on {settings.host}:{settings.port} (KAPITAL_HOST, KAPITAL_PORT): {error.strerror}")


async def _serve(settings: "Settings") -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from kapital.app import http_app, open_kapital
    from kapital.platform.logging import configure_logging

    configure_logging(level=settings.log_level)
    async with open_kapital(settings) as kapital:
        server = Server(
            http_app(kapital), address=settings.host, port=settings.port, interface=Interfaces.ASGI, log_enabled=False
        )
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        print(f"Kapital: http://{settings.host}:{settings.port}/contracts  (Ctrl-C stops)", file=sys.stderr)
        await _until(stopping, server, kapital)


async def _until(stopping: asyncio.Event, server: "Server", kapital: "Kapital") -> None:
    """Serve and work until told to stop, or until a part ends by itself: then its error is ours."""
    from kapital.app import work_in_background

    parts = [asyncio.create_task(server.serve()), asyncio.create_task(work_in_background(kapital))]
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait([told, *parts], return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    parts[1].cancel()
    ended = await asyncio.gather(*parts, return_exceptions=True)
    if not stopping.is_set():
        told.cancel()
        raise next((e for e in ended if isinstance(e, Exception)), RuntimeError("the server ended by itself"))


def _settings() -> "Settings":
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError

    from kapital.platform.settings import CONFIG_VARIABLE, Settings, UnknownVariable

    try:
        return Settings()
    except ValidationError as error:  # Without the value given: it may be a secret.
        named = (f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        _end("settings (KAPITAL_… or the file of KAPITAL_CONFIG): " + "; ".join(named))
    except TOMLDecodeError as error:
        _end(f"settings ({os.environ.get(CONFIG_VARIABLE)}): {error}")
    except (UnknownVariable, FileNotFoundError) as error:
        _end(f"settings: {error}")


def _silence_logs() -> None:
    from kapital.platform.logging import configure_logging

    configure_logging(level="ERROR")


def _end(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(2)


def _print(told: dict[str, Any]) -> None:
    print(json.dumps(told, ensure_ascii=False, indent=2))


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print(told)
        return
    width = max(map(len, told))
    for name, value in told.items():
        print(f"{name:>{width}}  {value}")


def _in_house(work: Callable[["Kapital"], Awaitable[T]], *, create: bool = False) -> T:
    """Open all parts, do the work, close them. A register that is not there is made only if told so."""
    from kapital.app import open_kapital

    settings = _settings()

    async def opened() -> T:
        async with open_kapital(settings, create=create) as kapital:
            return await work(kapital)

    return _run(opened())


def _run(work: Coroutine[Any, Any, T]) -> T:
    from kapital.platform.process import new_event_loop

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except Problem as problem:
        facts = ", ".join(f"{name} {value}" for name, value in problem.facts.items())
        print(f"{problem.code}: {problem.detail}" + (f" ({facts})" if facts else ""), file=sys.stderr)
        sys.exit(2)
    except InvariantBroken as broken:
        print(f"invariant broken: {broken}", file=sys.stderr)
        sys.exit(1)


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
        _end(f"{error.filename or 'input or output'}: {error.strerror}")
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
