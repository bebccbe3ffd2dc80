"""The event loop of the house."""

import asyncio

try:
    import uvloop
except ImportError:  # pragma: no cover - Windows
    uvloop = None  # type: ignore[assignment]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop where there is one (not on Windows): it halves what waking a caller costs."""
    return uvloop.new_event_loop() if uvloop is not None else asyncio.new_event_loop()
