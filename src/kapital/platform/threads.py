"""Blocking work beside the event loop: what comes while a thread is at work is taken by it in one go."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from kapital.kernel.problems import ensure

T = TypeVar("T")
Item = TypeVar("Item")

_TAKEN_MAX: Final = 32
"""Calls that a thread takes at once: enough to share the wake-ups, few enough for the other threads to get some."""

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class WorkThreads:
    """A few threads that make calls for one event loop; each wakes the loop once for all the calls that it took.

    `asyncio.to_thread` costs two wake-ups a call, which is more than a small call itself.
    Promise: calls begin in the order in which they came; a caller that gives up does not stop its call.
    """

    def __init__(self, count: int) -> None:
        ensure(count > 0, "somebody has to work")
        self._count = count
        self._calls: deque[_Call] = deque()
        self._there_is_work = threading.Condition()
        self._started = self._closed = False

    async def call(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        """What `work` returns or raises, called in one of the threads."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._there_is_work:
            ensure(not self._closed, "who works no more is not called")
            self._calls.append((partial(work, *args, **named), answer))
            self._there_is_work.notify()
        if not self._started:
            self._start()
        return await answer

    async def call_each(self, work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
        """What `work` returns for each item, in order: the items are shared out, a part of them is one call.

        What `work` raises for one item is raised for all: `work` answers with what concerns one alone.
        """
        size = max(1, min(_TAKEN_MAX, -(-len(items) // self._count)))
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        done = await asyncio.gather(*(self.call(_made_each, work, part) for part in parts))
        return [answer for part in done for answer in part]

    def close(self) -> None:
        """Let the threads end when nothing waits any more; a call that comes later is a fault."""
        with self._there_is_work:
            self._closed = True
            self._there_is_work.notify_all()

    def _start(self) -> None:
        self._started = True
        for _ in range(self._count):
            threading.Thread(target=self._work_for_ever, name="kapital-work", daemon=True).start()

    def _work_for_ever(self) -> None:
        while True:
            with self._there_is_work:
                while not self._calls and not self._closed:
                    self._there_is_work.wait()
                if not self._calls:
                    return
                taken = [self._calls.popleft() for _ in range(min(_TAKEN_MAX, self._share()))]
            done = [(answer, *_made(call)) for call, answer in taken]
            loop = taken[0][1].get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell, done)

    def _share(self) -> int:
        return -(-len(self._calls) // self._count)


def _made_each(work: Callable[[Item], T], items: Sequence[Item]) -> list[T]:
    return [work(item) for item in items]


def _made(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - the caller is told, whatever it is
        return None, error


def _tell(done: list[tuple["asyncio.Future[Any]", Any, BaseException | None]]) -> None:
    for answer, result, error in done:
        if answer.done():
            continue  # the caller has gone
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)
