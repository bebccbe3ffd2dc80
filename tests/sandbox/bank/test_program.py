"""`kapital sandbox-bank serve`: a process that keeps what it was told, crashes on demand and comes back."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from kapital.sandbox.people import synthetic_people
from tests.places import quick_folder
from tests.sandbox.bank.serving import PROGRAM, BankProgram, Caller
from tests.waiting import until

BASE = "/v1/nominal-account"
ACCOUNT = synthetic_people(1, 1)[0].payout_account


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-bank-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "bank"


def payment(reference: str) -> dict[str, Any]:
    payee = {"bic": ACCOUNT.bic, "account": ACCOUNT.account}
    return {"payment_id": reference, "kind": "regular", "amount_kopecks": 10, "payee": payee, "purpose": "p"}


async def test_the_program_crashes_as_told_and_after_a_kill_knows_everything(folder: Path) -> None:
    program = BankProgram(folder, "--script", "restarts").wait_until_well()
    try:
        pid = program.process.pid
        async with httpx.AsyncClient(base_url=program.url, timeout=60) as client:
            caller = Caller(client, program.token_file.read_text())
            await caller.post("/sandbox/credits", {"amount_kopecks": 100, "purpose": "p"})

            async def is_up() -> bool:
                await asyncio.sleep(0.5)  # whoever starts needs the processor more
                try:
                    return (await client.get("/")).status_code == 200
                except httpx.TransportError:
                    return False

            async def crashes(call: Any) -> None:
                with pytest.raises(httpx.TransportError):
                    await call
                await until(is_up)

            await crashes(caller.post(f"{BASE}/payments", payment("p1")))  # restart_before
            await crashes(caller.post(f"{BASE}/payments", payment("p2")))  # restart_after
            await crashes(caller.get(f"{BASE}/payments/p1"))  # restart_before
            found = [(await caller.get(f"{BASE}/payments/{name}")).json() for name in ("p1", "p2")]

            assert [one.get("code") or one["state"] for one in found] == ["bank_payment_not_found", "succeeded"]
            assert program.process.pid == pid
            assert program.process.poll() is None
            await asyncio.to_thread(program.kill)
            await asyncio.to_thread(program.start_again)
            assert (await caller.get(BASE)).json()["balance_kopecks"] == 90
            left = (await caller.get("/sandbox/faults")).json()
            met = [one["met"] for one in left["steps"]]
            assert (met[:3], sum(met)) == ([1, 1, 1], 3)
        assert oct(program.token_file.stat().st_mode)[-3:] == "600"
        program.stop()
        assert program.process.returncode == 0, program.said()
    finally:
        program.stop()


@pytest.mark.parametrize(
    "arguments",
    [("--script", "no-such-script"), ("--tls-certificate", "/nowhere.pem"), ("--script", "/dev/null")],
)
def test_what_cannot_be_served_is_said_in_a_line_and_nothing_is_made(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    command = [str(PROGRAM), "sandbox-bank", "serve", "--folder", str(folder), *arguments]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not folder.exists()
