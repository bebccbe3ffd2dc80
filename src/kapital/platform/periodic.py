"""Work that time brings again and again: what fails now is tried at the next tick."""

from collections.abc import Awaitable

from kapital.kernel.problems import Problem
from kapital.platform.logging import get_logger

_log = get_logger("app")


async def attempt(name: str, work: Awaitable[object]) -> None:
    """Await one periodic piece of work; a refusal or a part that is away is logged, and the next tick tries again."""
    try:
        await work
    except Problem as problem:
        _log.warning("app.periodic_work_refused", name=name, code=problem.code)
