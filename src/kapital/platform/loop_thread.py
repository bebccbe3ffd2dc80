"""A second event loop in a thread of its own, for a conversation that must not wait for the first one's work."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

try:
    import uvloop
except ImportError:  # pragma: no cover - Windows
    uvloop = None  # type: ignore[assignment]

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop where there is one (not on Windows): it halves what waking a caller costs."""
    return uvloop.new_event_loop() if uvloop is not None else asyncio.new_event_loop()


class LoopThread:
    """An event loop in a daemon thread, started on first use.

    While the database works on a statement the main loop computes; when the answer comes, this thread sends the
    next statement at once instead of queueing behind the main loop's callbacks.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on this thread's loop and wait for it on the caller's."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.start()))

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function on this thread's loop soon; do not wait for it."""
        self.start().call_soon_threadsafe(function, *arguments)

    def start(self) -> asyncio.AbstractEventLoop:
        """Start the thread if it does not run yet.

        Raises: OSError, RuntimeError, when the system gives no more files or threads; another try is free to work.
        """
        if self._loop is None:
            loop = new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                loop.close()
                raise
            self._loop, self._thread = loop, thread
        return self._loop

    def stop(self) -> None:
        """Stop the loop; what still runs on it is lost."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None
