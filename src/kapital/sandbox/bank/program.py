"""The sandbox bank as a process of its own: its database, its keys, its port, until it is told to stop."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from granian.constants import Interfaces
from granian.server.embed import Server

from kapital.contracts.bank_nominal_account import FaultScript
from kapital.platform.clock import SystemClock
from kapital.platform.postgres import open_databases
from kapital.platform.settings import Settings
from kapital.sandbox.bank import faults
from kapital.sandbox.bank.answers import PUBLIC_KEY, TOKEN, open_key, open_token
from kapital.sandbox.bank.bank import DATABASE, SandboxBank
from kapital.sandbox.bank.clock import BankClock
from kapital.sandbox.bank.serving import BankApp, Rates, bank_app, open_clock

MIGRATIONS: Final = "kapital.sandbox.bank.migrations"
RESUMED: Final = "--resumed"
HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of TLS; with `clients` only who shows a certificate of these authorities is let in (mTLS)."""

    certificate: Path
    key: Path
    clients: Path | None = None


async def serve_bank(
    settings: Settings,
    *,
    port: int,
    script: FaultScript | None,
    resumed: bool,
    requests_per_second: int,
    tls: Tls | None,
) -> None:
    """Serve on the loopback address until SIGINT or SIGTERM. `resumed`: the script goes on where it was.

    Raises: EmbeddedPostgresFailed, DatabaseUnavailable.
    """
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    databases = await open_databases(settings, (DATABASE,))
    try:
        database = databases.get(DATABASE)
        await database.migrate(MIGRATIONS)
        clock = BankClock(SystemClock())
        bank = SandboxBank(database, clock)
        await open_clock(clock, bank)
        if script is not None and not resumed:
            async with database.engine.begin() as conn:
                await faults.load(conn, script)
        app = bank_app(
            bank,
            clock,
            token=open_token(folder),
            key=open_key(folder),
            restart=restart,
            rates=Rates(requests_per_second),
        )
        scheme = "http" if tls is None else "https"
        _say(folder, f"{scheme}://{HOST}:{port}", script)
        await _until_told(app, port, tls)
    finally:
        await databases.close()


def restart() -> NoReturn:
    """End at once, as a crash does – connections drop, nothing is tidied up – and begin again as the same process."""
    argv = list(sys.orig_argv)
    os.execv(argv[0], argv if RESUMED in argv else [*argv, RESUMED])  # noqa: S606 - our own command line


async def _until_told(app: BankApp, port: int, tls: Tls | None) -> None:
    server = Server(
        app,
        address=HOST,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        ssl_cert=tls.certificate if tls else None,
        ssl_key=tls.key if tls else None,
        ssl_ca=tls.clients if tls else None,
        ssl_client_verify=tls is not None and tls.clients is not None,
    )
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    serving, told = asyncio.create_task(server.serve()), asyncio.create_task(stopping.wait())
    await asyncio.wait([serving, told], return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    told.cancel()
    await serving


def _say(folder: Path, url: str, script: FaultScript | None) -> None:
    lines = [
        f"Sandbox bank: {url}/  (Ctrl-C stops)",
        *([f"  fault script {script.name}: {script.about_en}"] if script else []),
        "  for Kapital:",
        f"  KAPITAL_BANK=http KAPITAL_BANK_URL={url} KAPITAL_BANK_TOKEN_FILE={folder / TOKEN} \\",
        f"  KAPITAL_BANK_ANSWER_KEY={folder / PUBLIC_KEY}",
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
