"""`kapital up` as its operator runs it: a process of its own, a port of its own, a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil

# A loaded machine takes long for both; a process that hangs takes for ever.
START_S = 240.0
STOP_S = 120.0
PROGRAM = Path(sys.executable).parent / "kapital"


class Served:
    """One `kapital up`, or another command that serves alike. Everything is asked over 127.0.0.1."""

    def __init__(self, folder: Path, command: Sequence[str] = (str(PROGRAM), "up"), **settings: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # One for all requests: each client of its own reads the whole bundle of certificates, for nothing here.
        self.web = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self._said = (folder.parent / f"{folder.name}-{port}.log").open("w+b")
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("KAPITAL_")} | {
            "KAPITAL_DATA_DIR": str(folder),
            "KAPITAL_PORT": str(port),
            "KAPITAL_POSTGRES_SHARED_BUFFERS_MB": "128",
            "KAPITAL_LOG_LEVEL": "WARNING",
            "KAPITAL_ACTS_SIGNED": "simple",
            **settings,
        }
        self.process = subprocess.Popen(
            list(command),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_well(self) -> "Served":
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said()}"
            try:
                if self.web.get("/health").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"not well after {START_S} s: {self.said()}")

    def said(self) -> str:
        """What the process wrote, the end of it."""
        self._said.flush()
        return Path(self._said.name).read_text(encoding="utf-8", errors="replace")[-5000:]

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """`kill -9` of our process; PostgreSQL, its child no longer, stays behind."""
        self.process.kill()
        self.process.wait(STOP_S)

    def close(self) -> None:
        """End what is still there."""
        self.web.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._said.close()


def postmasters(folder: Path) -> list[int]:
    """Process ids of every PostgreSQL process whose command line names a data folder in `folder`."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = process.info["cmdline"] or []
        if any(str(folder.resolve() / "postgres") in word for word in line):
            found.append(int(process.info["pid"]))
    return found
