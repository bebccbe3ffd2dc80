"""Starts `process.py` and waits for it, from a test."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class LedgerProcess:
    """Another process with a ledger on the same database. It posts nothing before `go`."""

    def __init__(self, dsn: str, orders: Path, told: Path) -> None:
        self.told = told
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.process", dsn, str(orders), str(told)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ready(self) -> "LedgerProcess":
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == b"ready\n"
        return self

    def go(self) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(b"go\n")
        self.popen.stdin.flush()

    def kill(self) -> None:
        self.popen.kill()
        self.end()

    def end(self) -> int:
        code = self.popen.wait(120)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()
        return code
