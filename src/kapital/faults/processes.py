"""The processes of a fault run: the house, which is killed and started again, and the bank."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from pydantic import SecretStr

from kapital.faults.finding import BankKind
from kapital.kernel.problems import InvariantBroken, ensure
from kapital.kernel.requisites import with_account_key
from kapital.platform.sbp_rules import SbpRule
from kapital.platform.settings import Settings
from kapital.sandbox.bank.answers import PUBLIC_KEY, TOKEN
from kapital.sandbox.bank.file_keys import ROOT
from kapital.sandbox.bank.webhooks import KEY

START_S: Final = 240.0
_PRELOADED: Final = ("granian.server.embed", "httpcore", "litestar.exceptions.responses", "litestar.plugins.pydantic")
"""What a house imports only when it starts."""
STOP_S: Final = 60.0
LOOK_EVERY_S: Final = 0.03
_BUS_POLL_MS: Final = 200
_BANK_TIMEOUT_S: Final = 5.0
_TOLD_CHARS: Final = 2_000
OWN_BIC: Final = "044525225"
OWN_ACCOUNT: Final = with_account_key("40702810000000000009", bic=OWN_BIC)
"""The nominal account that the bank's statements are of."""
NOTICES: Final = "/v1/settlement/bank-notices"
"""Where the bank calls the house back."""
SBP_RULE: Final = SbpRule(
    effective_from=date(2026, 1, 1),
    basis="Limits of a fault run, so that small sums are paid in parts.",
    top_up_kopecks_max=100_000,
    payout_kopecks_max=50_000,
    payout_day_kopecks_max=100_000_000,
)


def exchange_of(run_folder: Path) -> Path:
    """Where a bank by files and the house of a run lay down messages for each other."""
    return run_folder / "exchange"


class HouseStart(NamedTuple):
    """What a process of the house is started with. One with a `message` takes that file in, and serves nobody.

    `kind`: how its bank is spoken to.
    """

    folder: Path
    dsn: str
    port: int
    token: str
    bank_url: str
    bank_token_file: Path
    bank_answer_key: Path
    bank_webhook_key: Path
    bank_certificates: Path
    run_folder: Path
    message: Path | None = None
    kind: BankKind = BankKind.PLAIN

    @property
    def exchange(self) -> Path:
        """The exchange folder of a bank by files."""
        return exchange_of(self.run_folder)

    def settings(self, *, may_die: bool) -> Settings:
        """Settings of a house of the run: everything that is not of the run is as it comes."""
        return Settings(
            data_dir=self.folder,
            database_url=SecretStr(self.dsn),
            database_pool_size=3,
            port=self.port,
            acts_signed="simple",
            failpoint_token=SecretStr(self.token) if may_die else None,
            bank_account=OWN_ACCOUNT,
            bank_certificates=self.bank_certificates,
            bus_poll_interval_ms=_BUS_POLL_MS,
            log_level="WARNING",
            **self._bank(),
        )

    def _bank(self) -> dict[str, Any]:
        if self.kind is BankKind.FILES:
            return {
                "bank": "files",
                "bank_files_dir": self.exchange,
                "bank_bic": OWN_BIC,
                "operator_name": "Оператор",
            }
        return {
            "bank": "http",
            "bank_url": self.bank_url,
            "bank_token_file": self.bank_token_file,
            "bank_answer_key": self.bank_answer_key,
            "bank_timeout_s": _BANK_TIMEOUT_S,
            "bank_escrow": True,
            "bank_shares": self.kind is BankKind.SHARES,
            "bank_webhook_key": self.bank_webhook_key,
            "sbp_rules": (SBP_RULE,),
        }


House = Callable[[HouseStart], None]
"""The body of a process of the house."""


