"""The demonstration, run once with its defaults: what the other tests look at is the folder that it leaves."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.commands import Told, run
from tests.places import quick_folder

KAPITAL = Path(sys.executable).parent / "kapital"


class Demonstration(NamedTuple):
    """The folder, and what the run told."""

    folder: Path
    told: Told
    summary: dict[str, Any]

    def cli(self, *arguments: str, cwd: Path | None = None) -> Told:
        """Run `kapital …` on the data that the demonstration left."""
        return run(*arguments, cwd=cwd, KAPITAL_DATA_DIR=str(self.folder))


@pytest.fixture(scope="session")
def demo() -> Iterator[Demonstration]:
    # Not pytest's folder: another session would take the server's user the way through it.
    above = Path(tempfile.mkdtemp(prefix="kapital-test-demo-", dir=quick_folder()))
    folder = above / "data"
    told = run("demo", "--json", "--folder", str(folder))
    assert told.out, told.err
    yield Demonstration(folder, told, json.loads(told.out))
    shutil.rmtree(above, ignore_errors=True)
