"""Batcher: callers that come at the same time share one call (group commit)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kapital.kernel.problems import ensure

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Gathers what is submitted while a batch runs into the next batch; `at_once` batches run at a time, one unless
    told otherwise.

    A lone caller does not wait: no timer holds it back. Order of submission is the order in the batch, and the order
    in which batches begin.
    Promise: `run` gets 1 to `size_max` items and answers each, in order; a caller that gives up (cancelled)
    does not stop the batch, because its item may already be written.
    Not: bounded queueing is the edge's work; above `waiting_max` waiting items `submit` raises the given
    problem.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        size_max: int = 500,
        waiting_max: int = 50_000,
        at_once: int = 1,
        overfull: Callable[[], Exception],
    ) -> None:
        ensure(size_max > 0 and at_once > 0, "a batch holds at least one item, and one can run")
        self._run, self._size_max, self._waiting_max, self._overfull = run, size_max, waiting_max, overfull
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._at_once = at_once
        self._workers: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Answer:
        """The answer for this item, or what `run` raised for its whole batch."""
        return (await self.submit_many([item]))[0]

    async def submit_many(self, items: Sequence[Item]) -> list[Answer]:
        """The answers for these items, in order; neighbours in the queue, though perhaps of two batches."""
        if len(self._waiting) + len(items) > self._waiting_max:
            raise self._overfull()
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Answer]] = [loop.create_future() for _ in items]
        self._waiting += zip(items, futures, strict=True)
        if len(self._workers) < self._at_once:
            self._workers.add(loop.create_task(self._work()))
        done = await asyncio.gather(*futures, return_exceptions=True)
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in done if not isinstance(answer, BaseException)]

    async def close(self) -> None:
        """Wait until all that was submitted is answered."""
        while self._workers:
            await asyncio.wait(self._workers)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._run_next()
        finally:
            # Here and not when the loop hears of the end: whoever submits in between must find no worker.
            self._workers -= {task for task in self._workers if task is asyncio.current_task()}

    async def _run_next(self) -> None:
        batch, self._waiting = self._waiting[: self._size_max], self._waiting[self._size_max :]
        try:
            answers = await self._run([item for item, _ in batch])
            ensure(len(answers) == len(batch), "a batch must be answered item by item")
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
