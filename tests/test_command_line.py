"""The command line as its caller meets it: what is wrong is said in one line, at once, and nothing is made."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from cyclopts import App

from kapital.demo import INVESTORS_MAX
from kapital.demo.run import MARKER
from tests.commands import run
from tests.contracts.serving import postmasters
from tests.demo.conftest import KAPITAL
from tests.tokenization.world import EXAMPLES
from tests.waiting import NEVER_S, until

TERMS = EXAMPLES / "fixed-rate-window.yaml"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of an earlier demonstration."""
    (tmp_path / "demo").mkdir()
    for name in (MARKER, "statement.kapital.json"):
        (tmp_path / "demo" / name).write_text("of the earlier run\n")
    return tmp_path / "demo"


def test_only_up_token_and_demo_make_a_register(tmp_path: Path) -> None:
    folder = tmp_path / "mistyped"
    commands = (
        ("check",),
        ("evidence", "entry", "1"),
        ("evidence", "statement", str(uuid4())),
        ("ledger", "rebuild"),
        ("ledger", "keys"),
        ("dead-letters", "list"),
    )

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda c: run(*c, cwd=tmp_path, KAPITAL_DATA_DIR=str(folder)), commands))

    asked = f"register_not_found: no register in {folder} (KAPITAL_DATA_DIR)\n"
    assert [(one.code, one.out, one.err) for one in told] == [(2, "", asked)] * len(commands)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--investors", "-5"), "--investors. Must be >= 3"),
        (("--investors", "2"), "--investors. Must be >= 3"),
        (("--investors", str(INVESTORS_MAX + 1)), "--investors. Must be <= "),
        (("--terms", "absent.yaml"), "absent.yaml: No such file or directory\n"),
        (("--terms", "faulty.yaml"), "demo_terms_unplayable: faulty.yaml: "),
        (("--terms", "torn.yaml"), "demo_terms_unplayable: torn.yaml: "),
        (("--terms", str(TERMS), "--terms", str(TERMS)), "another file has the same code"),
    ],
)
def test_a_wrong_argument_leaves_the_earlier_demonstration_as_it_was(
    arguments: tuple[str, ...], told: str, earlier: Path
) -> None:
    text = TERMS.read_text()
    (earlier.parent / "faulty.yaml").write_text(text.replace("quantity_min: ", "quantity_min: 9"))
    (earlier.parent / "torn.yaml").write_text(text[: len(text) // 2])

    ended = run("demo", "--folder", "demo", *arguments, cwd=earlier.parent)

    assert (ended.code, ended.out) == (2, "")
    assert told in " ".join(ended.err.split()) + "\n"
    assert "Traceback" not in ended.err
    assert {path.name for path in earlier.iterdir()} == {MARKER, "statement.kapital.json"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("up",), "taken/kapital/postgres: Not a directory\n"),
        (("check",), "register_not_found: no register in taken/kapital (KAPITAL_DATA_DIR)\n"),
        (("demo", "--folder", "taken"), "taken: Not a directory\n"),
        (("demo", "--folder", "taken/demo"), "taken/demo: Not a directory\n"),
    ],
)
def test_a_folder_that_cannot_be_is_named_in_one_line(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])

    ended = run(*arguments, cwd=tmp_path, KAPITAL_DATA_DIR="taken/kapital", KAPITAL_PORT=port)

    assert (ended.code, ended.out, ended.err.removeprefix(f"{tmp_path.resolve()}/")) == (2, "", told)
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.parametrize(
    "wrong",
    [("--seconds", "-1"), ("--seconds", "nan"), ("--wallets", "1"), ("--callers", "-4"), ("--entries-before", "-1")],
)
def test_a_bench_of_impossible_sizes_is_refused_at_once(wrong: tuple[str, str]) -> None:
    ended = run("bench", "ledger", *wrong)

    assert (ended.code, ended.out) == (2, "")
    assert f"for {wrong[0]}. Must be " in " ".join(ended.err.split())


def test_a_reader_that_has_gone_is_no_fault_of_ours() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run([KAPITAL, "verify", TERMS], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_a_failure_and_said() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [KAPITAL, "verify", TERMS], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (ended.returncode, ended.stderr) == (2, "input or output: No space left on device\n")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder that the server's user may enter."""
    with tempfile.TemporaryDirectory(prefix="kapital-stop-", dir="/tmp", ignore_cleanup_errors=True) as made:
        yield Path(made) / "demo"


def test_ctrl_c_in_the_demonstration_says_what_it_does_and_leaves_no_server(short: Path) -> None:
    process = subprocess.Popen(
        [KAPITAL, "demo", "--folder", short], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    starting = short / "postgres/start.lock"
    asyncio.run(until(lambda: starting.exists() or process.poll() is not None, what="the start of PostgreSQL"))

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=NEVER_S)

    assert process.returncode == 130
    assert told == f"stopping…\nstopped; {short} holds an unfinished demonstration, the next run empties it\n"
    assert postmasters(short) == []


def test_every_parameter_says_what_it_is() -> None:
    from kapital.cli import app

    def silent(command: App, words: str) -> list[str]:
        below = [command[name] for name in command if not name.startswith("-")]
        if below:
            return [told for one in below for told in silent(one, f"{words} {one.name[0]}")]
        arguments = command.assemble_argument_collection(parse_docstring=True)
        return [f"{words} {one.name}" for one in arguments if not one.parameter.help]

    assert silent(app, "kapital") == ["kapital verify ARGUMENTS"]  # its own parser tells them


def test_help_offers_only_what_is_accepted_and_names_the_command_that_was_typed() -> None:
    with ThreadPoolExecutor(2) as pool:
        verify, token, up = pool.map(lambda c: run(c, "--help"), ("verify", "token", "up"))

    assert verify.out.startswith("usage: kapital verify ")
    assert "investor" not in token.out
    assert "KAPITAL_PORT" in up.out


def test_a_file_that_is_there_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "entry-1.kapital.json").write_text("kept")

    ended = run("evidence", "entry", "1", cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "entry-1.kapital.json: there is such a file (--force replaces it)\n"
    assert (tmp_path / "entry-1.kapital.json").read_text() == "kept"


def test_facts_of_a_refusal_are_words() -> None:
    ended = run("token", "risk", "--hours", "0")

    assert ended.err.startswith("token_lifetime_out_of_range: ")
    assert "{" not in ended.err


def test_a_second_file_that_is_no_checkpoint_says_nothing_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("no checkpoint")

    ended = run("verify", str(TERMS), "--checkpoint", "letter.txt", cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert "letter.txt is no checkpoint" in ended.err
