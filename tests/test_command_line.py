"""The command line as its caller meets it: what is wrong is said in one line, at once, and nothing is made."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from tests.demo.conftest import run


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
