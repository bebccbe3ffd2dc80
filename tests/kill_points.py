"""At which of its steps a process is killed: at some in each run, at all where somebody asks for all."""

import os

LAST = 100


def kill_points(stride: int, *, last: int = LAST) -> range:
    """Numbers of steps from 1 on. An odd stride meets what is before a step and what is after one by turns.

    `KAPITAL_SWEEP=all` makes it every step. `last`: what a round leaves to the next may give it more steps than the
    round before had, so that no end would be met.
    """
    return range(1, last + 1, 1 if os.environ.get("KAPITAL_SWEEP") == "all" else stride)
