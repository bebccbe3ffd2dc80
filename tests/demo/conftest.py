"""The demonstration, run once with its defaults: what the other tests look at is the folder that it leaves."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

KAPITAL = Path(sys.executable).parent / "kapital"


class Told(NamedTuple):
    """What a command line said."""

    code: int
    out: str
    err: str


class Demonstration(NamedTuple):
    """The folder, and what the run told."""

    folder: Path
    told: Told
    summary: dict[str, Any]

    def cli(self, *arguments: str, cwd: Path | None = None) -> Told:
        """Run `kapital …` on the data that the demonstration left."""
        return run(*arguments, cwd=cwd, KAPITAL_DATA_DIR=str(self.folder))


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> Told:
    """Run `kapital …` in a process of its own."""
    done = subprocess.run(
        [KAPITAL, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=300,
    )
    return Told(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def demo() -> Iterator[Demonstration]:
    # Not pytest's folder: another session would take the server's user the way through it.
    above = Path(tempfile.mkdtemp(prefix="kapital-test-demo-", dir="/tmp"))
    folder = above / "data"
    told = run("demo", "--json", "--folder", str(folder))
    assert told.out, told.err
    yield Demonstration(folder, told, json.loads(told.out))
    shutil.rmtree(above, ignore_errors=True)
