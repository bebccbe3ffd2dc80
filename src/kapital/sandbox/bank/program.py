"""The sandbox bank as a process of its own: its database, its keys, its port, until it is told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from kapital.contracts.bank_nominal_account import FaultScript
from kapital.kernel.clock import Clock
from kapital.platform.clock import SystemClock
from kapital.platform.postgres import open_databases
from kapital.platform.settings import Settings
from kapital.sandbox.bank import faults
from kapital.sandbox.bank.answers import PUBLIC_KEY, TOKEN, open_key, open_token
from kapital.sandbox.bank.bank import DATABASE, SandboxBank
from kapital.sandbox.bank.clock import BankClock
from kapital.sandbox.bank.file_keys import ROOT, foreign_signer, open_signer
from kapital.sandbox.bank.file_speech import Speech
from kapital.sandbox.bank.files import Counter, FilesDesk
from kapital.sandbox.bank.serving import BankApp, Rates, bank_app, open_clock
from kapital.sandbox.bank.webhooks import KEY, TIMEOUT_S, WebhookSender, open_webhook_key

MIGRATIONS: Final = "kapital.sandbox.bank.migrations"
RESUMED: Final = "--resumed"
HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of TLS; with `clients` only who shows a certificate of these authorities is let in (mTLS)."""

    certificate: Path
    key: Path
    clients: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The exchange folder of a bank by files, whose account it is, and how it is written there."""

    folder: Path
    counter: Counter
    speech: Speech

    def told(self, bank_folder: Path) -> str:
        """The settings for Kapital."""
        return (
            f"  files in {self.folder}; for Kapital:\n"
            f"  KAPITAL_BANK=files KAPITAL_BANK_FILES_DIR={self.folder} KAPITAL_BANK_BIC={self.counter.bic} \\\n"
            f"  KAPITAL_BANK_ACCOUNT={self.counter.account} KAPITAL_BANK_CERTIFICATES={bank_folder / ROOT}"
        )


async def serve_bank(
    settings: Settings,
    *,
    port: int,
    script: FaultScript | None,
    resumed: bool,
    requests_per_second: int,
    tls: Tls | None,
    webhook_url: str | None = None,
    files: Files | None = None,
    inner_clock: Clock | None = None,
) -> None:
    """Serve on the loopback address until SIGINT or SIGTERM. `resumed`: the script goes on where it was.
    `webhook_url`: who is called back. `files`: the exchange folder that is worked on besides. `inner_clock`: what the
    bank's clock goes by; the machine's without it.

    Raises: EmbeddedPostgresFailed, DatabaseUnavailable.
    """
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    databases = await open_databases(settings, (DATABASE,))
    try:
        database = databases.get(DATABASE)
        await database.migrate(MIGRATIONS)
        clock = BankClock(inner_clock or SystemClock())
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
        key = open_webhook_key(folder)
        async with AsyncExitStack() as beside:
            if webhook_url is not None:
                client = await beside.enter_async_context(httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False))
                _work_beside(beside, WebhookSender(database, clock, client, webhook_url, key).run())
            if files is not None:
                desk = FilesDesk(
                    bank,
                    files.folder,
                    files.counter,
                    files.speech,
                    signer=open_signer(folder, clock),
                    foreign=foreign_signer(clock),
                )
                await desk.open()
                print(files.told(folder), file=sys.stderr, flush=True)
                _work_beside(beside, desk.run())
            await _until_told(app, port, tls)
    finally:
        await databases.close()


def _work_beside(beside: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Do it until the stack closes. Work that fails ends the program, with its error."""
    task = asyncio.create_task(work)

    def stop(done: asyncio.Task[None]) -> None:
        if not done.cancelled():
            signal.raise_signal(signal.SIGTERM)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    task.add_done_callback(stop)
    beside.push_async_callback(end)


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
        f"  KAPITAL_BANK_ANSWER_KEY={folder / PUBLIC_KEY} KAPITAL_BANK_WEBHOOK_KEY={folder / KEY}",
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
