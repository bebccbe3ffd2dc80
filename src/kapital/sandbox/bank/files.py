"""The bank by files: takes order files away, pays or rejects them, and lays down what it has to say, signed.

Promise: an order file is worked on once by its bytes, an order once by its reference; what the bank says is kept in
the transaction that makes it true, and laid down afterwards, again after a crash, under the same name.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.problems import problem_of
from kapital.sandbox.bank import faults, file_statements, journal
from kapital.sandbox.bank.bank import SandboxBank
from kapital.sandbox.bank.file_messages import SIGNATURE, lay_down, note_written, say, write_next
from kapital.sandbox.bank.file_speech import ORDER_BYTES_MAX, Speech
from kapital.sandbox.bank.payouts import PayoutOrder, enquire, pay_once
from kapital.sandbox.bank.problems import BankIdTaken
from kapital.sandbox.bank.routes import treatment_of
from kapital.sandbox.certification_authority import SandboxSigner
from kapital.settlement.domain.bank_message import (
    PaymentState,
    PaymentStatus,
    Statement,
    StatementKind,
    StatementLine,
)
from kapital.settlement.domain.payment_order import PaymentOrder, faults_of
from kapital.settlement.domain.payout_account import PayoutAccount

OUT: Final = "out"
IN: Final = "in"
POLL_S: Final = 0.5
FILES_MAX: Final = 1_000
_UNFINISHED: Final = (".part", ".tmp", SIGNATURE)
_CODES: Final = {PaymentState.EXECUTED: "ACSC", PaymentState.REJECTED: "RJCT", PaymentState.PENDING: "PDNG"}

_OPEN: Final = text(
    """
    INSERT INTO file_desk (account, bic, open_on) VALUES (:account, :bic, :today)
    ON CONFLICT (one) DO UPDATE SET account = :account, bic = :bic
    """
)
_OPEN_ON: Final = text("SELECT open_on FROM file_desk")
_KNOWN: Final = text("SELECT EXISTS (SELECT FROM file_order WHERE sha256 = :sha256)")
_TAKE: Final = text(
    "INSERT INTO file_order (sha256, name, content, taken_at) VALUES (:sha256, :name, :content, :now)"
)
_ADD: Final = text(
    """
    INSERT INTO file_payment (reference, message_id, payment_order, told)
    VALUES (:reference, :reference, CAST(:payment_order AS jsonb), :told) ON CONFLICT (reference) DO NOTHING
    """
)
_PENDING: Final = text("SELECT reference, payment_order FROM file_payment WHERE told = 'pending' ORDER BY reference")
_NOTE: Final = text("UPDATE file_payment SET told = :told WHERE reference = :reference")
_ASKED: Final = text("DELETE FROM file_request RETURNING id, kind")
_MESSAGE: Final = text("SELECT nextval(pg_get_serial_sequence('file_message', 'id'))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Whose files they are: our client's nominal account here, and the БИК under which we are its bank."""

    account: str
    bic: str


