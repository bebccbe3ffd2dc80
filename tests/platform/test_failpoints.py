"""Failpoints: listed and called alike, deadly where they are armed, and met by houses of a fault run only."""

import ast
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

import kapital
from kapital.app import open_kapital
from kapital.platform.failpoint_names import FAILPOINTS
from kapital.platform.failpoints import (
    TOKEN_FILE,
    FailpointNotAllowed,
    FailpointNotFound,
    arm,
    disarm,
    failpoint,
    make_fault_run,
    reached,
    take_part,
)
from kapital.platform.settings import Settings
from tests.sources import parsed

SOURCES = Path(kapital.__file__).parent
NAME = "settlement.withdrawal.sent"
MEET_THREE_TIMES = f"""
import sys
from kapital.platform.failpoints import failpoint, take_part_below
take_part_below(sys.argv[1:])
for _ in range(3):
    failpoint("settlement.withdrawal.locked")
    failpoint("{NAME}")
    print("alive", flush=True)
"""


def called() -> Iterator[str]:
    """The name in every call of `failpoint` in the sources; one without a literal name cannot be listed."""
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "failpoint":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}: name it by a literal"
                yield node.args[0].value


def test_each_failpoint_in_the_sources_is_listed_and_each_listed_one_stands_in_the_sources() -> None:
    names = [one.name for one in FAILPOINTS]
    assert len(names) == len(set(names))
    assert sorted(set(called())) == sorted(names)


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_house_of_no_fault_run_refuses_to_start_with_a_token(tmp_path: Path, token: str) -> None:
    settings = Settings(data_dir=tmp_path, failpoint_token=SecretStr(token))
    with pytest.raises(FailpointNotAllowed):
        take_part(settings)
    (tmp_path / TOKEN_FILE).touch()  # a file without a token proves nothing
    with pytest.raises(FailpointNotAllowed):
        take_part(settings)


def test_a_house_without_the_token_meets_no_failpoint_even_in_the_folder_of_a_run(tmp_path: Path) -> None:
    make_fault_run(tmp_path)
    arm(tmp_path, NAME)
    take_part(Settings(data_dir=tmp_path))
    failpoint(NAME)  # we live
    assert reached(tmp_path) == []


def test_a_register_that_was_there_never_becomes_one_of_a_fault_run(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(Exception, match="empty"):
        make_fault_run(tmp_path)


@pytest.mark.parametrize(("name", "nth"), [("no.such.point", 1), (NAME, 0), (NAME, 1_000_001), ("", 1)])
def test_only_what_is_listed_can_be_armed(tmp_path: Path, name: str, nth: int) -> None:
    with pytest.raises(FailpointNotFound):
        arm(tmp_path, name, nth)


@pytest.mark.parametrize(("nth", "lived"), [(1, 0), (3, 2), (4, 3)])
def test_a_process_dies_by_sigkill_when_it_meets_its_failpoint_for_the_nth_time(
    tmp_path: Path, nth: int, lived: int
) -> None:
    arm(tmp_path, NAME, nth)
    command = [sys.executable, "-c", MEET_THREE_TIMES, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["alive"] * lived
    died = lived < 3
    assert ended.returncode == (-signal.SIGKILL if died else 0), ended.stderr
    assert reached(tmp_path) == ([NAME] if died else [])
    # What killed one process is used up, and what was not met may be taken back.
    disarm(tmp_path)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.split() == ["alive"] * 3


async def test_a_real_house_with_the_token_of_no_run_ends_before_it_makes_anything(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    with pytest.raises(FailpointNotAllowed):
        async with open_kapital(Settings(data_dir=folder, failpoint_token=SecretStr("0" * 64))):
            pass
    assert not folder.exists()
