"""The sandbox bank over HTTP: inside the test's process over a test's database, or as the program that it is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kapital.sandbox.bank.answers import PUBLIC_KEY, TOKEN
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.clock import BankClock
from kapital.sandbox.bank.serving import BankApp, Rates, bank_app
from kapital.settlement.adapters.http_bank import HttpBank

TOKEN_OF_TESTS = "token-of-tests"
PROGRAM = Path(sys.executable).parent / "kapital"
START_S, STOP_S = 240.0, 120.0


def served_here(bank: SandboxBank, *, rates: int = 0) -> BankApp:
    """The application over a bank of this process; it cannot restart."""

    def refuse() -> None:
        raise AssertionError("only the program restarts")

    return bank_app(
        bank,
        BankClock(bank.clock),
        token=TOKEN_OF_TESTS,
        key=Ed25519PrivateKey.generate(),
        restart=refuse,
        rates=Rates(rates),
    )


class Caller:
    """Asks over HTTP as somebody with the token does, each command under a key of its own."""

    def __init__(self, client: httpx.AsyncClient, token: str = TOKEN_OF_TESTS) -> None:
        self.client, self.token, self.keys = client, token, 0

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        self.keys += 1
        headers = {"Idempotency-Key": key or f"key-{self.keys}", "Authorization": f"Bearer {self.token}"}
        if isinstance(body, bytes):
            return await self.client.post(path, content=body, headers=headers | {"Content-Type": "application/json"})
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {self.token}"} | headers)

    async def play(self, *steps: dict[str, Any]) -> None:
        """Put a fault script in force."""
        script = {"version": 1, "name": "of-a-test", "about_ru": "", "about_en": "", "steps": list(steps)}
        assert (await self.post("/sandbox/faults", script)).status_code == 200


def caller_of(app: BankApp) -> Caller:
    transport = httpx.ASGITransport(app)
    return Caller(httpx.AsyncClient(transport=transport, base_url="http://bank"))


def http_bank_here(bank: SandboxBank, *, rates: int = 0) -> HttpBank:
    """The adapter of a bank over HTTP, before the sandbox bank of this process; answers are checked."""
    return http_bank_over(served_here(bank, rates=rates))


def http_bank_over(app: BankApp) -> HttpBank:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bank")
    return HttpBank(client, token=TOKEN_OF_TESTS, answer_key=app.key.public_key())


class BankProgram:
    """`kapital sandbox-bank serve` with a folder and a database of its own."""

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("KAPITAL_")} | {
            "KAPITAL_POSTGRES_SHARED_BUFFERS_MB": "128",
            "KAPITAL_LOG_LEVEL": "WARNING",
            **(environment or {}),
        }
        self.process = self._start(arguments)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        self._said = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        command = [str(PROGRAM), "sandbox-bank", "serve", "--folder", str(self.folder), "--port", str(self.port)]
        return subprocess.Popen(
            [*command, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        return self.folder / TOKEN

    @property
    def answer_key(self) -> Path:
        return self.folder / PUBLIC_KEY

    def wait_until_well(self) -> "BankProgram":
        deadline = time.monotonic() + START_S
        with httpx.Client(timeout=30, trust_env=False) as web:
            while time.monotonic() < deadline:
                assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said()}"
                try:
                    if web.get(f"{self.url}/").status_code == 200:
                        return self
                except httpx.TransportError:
                    time.sleep(0.1)
        raise AssertionError(f"not well after {START_S} s: {self.said()}")

    def said(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """kill -9: nothing is tidied up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_S)

    def start_again(self, *arguments: str) -> "BankProgram":
        self._said.close()
        self.process = self._start(arguments)
        return self.wait_until_well()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_S)
        self._said.close()
