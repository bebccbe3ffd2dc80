"""`kapital up` and `kapital sandbox-bank serve --files` as their operators run them, with one folder between them."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from kapital.app import MIGRATIONS, open_kapital
from kapital.demo.cast import Player, bring_on_stage
from kapital.kernel.roles import Role
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.settings import Settings
from kapital.sandbox.bank.bank import DATABASE
from kapital.sandbox.bank.file_keys import ROOT
from tests.contracts.serving import Served
from tests.contracts.story import staff_token, token_of
from tests.places import quick_folder
from tests.sandbox.bank.serving import BankProgram, Caller
from tests.settlement.bank_messages.values import BIC, OWN
from tests.waiting import until

PAID_IN, WITHDRAWN = 1_000_00, 400_00


@pytest.fixture
def place() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-files-program-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest_asyncio.fixture
async def server(postgres: EmbeddedPostgres) -> str:
    """The session's server, without the databases of a house and of a bank."""
    conn = await asyncpg.connect(postgres.dsn())
    try:
        for name in (*MIGRATIONS, DATABASE):
            await conn.execute(f'DROP DATABASE IF EXISTS "kapital_{name}" WITH (FORCE)')
    finally:
        await conn.close()
    return postgres.dsn()


class People:
    """Who asks the house over HTTP: an investor and the desk of settlement."""

    def __init__(self, player: Player, investor: str, desk: str) -> None:
        self.player, self._investor, self._desk = player, investor, desk

    @classmethod
    async def hire(cls, settings: Settings) -> "People":
        """Register them, before the programs start."""
        async with open_kapital(settings) as kapital:
            [[player], _] = await bring_on_stage(kapital, 1, [])
            investor = await token_of(kapital, str(player.participant_id), Role.INVESTOR)
            return cls(player, investor, await staff_token(kapital, Role.SETTLEMENT))

    def investor(self) -> dict[str, str]:
        return _headers(self._investor)

    def desk(self) -> dict[str, str]:
        return _headers(self._desk)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}


class House:
    """What the people of the house see over HTTP."""

    def __init__(self, served: Served, people: People) -> None:
        self.web, self.people = served.web, people

    def _answer(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()

    def kopecks(self) -> int:
        path = f"/v1/ledger/wallets/{self.people.player.wallet}/balances"
        balances = self._answer(self.web.get(path, headers=self.people.investor()))["balances"]
        return sum(int(one["balance"]) for one in balances if one["position"] == "available")

    def withdraw(self, kopecks: int) -> str:
        player = self.people.player
        named = {"bic": player.account.bic, "account": player.account.account}
        body = {
            "withdrawals": [
                {"wallet_id": str(player.wallet), "amount_kopecks": kopecks, "payout_account": named},
            ]
        }
        answer = self.web.post("/v1/settlement/withdrawals", json=body, headers=self.people.investor())
        [asked] = self._answer(answer)["withdrawals"]
        assert asked["outcome"] == "accepted", asked
        return str(asked["withdrawal_id"])

    def state(self, withdrawal_id: str) -> str:
        path = f"/v1/settlement/withdrawals/{withdrawal_id}"
        return str(self._answer(self.web.get(path, headers=self.people.investor()))["state"])

    def reconcile(self) -> dict[str, Any]:
        answer = self.web.post("/v1/settlement/reconciliations", headers=self.people.desk())
        return dict(self._answer(answer))

    def messages(self) -> list[dict[str, Any]]:
        answer = self.web.get("/v1/settlement/bank-messages", headers=self.people.desk())
        return list(self._answer(answer)["bank_messages"])


async def test_money_comes_and_goes_by_files_between_two_programs_and_the_statement_agrees(
    place: Path, server: str
) -> None:
    exchange, keys = place / "exchange", place / "bank"
    bank = BankProgram(
        keys,
        *("--files", str(exchange), "--files-account", OWN, "--files-bic", BIC),
        environment={"KAPITAL_DATABASE_URL": server},
    )
    settings = {
        "KAPITAL_DATABASE_URL": server,
        "KAPITAL_BANK": "files",
        "KAPITAL_BANK_FILES_DIR": str(exchange),
        "KAPITAL_BANK_ACCOUNT": OWN,
        "KAPITAL_BANK_BIC": BIC,
        "KAPITAL_BANK_CERTIFICATES": str(keys / ROOT),
        "KAPITAL_OPERATOR_NAME": "Оператор",
    }
    served = None
    try:
        people = await People.hire(Settings(data_dir=place / "house", acts_signed="simple", database_url=server))
        bank.wait_until_well()  # and so its root is there
        served = Served(place / "house", **settings).wait_until_well()
        house = House(served, people)
        async with httpx.AsyncClient(base_url=bank.url, timeout=60) as client:
            counter = Caller(client, bank.token_file.read_text())
            paid_in = {"amount_kopecks": PAID_IN, "purpose": people.player.top_up_purpose}
            assert (await counter.post("/sandbox/credits", paid_in)).status_code == 201
            await _until(lambda: house.kopecks() == PAID_IN, what="the top-up by a notice")

            withdrawal_id = house.withdraw(WITHDRAWN)
            await _until(lambda: house.state(withdrawal_id) == "confirmed", what="the bank's word about the order")
            assert (await counter.post("/sandbox/statements", {"kind": "statement"})).status_code == 202
            await _until(lambda: _is_taken_in(exchange, "statement"), what="the statement")
            at_the_bank = (await counter.get("/v1/nominal-account")).json()["balance_kopecks"]

        found = house.reconcile()
        assert (house.kopecks(), at_the_bank) == (PAID_IN - WITHDRAWN, PAID_IN - WITHDRAWN)
        assert (found["bank_kopecks"], found["difference_kopecks"]) == (at_the_bank, 0)
        assert sorted(one["state"] for one in house.messages()) == ["noticed", "taken_in", "taken_in"]
        assert _left(exchange) == {"in": [], "out": [], ".staged": [], "parked": [], "set_aside": []}
        assert len(list((exchange / "done").glob("*.p7s"))) == 3
        assert served.interrupt() == 0, served.said()
        assert "Traceback" not in served.said() + bank.said()
    finally:
        if served is not None:
            served.close()
        bank.stop()


async def _until(holds: Callable[[], bool], what: str) -> None:
    """Ask now and then: who is asked at once again does nothing else."""

    async def looks() -> bool:
        await asyncio.sleep(0.2)
        return holds()

    await until(looks, what=what)


def _is_taken_in(exchange: Path, kind: str) -> bool:
    return any((exchange / "done").glob(f"*{kind}.xml"))


def _left(exchange: Path) -> dict[str, list[str]]:
    folders = ("in", "out", ".staged", "parked", "set_aside")
    return {
        part: sorted(path.name for path in (exchange / part).iterdir() if path.name[0] != ".") for part in folders
    }
