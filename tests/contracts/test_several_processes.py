"""`kapital up` in several processes: one port, one set of figures, none left without the first."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest

from tests.contracts.serving import STOP_S, Served
from tests.contracts.test_process import participants, register, token_in, wait_gone
from tests.places import quick_folder

PROCESSES = 3
_REGISTERED = re.compile(
    r'^kapital_use_case_total\{code="",name="registry.register_participants",outcome="done"\} (\S+)$', re.MULTILINE
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-up-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"


@pytest.fixture
def token(folder: Path) -> str:
    return token_in(folder)


@pytest.fixture
def several(folder: Path, token: str) -> Iterator[Served]:
    assert token
    process = Served(folder, KAPITAL_HTTP_PROCESSES=str(PROCESSES))
    try:
        yield process.wait_until_well()
    finally:
        process.close()
        assert wait_gone(folder) == []


def beside(process: Served) -> list[psutil.Process]:
    """The processes that serve beside the first, without those that enter in the ledger for each of them."""
    return [one for one in psutil.Process(process.process.pid).children() if "--beside" in one.cmdline()]


def has_served(process: psutil.Process, url: str) -> bool:
    """Whether a connection of ours ended up at this process."""
    port = int(url.rpartition(":")[2])
    for _ in range(60):
        with httpx.Client() as client:
            client.get(f"{url}/health")
            if any(c.laddr.port == port and c.status == "ESTABLISHED" for c in process.net_connections()):
                return True
    return False


def test_they_serve_as_one_and_end_as_one(several: Served, folder: Path, token: str) -> None:
    others = beside(several)
    assert len(others) == PROCESSES - 1
    assert all(has_served(other, several.url) for other in others), "the port is not shared"

    # Each call is a connection of its own, and so goes to whom the system likes.
    made = {register(several.url, token, number) for number in range(1, 13)}

    for _ in range(6):
        assert participants(several.url, token) == made
        figures = httpx.get(f"{several.url}/metrics", timeout=60).text
        [count] = _REGISTERED.findall(figures)
        assert float(count) == len(made)
        assert 'pid="' not in figures, "a gauge of each process"
    assert several.interrupt() == 0, several.said()
    assert psutil.wait_procs(others, timeout=STOP_S)[1] == []
    assert "Traceback" not in several.said()
    assert wait_gone(folder) == []


def test_one_that_is_lost_ends_all_with_an_error(several: Served) -> None:
    lost, other = beside(several)

    lost.kill()

    assert several.process.wait(STOP_S) == 1
    assert "ended with -9" in several.said()
    assert psutil.wait_procs([other], timeout=STOP_S)[1] == []


def test_none_is_left_when_the_first_is_killed(several: Served) -> None:
    others = beside(several)

    several.kill()

    assert psutil.wait_procs(others, timeout=STOP_S)[1] == []
