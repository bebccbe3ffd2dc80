"""Named places in durable processes at which a process of a fault run kills itself, as a crash there would.

A house takes part only when it is started with the token of its folder, which `make_fault_run` made
(`KAPITAL_FAILPOINT_TOKEN`): any other house that sees the setting refuses to start. In one that takes part, the
failpoint that `arm` names kills the process that meets it. In all others a failpoint costs one look at a variable.
"""

import os
import secrets
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kapital.kernel.problems import Family, Problem, Retry, Unavailable, ensure
from kapital.platform.failpoint_names import FAILPOINTS

if TYPE_CHECKING:
    from kapital.platform.settings import Settings

TOKEN_FILE: Final = "faults-run"  # noqa: S105 - the file's name
ARMED_FILE: Final = "faults-armed"
REACHED_FILE: Final = "faults-reached"
NTH_MAX: Final = 1_000_000
_NAMES: Final = frozenset(one.name for one in FAILPOINTS)


class FailpointNotAllowed(Unavailable):
    """The settings have the token of a fault run, and this house is none: it could kill itself amid real work."""

    code = "failpoint_not_allowed"
    title = "Failpoints are asked for outside of a fault run"
    retry = Retry.AFTER_CHANGE


class FailpointNotFound(Problem):
    """No failpoint has this name, or its number is not 1 to 1,000,000."""

    code = "failpoint_not_found"
    title = "No such failpoint"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


@dataclass(slots=True)
class _Run:
    """The fault run that this process takes part in; how often it has met what is armed."""

    folder: Path
    armed: str = ""
    met: int = 0

    def meet(self, name: str) -> None:
        try:
            armed = (self.folder / ARMED_FILE).read_text()
        except FileNotFoundError:
            return
        if armed != self.armed:
            self.armed, self.met = armed, 0
        chosen, _, nth = armed.partition("#")
        if chosen != name:
            return
        self.met += 1
        if self.met >= int(nth):
            with (self.folder / REACHED_FILE).open("a") as file:
                file.write(f"{name}\n")
            # Used up: the process that is started after this one lives.
            disarm(self.folder)
            # Nothing of ours runs after it: no handler, no `finally`, no flush, as after a cut of the power.
            os.kill(os.getpid(), signal.SIGKILL)


_run: _Run | None = None


def failpoint(name: str) -> None:
    """Do nothing; in a process of a fault run in which this name is armed, die when it is met for the n-th time.

    `name` is a literal that `failpoint_names` lists.
    """
    if _run is not None:
        _run.meet(name)


def make_fault_run(folder: Path) -> str:
    """Mark a folder of data as one of a fault run; returns the token with which a house of it is started.

    The folder must be new or empty: a register that was there before never becomes one of a fault run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ensure(not any(folder.iterdir()), f"{folder} is empty")
    token = secrets.token_hex(32)
    (folder / TOKEN_FILE).touch(mode=0o600)
    (folder / TOKEN_FILE).write_text(token)
    return token


def arm(folder: Path, name: str, nth: int = 1) -> None:
    """Let the process of this fault run that next meets `name` for the n-th time die. Raises: FailpointNotFound."""
    if name not in _NAMES or not 1 <= nth <= NTH_MAX:
        raise FailpointNotFound(facts={"failpoint": name[:100], "nth": nth})
    # In one step: a process may read at any time.
    made = folder / f"{ARMED_FILE}.new"
    made.write_text(f"{name}#{nth}")
    made.replace(folder / ARMED_FILE)


def disarm(folder: Path) -> None:
    """Let no process die any more."""
    (folder / ARMED_FILE).unlink(missing_ok=True)


def reached(folder: Path) -> list[str]:
    """The failpoints at which processes of this folder died, in that order."""
    try:
        return (folder / REACHED_FILE).read_text().split()
    except FileNotFoundError:
        return []


def take_part(settings: "Settings") -> None:
    """Take part in the fault run of the settings, if they have its token. Raises: FailpointNotAllowed."""
    global _run  # noqa: PLW0603 - a process takes part in one run
    _run = None
    if settings.failpoint_token is None:
        return
    try:
        kept = (settings.data_dir / TOKEN_FILE).read_bytes()
    except OSError:
        kept = b""
    if not kept or not secrets.compare_digest(kept, settings.failpoint_token.get_secret_value().encode()):
        raise FailpointNotAllowed(f"{settings.data_dir} is no folder of a fault run with this token")
    _run = _Run(settings.data_dir)


def arguments_below() -> list[str]:
    """What a process below this one is started with, for `take_part_below`: it gets no settings of the house."""
    return [] if _run is None else [str(_run.folder)]


def take_part_below(arguments: Sequence[str]) -> None:
    """Take part in what the process above this one takes part in."""
    global _run  # noqa: PLW0603
    _run = _Run(Path(arguments[0])) if arguments else None
