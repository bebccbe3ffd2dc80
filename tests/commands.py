"""Runs `kapital …` in a process of its own: a fork of one that has the modules, which begins at once.

What is of the start itself – the program's file, signals, pipes – is looked at with the program.
"""

import multiprocessing
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

NEVER_S = 600.0


class Told(NamedTuple):
    """What a command line said."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, cwd: Path | None = None, typed: str = "", **environment: str) -> Told:
    """Run `kapital …` to its end; `typed` is its standard input."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["kapital.app", "kapital.cli", "kapital.commands.console", __name__])
    with TemporaryDirectory(prefix="kapital-command-") as made:
        files = [Path(made) / name for name in ("in", "out", "err")]
        files[0].write_text(typed)
        words = [str(one) for one in arguments]
        # The library of the command line speaks otherwise to a test that calls it.
        around = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        process = forks.Process(target=_begin, args=(words, cwd or Path.cwd(), around | environment, files))
        process.start()
        process.join(NEVER_S)
        if process.is_alive():
            process.kill()
            raise AssertionError(f"kapital {words} never ended")
        return Told(process.exitcode or 0, *(one.read_text() for one in files[1:]))


def _begin(words: list[str], cwd: Path, environment: dict[str, str], files: list[Path]) -> None:
    for number, (path, flags) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        opened = os.open(path, flags | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it ends with the process
    sys.argv = ["kapital", *words]
    from kapital.cli import main

    main()
