"""Steps of many issues in one tick: what is refused of one of them holds up no other, and is seen."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import STEPS_STOPPED

_log: Final = get_logger(__name__)


class Apart:
    """Counts the steps of one kind that a rule stopped in this tick."""

    def __init__(self) -> None:
        self.stopped = 0

    async def take(self, subject_id: UUID, work: Awaitable[int]) -> int:
        """Await a step; a refusal is logged with its code and counted as stopped, and moves 0.

        Raises: Unavailable, since what is away is away for all; InvariantBroken, which is never caught to go on.
        """
        try:
            return await work
        except Unavailable:
            raise
        except Problem as problem:
            self.stopped += 1
            _log.warning("tokenization.step_stopped", code=problem.code, subject_id=str(subject_id))
            return 0


@contextmanager
def apart(step: str) -> Iterator[Apart]:
    """Steps that are taken one by one; at the end the metric `kapital_steps_stopped` tells how many stand still.

    Promise: a step that stands still is tried at each tick and is told until it goes on; nothing is given up.
    """
    steps = Apart()
    yield steps
    STEPS_STOPPED.labels(step).set(steps.stopped)