class FilesDesk:
    """Works on one exchange folder. `signer`: the bank's; `foreign`: somebody else, for scripts."""

    def __init__(
        self,
        bank: SandboxBank,
        folder: Path,
        counter: Counter,
        speech: Speech,
        *,
        signer: SandboxSigner,
        foreign: SandboxSigner,
    ) -> None:
        self._bank, self._folder, self._counter, self._speech = bank, folder, counter, speech
        self._signer, self._foreign = signer, foreign

    async def open(self) -> None:
        """Make the folders that are missing and open the desk; a statement of before goes on."""
        for name in (OUT, IN):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        values = {"account": self._counter.account, "bic": self._counter.bic}
        async with self._bank.database.engine.begin() as conn:
            await conn.execute(_OPEN, {**values, "today": moscow_day(self._bank.clock.now())})

    async def run(self) -> None:
        """Work for ever. A database that is away is asked again."""
        while True:
            try:
                await self.work_once()
            except Exception as error:
                if not isinstance(problem_of(error), Unavailable):
                    raise
            await asyncio.sleep(POLL_S)

    async def work_once(self) -> None:
        """Lay down what waits, take orders, end what was pending, tell of credits, close the day; lay that down."""
        await self._lay_down()
        for path in sorted(self._orders())[:FILES_MAX]:
            await self._take(path)
        async with self._bank.database.engine.begin() as conn:
            now = self._bank.clock.now()
            await self._end_pending(conn, now)
            if (notice := await file_statements.next_notice(conn)) is not None:
                await self._say_statement(conn, notice, now)
            await self._state(conn, now)
        await self._lay_down()

    def _orders(self) -> list[Path]:
        with os.scandir(self._folder / OUT) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.is_file(follow_symlinks=False)
                and not entry.name.startswith(".")
                and not entry.name.endswith(_UNFINISHED)
            ]

    async def _lay_down(self) -> None:
        while True:
            async with self._bank.database.engine.begin() as conn:
                found = await write_next(conn, self._bank.clock.now())
            if found is None:
                return
            message, name, content, signature = found
            name += self._speech.suffix
            await lay_down(self._folder / IN, name, content)
            await lay_down(self._folder / IN, name + SIGNATURE, signature)
            async with self._bank.database.engine.begin() as conn:
                await note_written(conn, message, self._bank.clock.now())

    async def _take(self, path: Path) -> None:
        """Work on an order file and take it away; the same bytes again are only taken away."""
        with path.open("rb") as file:
            content = file.read(ORDER_BYTES_MAX + 1)
        async with self._bank.database.engine.begin() as conn:
            now, digest = self._bank.clock.now(), sha256(content).hexdigest()
            if not (await conn.execute(_KNOWN, {"sha256": digest})).scalar_one():
                kept = {"sha256": digest, "name": path.name, "content": content[:ORDER_BYTES_MAX]}
                await conn.execute(_TAKE, {**kept, "now": now})
                await self._work_on(conn, path.stem, content, now)
                await journal.keep(conn, at=now, operation="file_order", target=path.name, request=content)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _work_on(self, conn: AsyncConnection, name: str, content: bytes, now: datetime) -> None:
        try:
            orders = self._speech.orders(content)
        except Problem as refused:
            status = PaymentStatus(
                reference=name[:35], state=PaymentState.REJECTED, status_code="RJCT", reason=refused.code[:35]
            )
            await self._say_statuses(conn, [status], [], now)
            return
        fault = await faults.take(conn, FaultPoint.create_payment, now)
        statuses = [await self._pay(conn, order, fault, now) for order in orders]
        if fault is None or fault.kind is not FaultKind.answer_lost:
            await self._say_statuses(conn, statuses, orders, now)

    async def _pay(
        self, conn: AsyncConnection, order: PaymentOrder, fault: faults.Fault | None, now: datetime
    ) -> PaymentStatus:
        if refused := faults_of(order):
            return _status(order, PaymentState.REJECTED, refused[0].message.partition(":")[0])
        if order.payer.account != self._counter.account:
            return _status(order, PaymentState.REJECTED, "payer_account_unknown")
        asked = PayoutOrder(
            reference=order.reference,
            amount_kopecks=order.amount_kopecks,
            account=PayoutAccount(bic=order.payee.bic, account=order.payee.account),
            purpose=order.purpose,
            kind="tax" if order.tax else "regular",
            tax=_tax(order),
        )
        try:
            said, _ = await pay_once(conn, asked, now=now, treatment=treatment_of(fault) if fault else None)
        except BankIdTaken as taken:
            return _status(order, PaymentState.REJECTED, taken.code)
        state = PaymentState(said.state.value)
        values = {"reference": order.reference, "payment_order": msgspec.json.encode(order).decode()}
        await conn.execute(_ADD, {**values, "told": state.value})
        return _status(order, state, said.reason)

    async def _end_pending(self, conn: AsyncConnection, now: datetime) -> None:
        """Each look at a payment that waits is an enquiry: after as many as the script says it ends, and is told."""
        for row in (await conn.execute(_PENDING)).all():
            found = await enquire(conn, row.reference, now=now)
            if found is None or found[1].state.value == PaymentState.PENDING.value:
                continue
            order = msgspec.convert(row.payment_order, PaymentOrder)
            status = _status(order, PaymentState(found[1].state.value), found[1].reason)
            await conn.execute(_NOTE, {"reference": row.reference, "told": status.state.value})
            await self._say_statuses(conn, [status], [order], now)

    async def _state(self, conn: AsyncConnection, now: datetime) -> None:
        """Close the day when it is over or somebody asks; a report of the day when somebody asks for one."""
        asked = [row.kind for row in (await conn.execute(_ASKED)).all()]
        if (await conn.execute(_OPEN_ON)).scalar_one() < moscow_day(now):
            asked.append("statement")
        if "report" in asked and (told := await file_statements.report(conn, now)) is not None:
            await self._say_statement(conn, told, now)
        if "statement" in asked and (closed := await file_statements.close(conn, now)) is not None:
            await self._say_statement(conn, closed, now)

    async def _say_statuses(
        self, conn: AsyncConnection, statuses: list[PaymentStatus], orders: list[PaymentOrder], now: datetime
    ) -> None:
        number = (await conn.execute(_MESSAGE)).scalar_one()
        content = self._speech.statuses(statuses, orders, message_id=f"W-{number}", now=now)
        await self._say(conn, "orders", content, now)

    async def _say_statement(
        self, conn: AsyncConnection, told: tuple[Statement, list[StatementLine]], now: datetime
    ) -> None:
        kind = {StatementKind.NOTICE: "credits", StatementKind.REPORT: "report"}.get(told[0].kind, "statement")
        await self._say(conn, kind, self._speech.statement(*told, now), now)

    async def _say(self, conn: AsyncConnection, kind: str, content: bytes | None, now: datetime) -> None:
        if content is not None:
            await say(conn, kind, content, signer=self._signer, foreign=self._foreign, now=now)


def _tax(order: PaymentOrder) -> dict[str, str] | None:
    """What a payment to the budget says besides, in the words of the interface over HTTP."""
    if order.tax is None:
        return None
    payee = order.payee
    return {
        **msgspec.structs.asdict(order.tax),
        "uin": order.uin,
        "receiver_name": payee.name,
        "receiver_inn": payee.inn,
        "receiver_kpp": payee.kpp,
        "receiver_single_account": payee.correspondent_account,
    }


def _status(order: PaymentOrder, state: PaymentState, reason: str | None) -> PaymentStatus:
    told: Any = reason[:35] if reason and state is PaymentState.REJECTED else None
    return PaymentStatus(reference=order.reference, state=state, status_code=_CODES[state], reason=told)