def begin_process(log: Path) -> None:
    """What every process of the house does first: a log of its own, no settings of who runs it, no life after it."""
    os.setsid()
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    for name in [name for name in os.environ if name.upper().startswith("KAPITAL_")]:
        del os.environ[name]
    above = multiprocessing.parent_process()
    ensure(above is not None, "a process of the house has one above it")

    def follow() -> None:
        if above is not None:
            above.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class HouseProcess:
    """The house as a process that may die at any time. A fork of a server that has the modules: it starts at once."""

    def __init__(self, house: House, start: HouseStart) -> None:
        self._house, self._start = house, start
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["kapital.app", house.__module__, *_PRELOADED])
        self._process: Any = None
        self.starts = 0

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._start.port}"

    @property
    def exit_status(self) -> int | None:
        """None while it runs; minus the signal that killed it."""
        return None if self._process is None else self._process.exitcode

    def start(self) -> None:
        """Start it; it serves some time later."""
        self._process = self._context.Process(target=self._house, args=(self._start,))
        self._process.start()
        self.starts += 1

    async def take_in(self, message: Path) -> int:
        """Have a process of its own take a message of the bank in, beside the one that serves; how it ended."""
        process = self._context.Process(target=self._house, args=(self._start._replace(message=message),))
        process.start()
        try:
            await asyncio.to_thread(process.join)
        finally:
            process.kill()
        return int(process.exitcode or 0)

    async def well(self) -> None:
        """Return when it answers. Raises: InvariantBroken when it ends before."""
        async with local_client() as web, asyncio.timeout(START_S):
            while True:
                ensure(self.exit_status is None, f"the house did not come up: {self.said()}")
                with suppress(httpx.TransportError):
                    if (await web.get(f"{self.url}/health", timeout=10)).status_code == 200:
                        return
                await asyncio.sleep(LOOK_EVERY_S)

    async def stop(self) -> None:
        """Ctrl-C; kill it if that is not enough."""
        if self._process is None or self._process.exitcode is not None:
            return
        os.kill(self._process.pid, signal.SIGINT)
        await asyncio.to_thread(self._process.join, STOP_S)
        if self._process.exitcode is None:
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    def said(self) -> str:
        """The end of its log."""
        log = self._start.run_folder / "house.log"
        return log.read_text(errors="replace")[-_TOLD_CHARS:] if log.exists() else ""


class BankProcess:
    """`kapital sandbox-bank serve`, with a database of its own; its fault scripts restart it."""

    def __init__(self, folder: Path, dsn: str, port: int, calls_back: str, kind: BankKind = BankKind.PLAIN) -> None:
        self.folder, self.port, self._dsn, self._calls_back, self._kind = folder, port, dsn, calls_back, kind
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        """The token that it gave us."""
        return self.folder / TOKEN

    @property
    def answer_key(self) -> Path:
        """Its public key."""
        return self.folder / PUBLIC_KEY

    @property
    def files_root(self) -> Path:
        """The root under which it signs its files."""
        return self.folder / ROOT

    @property
    def webhook_key(self) -> Path:
        """The key of its calls back."""
        return self.folder / KEY

    async def start(self) -> None:
        """Start it and wait until it answers. Raises: InvariantBroken."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KAPITAL_")}
        self.folder.mkdir(parents=True)
        with (self.folder.parent / "bank.log").open("ab") as said:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "kapital", "sandbox-bank", "serve"),
                *("--folder", str(self.folder), "--port", str(self.port), "--requests-per-second", "0"),
                *("--webhook-url", self._calls_back, "--clock-of", str(self.folder.parent)),
                *self._by_files(),
                env={**environment, "KAPITAL_DATABASE_URL": self._dsn, "KAPITAL_LOG_LEVEL": "WARNING"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        async with local_client() as web, asyncio.timeout(START_S):
            while True:
                ensure(self._process.returncode is None, "the bank did not come up")
                with suppress(httpx.TransportError):
                    if (await web.get(f"{self.url}/", timeout=10)).status_code == 200:
                        return
                await asyncio.sleep(LOOK_EVERY_S)

    def _by_files(self) -> tuple[str, ...]:
        if self._kind is not BankKind.FILES:
            return ()
        exchange = str(exchange_of(self.folder.parent))
        return ("--files", exchange, "--files-account", OWN_ACCOUNT, "--files-bic", OWN_BIC)

    async def stop(self) -> None:
        """End it."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def local_client(timeout_s: float = 30.0) -> httpx.AsyncClient:
    """A client of plain HTTP to this machine: no proxy, and no certificates read that nobody asks for."""
    transport = httpx.AsyncHTTPTransport(verify=False)
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout_s)


def free_port() -> int:
    """A port of the loopback address that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    if not port:
        raise InvariantBroken("the system gives no port")
    return port
