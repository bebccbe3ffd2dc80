"""What every command of the console does: settings, opening the parts, printing, and ending.

A command imports what it needs when it runs, so that `kapital --help` answers at once.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from cyclopts import Parameter

from kapital.kernel.problems import InvariantBroken, Problem

if TYPE_CHECKING:
    from kapital.app import Kapital
    from kapital.kernel.actor import Actor
    from kapital.platform.settings import Settings

TOKEN_VARIABLE = "KAPITAL_ACCESS_TOKEN"  # noqa: S105 - the name of the place, not a secret
Json = Annotated[
    bool,
    Parameter(name="--json", negative=(), help="Print one JSON object on standard output and nothing else there."),
]
Out = Annotated[
    Path | None, Parameter(help="File to write; without it one named after the subject, in the current folder.")
]
Reason = Annotated[str, Parameter(help="Why, in words; kept in the audit.")]
Force = Annotated[bool, Parameter(help="Replace a file that is there.", negative=())]
T = TypeVar("T")


def read_settings(**chosen: Any) -> "Settings":
    """Return the settings, changed by what was chosen; what is wrong with them ends the command with a message."""
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError

    from kapital.platform.settings import CONFIG_VARIABLE, Settings, UnknownVariable

    try:
        return Settings(**chosen)
    except ValidationError as error:  # Without the value given: it may be a secret.
        named = (f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        end("settings (KAPITAL_… or the file of KAPITAL_CONFIG): " + "; ".join(named))
    except TOMLDecodeError as error:
        end(f"settings ({os.environ.get(CONFIG_VARIABLE)}): {error}")
    except (UnknownVariable, FileNotFoundError) as error:
        end(f"settings: {error}")


def silence_logs() -> None:
    """Keep the log quiet but for errors: a command speaks for itself."""
    from kapital.platform.logging import configure_logging

    configure_logging(level="ERROR")


def end(why: str) -> NoReturn:
    """Say why on standard error and end with exit status 2: nothing was done."""
    print(why, file=sys.stderr)
    sys.exit(2)


def print_json(told: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(told, ensure_ascii=False, indent=2))


def tell(told: dict[str, Any], *, as_json: bool) -> None:
    """Print what was found: JSON, or one `name  value` a line."""
    if as_json:
        print_json(told)
        return
    width = max(map(len, told))
    for name, value in told.items():
        print(f"{name:>{width}}  {value}")


def in_house(work: Callable[["Kapital"], Awaitable[T]], *, create: bool = False) -> T:
    """Open all parts, do the work, close them. A register that is not there is made only if told so."""
    from kapital.app import open_kapital

    settings = read_settings()

    async def opened() -> T:
        async with open_kapital(settings, create=create) as kapital:
            return await work(kapital)

    return run(opened())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the work to its end. A refusal is one line and exit status 2, a broken invariant exit status 1."""
    from kapital.platform.process import new_event_loop

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except Problem as problem:
        facts = ", ".join(f"{name} {value}" for name, value in problem.facts.items())
        print(f"{problem.code}: {problem.detail}" + (f" ({facts})" if facts else ""), file=sys.stderr)
        sys.exit(2)
    except InvariantBroken as broken:
        print(f"invariant broken: {broken}", file=sys.stderr)
        sys.exit(1)


async def person(kapital: "Kapital") -> "Actor":
    """Return who acts, by the access token in the environment: what needs two persons needs two tokens.

    Raises: AccessTokenRequired, AccessTokenInvalid.
    """
    from kapital.platform.http.access import AccessTokenInvalid, AccessTokenRequired

    if not (token := os.environ.get(TOKEN_VARIABLE, "")):
        raise AccessTokenRequired(f"put your access token into {TOKEN_VARIABLE}")
    if (actor := await kapital.registry.verifier.verify(token)) is None:
        raise AccessTokenInvalid
    return actor
