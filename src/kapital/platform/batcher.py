"""Batcher: callers that come at the same time share one call (group commit)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from kapital.kernel.problems import ensure

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Gathers what is submitted while a batch runs into the next batch; batches run one after the other.

    A lone caller does not wait. Where callers ask again as soon as they are answered,
    `gather` lets those just answered join the next batch: it begins when as many have come again, at the latest after
    this share of the time that the last batch took. Twice the callers in half the batches cost a third less.
    Order of submission is the order in the batch.
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
        gather: float = 0.0,
        overfull: Callable[[], Exception],
    ) -> None:
        ensure(size_max > 0, "a batch holds at least one item")
        ensure(0 <= gather <= 1, "a share of the time of a batch")
        self._run, self._size_max, self._waiting_max, self._overfull = run, size_max, waiting_max, overfull
        self._gather = gather
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._expected, self._are_here = 0, asyncio.Event()

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
        if len(self._waiting) >= self._expected:
            self._are_here.set()
        if self._worker is None:
            self._worker = loop.create_task(self._work())
        done = await asyncio.gather(*futures, return_exceptions=True)
        for answer in done:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in done if not isinstance(answer, BaseException)]

    async def close(self) -> None:
        """Wait until all that was submitted is answered."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while self._waiting:
                began = time.perf_counter()
                answered = await self._run_next()
                if self._gather and (self._waiting or answered > 1):
                    await self._wait_for(answered, (time.perf_counter() - began) * self._gather)
        finally:
            # Here and not when the loop hears of the end: whoever submits in between must find no worker.
            self._worker = None

    async def _wait_for(self, answered: int, seconds: float) -> None:
        """Until as many have come as were answered, or until the time is over."""
        self._expected = min(len(self._waiting) + answered, self._size_max)
        if len(self._waiting) >= self._expected:
            return
        self._are_here.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._are_here.wait()

    async def _run_next(self) -> int:
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
        return len(batch)
