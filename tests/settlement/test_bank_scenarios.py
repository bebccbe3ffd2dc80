"""Scenarios 11–14 and 17 with a bank that is another process: real HTTP, its own database, its faults."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from kapital.ledger.api import Position
from kapital.settlement.adapters.http_bank import HttpBank, open_http_bank
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.problems import BankAnswerNotTrusted
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.book_incoming import book_incoming
from tests.places import quick_folder
from tests.sandbox.bank.serving import BankProgram, Caller
from tests.settlement.world import World

MODULE = "module"


@pytest.fixture(scope=MODULE)
def program() -> Iterator[BankProgram]:
    with TemporaryDirectory(prefix="kapital-bank-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        program = BankProgram(Path(made) / "bank").wait_until_well()
        try:
            yield program
        finally:
            program.stop()


@dataclass
class Far:
    """Settlement's world before a bank in another process. Its list of credits begins where the test began."""

    world: World
    bank: HttpBank
    counter: Caller

    async def pay_in(self, kopecks: int, purpose: str) -> None:
        answer = await self.counter.post("/sandbox/credits", {"amount_kopecks": kopecks, "purpose": purpose})
        assert answer.status_code == 201, answer.text

    async def funded(self, kopecks: int) -> UUID:
        wallet = await self.world.wallet()
        await self.pay_in(kopecks, f"Пополнение {top_up_code(wallet)}")
        await book_incoming(self.world.parts)
        assert await self.world.kopecks(wallet) == kopecks
        return wallet


@pytest_asyncio.fixture
async def far(world: World, program: BankProgram) -> AsyncIterator[Far]:
    bank = open_http_bank(
        program.url,
        token_file=program.token_file,
        answer_key_file=program.answer_key,
        authorities=None,
        certificate=None,
        certificate_key=None,
        timeout_s=5,
    )
    world.parts = replace(world.parts, bank=bank)
    async with httpx.AsyncClient(base_url=program.url, timeout=60) as client:
        counter = Caller(client, program.token_file.read_text())
        counter.keys = id(world)  # keys of another test are other keys
        await counter.play()
        await book_incoming(world.parts)
        yield Far(world, bank, counter)
    await bank.close()


@pytest.mark.parametrize(
    "do",
    [
        "answer_lost",  # 11: paid once, found by the enquiry
        "request_lost",  # 12: not found, sent again under the same reference
        "reject",  # 17: re-credited once
    ],
)
async def test_a_withdrawal_ends_as_the_bank_did_it_and_the_money_moves_once(far: Far, do: str) -> None:
    wallet = await far.funded(1_000)
    before = await far.bank.balance_kopecks()
    step: dict[str, Any] = {"at": "create_payment", "do": do, "seconds": 60}
    await far.counter.play(step | ({"reason": "account_closed"} if do == "reject" else {}))
    await far.world.ask(wallet, 400)

    await far.world.run()
    after_first = await far.world.states()
    for _ in range(3):
        await far.world.run()

    paid = before - await far.bank.balance_kopecks()
    locked = await far.world.kopecks(wallet, Position.LOCKED)
    if do == "reject":
        assert (paid, locked, await far.world.kopecks(wallet)) == (0, 0, 1_000)
    else:
        assert after_first == ["unknown"]
        assert (paid, locked, await far.world.kopecks(wallet)) == (400, 0, 600)


async def test_a_credit_told_twice_is_booked_once_and_told_under_another_id_waits_for_a_person(far: Far) -> None:
    wallet = await far.world.wallet()
    unidentified = await far.world.kopecks(UNIDENTIFIED_WALLET)
    await far.counter.play({"at": "credit", "do": "duplicate"}, {"at": "credit", "do": "duplicate_other_id"})

    await far.pay_in(100, f"Первый {top_up_code(wallet)}")
    await far.pay_in(200, f"Второй {top_up_code(wallet)}")
    await book_incoming(far.world.parts)

    assert await far.world.kopecks(wallet) == 300
    assert await far.world.kopecks(UNIDENTIFIED_WALLET) == unidentified + 200
    rows = await far.world.rows("SELECT reason FROM incoming_payment WHERE reason = 'same_content_other_id'")
    assert len(rows) == 1


@pytest.mark.parametrize("do", ["bad_signature", "altered_sum"])
async def test_an_altered_or_foreign_notice_books_nothing_and_raises_the_alarm(
    far: Far, do: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wallet = await far.world.wallet()
    await far.pay_in(100, f"Пополнение {top_up_code(wallet)}")
    await far.counter.play({"at": "list_incoming", "do": do, "kopecks": 900})

    with pytest.raises(BankAnswerNotTrusted):
        await book_incoming(far.world.parts)

    assert await far.world.kopecks(wallet) == 0
    assert "settlement.bank_answer_not_trusted" in capsys.readouterr().err
    await book_incoming(far.world.parts)
    assert await far.world.kopecks(wallet) == 100


async def test_a_bank_that_crashes_with_the_payment_in_hand_pays_once(far: Far, program: BankProgram) -> None:
    wallet = await far.funded(1_000)
    before = await far.bank.balance_kopecks()
    await far.counter.play({"at": "create_payment", "do": "restart_after"})
    await far.world.ask(wallet, 400)

    await far.world.run()
    program.wait_until_well()
    await far.world.run()

    assert before - await far.bank.balance_kopecks() == 400
    assert await far.world.kopecks(wallet) == 600
