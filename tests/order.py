"""In which order the processes of a run are given their files: long ones first, and to one what shares a story.

`--dist loadfile` hands files out by the number of their tests, so that one of few and long tests begins last, and all
other processes wait for it.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

ONE_STORY = frozenset(
    f"tests/contracts/test_{name}.py"
    for name in ("access_over_http", "events_told", "fuzzed_over_http", "process", "routes", "who_may_do_what")
)
"""They look at one story, which is played once in each process that needs it."""
LONG = (
    "tests/faults/test_fault_run.py",
    *sorted(ONE_STORY),
    "tests/demo/test_demo.py",
    "tests/settlement/test_withdrawals.py",
    "tests/settlement/test_bank_shares.py",
    "tests/scenarios/test_signed_acts.py",
    "tests/settlement/test_reconcile.py",
    "tests/contracts/test_idempotency_over_http.py",
    "tests/tokenization/test_early.py",
    "tests/tokenization/test_shortfall.py",
    "tests/tokenization/test_awaiting_funds.py",
    "tests/tokenization/test_payouts_in_parts.py",
    "tests/tokenization/test_closing.py",
)
"""What lasts longest first; the others follow as they stand."""
_PLACES = {name: place for place, name in enumerate(LONG)}


class FilesAndStories(LoadFileScheduling):
    """A unit of work is a file, or all files of one story."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "one story" if file in ONE_STORY else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAndStories | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # the order is that of the collection
    return FilesAndStories(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _PLACES.get(item.nodeid.partition("::")[0], len(_PLACES)))
