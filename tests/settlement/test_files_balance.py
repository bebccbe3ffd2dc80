"""The balance of a bank by files, however its messages name things and whenever they come."""

from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO

import msgspec

from kapital.kernel.calendar import moscow_day
from kapital.sandbox.bank.file_speech import speech_of
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.domain.bank_message import (
    Party,
    PaymentState,
    PaymentStatus,
    Side,
    Statement,
    StatementKind,
    StatementLine,
)
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from tests.settlement.bank_messages.values import BIC, account, adding_up
from tests.settlement.files_world import Exchange
from tests.settlement.test_parked_messages import Office
from tests.settlement.world import ACCOUNT


class Teller:
    """A bank that is not the sandbox: what it says is laid down as told here, signed as the sandbox signs."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.opening, self.number = exchange, 0, 0

    @property
    def day(self) -> date:
        return moscow_day(self.exchange.world.clock.now())

    def credit(self, kopecks: int, bank_reference: str = "", *, purpose: str = "Без кода") -> StatementLine:
        return StatementLine(
            number=1,
            side=Side.CREDIT,
            amount_kopecks=kopecks,
            booked_on=self.day,
            bank_reference=bank_reference,
            payer=Party(name="Плательщик", account=account(5), bic=BIC),
            purpose=purpose,
        )

    def debit(self, kopecks: int) -> StatementLine:
        payee = Party(name="Получатель", account=ACCOUNT.account, bic=ACCOUNT.bic)
        return StatementLine(
            number=1, side=Side.DEBIT, amount_kopecks=kopecks, booked_on=self.day, payee=payee, purpose="Выплата"
        )

    async def states(self, line: StatementLine) -> None:
        """A statement of today that goes on where the last one ended."""
        head = adding_up([line], opening=self.opening)
        self.opening = head.closing_kopecks or 0
        await self._lay_down(head, line)

    async def notices(self, line: StatementLine) -> None:
        head = msgspec.structs.replace(
            adding_up([line]), kind=StatementKind.NOTICE, opening_kopecks=None, closing_kopecks=None
        )
        await self._lay_down(head, line)

    async def has_executed(self, reference: str) -> None:
        done = PaymentStatus(reference=reference, state=PaymentState.EXECUTED, status_code="ACSC")
        now = self.exchange.world.clock.now()
        content = speech_of("iso20022", "").statuses([done], [], message_id="W-1", now=now)
        assert content is not None
        await self._lay(content)

    async def _lay_down(self, head: Statement, *lines: StatementLine) -> None:
        self.number += 1
        name, day = f"M-{self.number}", self.day
        head = msgspec.structs.replace(head, message_id=name, sequence_number=None, from_on=day, to_on=day)
        file = BytesIO()
        write_camt(file, head, lines, created_at=self.exchange.world.clock.now())
        await self._lay(file.getvalue())

    async def _lay(self, content: bytes) -> None:
        path = self.exchange.place / "in" / "said.xml"
        path.write_bytes(content)
        path.with_name(f"{path.name}.p7s").write_bytes(self.exchange.signer.sign_now(content))
        await self.exchange.look()
        await book_incoming(self.exchange.parts)
        self.exchange.world.clock.advance(timedelta(seconds=1))


async def compared(exchange: Exchange) -> tuple[int, int]:
    """The bank's balance, and what it differs from the register by."""
    found = await exchange.world.reconcile()
    return found.bank_kopecks, found.difference_kopecks


async def breaks(exchange: Exchange) -> Sequence[object]:
    return await exchange.world.rows("SELECT kind, subject, difference_kopecks FROM reconciliation_break")


async def test_the_newest_statement_is_the_balance_and_what_it_cannot_have_is_added_once(world, tmp_path):
    exchange = await Exchange.open(world, tmp_path)
    teller, office = Teller(exchange), Office(world, tmp_path)
    office.more = exchange.tick()._more

    # A line without an id states what a notice has told under one.
    await teller.notices(teller.credit(100_00, "REF-1"))
    await teller.states(teller.credit(100_00))
    assert await compared(exchange) == (100_00, 0)

    # The statement of a day never comes; the next one goes on after it, and two persons have it booked.
    await exchange.next_day()
    await teller.notices(teller.credit(30_00, "REF-2"))
    teller.opening += 30_00
    await exchange.next_day()
    await teller.states(teller.credit(7_00))
    await exchange.next_day()
    await teller.states(teller.credit(8_00))
    tick = exchange.tick()
    await exchange.look(tick)
    assert len(exchange.names("parked")) == 2
    [first, _] = await world.rows(
        "SELECT message_id FROM incoming_message WHERE state = 'parked' ORDER BY received_at"
    )
    async with world.database.connect() as conn:
        message = await office.more.messages.get(conn, first["message_id"])
    await office.decide(await office.propose(message))
    # What waited for it follows it, in the process that has judged it before, without another file.
    await exchange.look(tick)
    assert exchange.names("parked") == []
    assert await compared(exchange) == (145_00, 0)

    # The bank's word ends an order; its debit is found by sum and account alone.
    await exchange.next_day()
    wallet = await world.wallet()
    await teller.states(teller.credit(50_00, purpose=top_up_code(wallet)))
    asked = await world.ask(wallet, 20_00)
    await run_withdrawals(exchange.parts)
    await teller.has_executed(asked.withdrawal_id.hex)
    await run_withdrawals(exchange.parts)
    assert await world.states() == ["confirmed"]
    assert await compared(exchange) == (175_00, 0)
    await teller.states(teller.debit(20_00))
    assert await compared(exchange) == (175_00, 0)
    assert await breaks(exchange) == []

    # The notice of what a line without an id has booked comes late: money that is told twice is seen.
    await exchange.next_day()
    await teller.states(teller.credit(9_00))
    await teller.notices(teller.credit(9_00, "REF-9"))
    assert await compared(exchange) == (184_00, -9_00)
