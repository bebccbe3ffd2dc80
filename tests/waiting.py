"""Waits for what a test needs to be so. The limit is for what never comes; it says nothing about speed."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

NEVER_S = 120.0


async def until(holds: Callable[[], Any | Awaitable[Any]], *, what: str = "what was waited for") -> None:
    """Return when `holds()` – a plain or an async function – is true; fail when it never becomes so."""
    try:
        async with asyncio.timeout(NEVER_S):
            while True:
                found = holds()
                if await found if inspect.isawaitable(found) else found:
                    return
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"{what} never came") from None
