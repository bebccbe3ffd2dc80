"""The sandbox bank: the four calls of the port, and what a test or a demonstration does behind the counter."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.bank_nominal_account import RegisterSbpQr
from kapital.kernel.clock import Clock
from kapital.kernel.problems import InvariantBroken, Unavailable
from kapital.platform.database import Database
from kapital.platform.problems import problem_of
from kapital.sandbox.bank import sbp, shares
from kapital.sandbox.bank.notices import COLUMNS, is_scripted, tell, tell_as_scripted
from kapital.sandbox.bank.payouts import Behaviour, PayoutOrder, end_pending, enquire, pay_once
from kapital.sandbox.bank.problems import BankIdTaken, BankObjectNotFound, BankRequestInvalid
from kapital.sandbox.bank.returns import return_order
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payout_account import Payee, PayoutAccount, ReturnToPayer, SbpPayee
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus, RegisteredQr

DATABASE: Final = "sandbox_bank"
PAGE_MAX: Final = 1_000
PAYER_ACCOUNT: Final = "40817810000000000001"
PAYER_NAME: Final = "Плательщик"

_IS_DOWN: Final = text("SELECT down FROM account")
_SET_DOWN: Final = text("UPDATE account SET down = :down")
_BALANCE: Final = text("SELECT balance_kopecks FROM account")
_CHANGE_BALANCE: Final = text("UPDATE account SET balance_kopecks = balance_kopecks + :change")
_NEXT_CREDIT: Final = text("UPDATE account SET last_credit = last_credit + 1 RETURNING last_credit")
_ADD_CREDIT: Final = text(
    f"INSERT INTO credit ({COLUMNS}) VALUES (:bank_id, :amount, :purpose, :account, :name, :at)"  # noqa: S608 - constants of this module; values are bound
)
_GET_CREDIT: Final = text(f"SELECT {COLUMNS} FROM credit WHERE bank_id = :bank_id")  # noqa: S608 - constants of this module; values are bound
_LIST_NOTICES: Final = text(
    f"SELECT cursor, {COLUMNS} FROM notice WHERE cursor > :after ORDER BY cursor LIMIT :limit"  # noqa: S608 - constants of this module; values are bound
)
_SCRIPT: Final = text(
    "INSERT INTO script (account, behaviour, reason, times_left) VALUES (:account, :behaviour, :reason, :times)"
)
_PAID: Final = text("SELECT reference, amount_kopecks FROM payout WHERE state = 'executed' ORDER BY reference")


class SandboxBank:
    """Implements `kapital.settlement.ports.Bank` over the database kapital_sandbox_bank.

    Promise: state survives restarts; any number of processes may use one bank.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Notices after a place in the list, at most 1,000. Raises: BankSilent."""
        async with self.answering() as conn:
            rows = await conn.execute(_LIST_NOTICES, {"after": after_cursor, "limit": min(limit, PAGE_MAX)})
            return [
                BankCredit(
                    cursor=row.cursor,
                    bank_id=row.bank_id,
                    amount_kopecks=row.amount_kopecks,
                    purpose=row.purpose,
                    payer_account=row.payer_account,
                    payer_name=row.payer_name,
                    credited_at=row.credited_at,
                )
                for row in rows
            ]

    async def pay_out(
        self,
        reference: str,
        amount_kopecks: int,
        account: Payee,
        purpose: str,
        beneficiary_id: str | None = None,
    ) -> PayoutStatus:
        """Pay once per reference, unless the script or the balance says otherwise. Raises: BankSilent."""
        try:
            async with self.answering() as conn:
                match account:
                    case SbpPayee(phone, member_id):
                        order = sbp.payout_order(reference, amount_kopecks, phone, member_id, purpose, beneficiary_id)
                    case ReturnToPayer(bank_id):
                        order = await return_order(conn, reference, bank_id, amount_kopecks, purpose)
                    case BudgetPayment():
                        order = PayoutOrder(
                            reference=reference,
                            amount_kopecks=amount_kopecks,
                            account=PayoutAccount(bic=account.bic, account=account.account),
                            purpose=purpose,
                            kind="tax",
                            beneficiary_id=beneficiary_id,
                            tax=account.said(),
                        )
                    case _:
                        order = PayoutOrder(
                            reference=reference,
                            amount_kopecks=amount_kopecks,
                            account=account,
                            purpose=purpose,
                            beneficiary_id=beneficiary_id,
                        )
                status, lost = await pay_once(conn, order, now=self.clock.now())
        except BankIdTaken as taken:
            raise InvariantBroken(taken.detail) from taken
        except (BankObjectNotFound, BankRequestInvalid) as refused:
            return PayoutStatus(PayoutState.REJECTED, refused.code)
        if lost:
            raise BankSilent
        return status

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout. Raises: BankSilent."""
        async with self.answering() as conn:
            found = await enquire(conn, reference, now=self.clock.now())
            return found[1] if found else PayoutStatus(PayoutState.NOT_FOUND)

    async def register_sbp_qr(
        self, reference: str, amount_kopecks: int, purpose: str, expires_at: datetime
    ) -> RegisteredQr:
        """A dynamic QR code for one payment, the same for the same reference. Raises: BankSilent."""
        asked = RegisterSbpQr(
            order_id=reference, amount_kopecks=amount_kopecks, purpose=purpose, expires_at=expires_at
        )
        async with self.answering() as conn:
            made = await sbp.register_qr(conn, asked, self.clock.now())
            return RegisteredQr(qr_id=made.qr_id, link=made.link)

    async def balance_kopecks(self) -> int:
        """The present balance. Raises: BankSilent."""
        async with self.answering() as conn:
            return int((await conn.execute(_BALANCE)).scalar_one())

    # The other side of the counter.

    async def receive(
        self,
        amount_kopecks: int,
        purpose: str,
        *,
        payer_account: str = PAYER_ACCOUNT,
        payer_name: str = PAYER_NAME,
        at: datetime | None = None,
    ) -> str:
        """Somebody pays in; returns the bank's id of the credit."""
        (bank_id,) = await self.receive_many(
            [(amount_kopecks, purpose)], payer_account=payer_account, payer_name=payer_name, at=at
        )
        return bank_id

    async def receive_many(
        self,
        payments: Sequence[tuple[int, str]],
        *,
        payer_account: str = PAYER_ACCOUNT,
        payer_name: str = PAYER_NAME,
        at: datetime | None = None,
    ) -> list[str]:
        """Many pay in, each a sum in kopecks with its purpose; returns the bank's ids in order."""
        async with self.database.engine.begin() as conn:
            return await self.receive_in(conn, payments, payer_account=payer_account, payer_name=payer_name, at=at)

    async def receive_in(
        self,
        conn: AsyncConnection,
        payments: Sequence[tuple[int, str]],
        *,
        payer_account: str,
        payer_name: str,
        at: datetime | None = None,
    ) -> list[str]:
        """As `receive_many`, in a transaction of the caller."""
        now = self.clock.now()
        scripted = await is_scripted(conn, now)
        bank_ids: list[str] = []
        for amount_kopecks, purpose in payments:
            number = (await conn.execute(_NEXT_CREDIT)).scalar_one()
            row: dict[str, Any] = {
                "bank_id": f"SB{number:012d}",
                "amount": amount_kopecks,
                "purpose": purpose,
                "account": payer_account,
                "name": payer_name,
                "at": at or now,
            }
            await conn.execute(_ADD_CREDIT, row)
            await conn.execute(_CHANGE_BALANCE, {"change": amount_kopecks})
            await (tell_as_scripted(conn, row, now) if scripted else tell(conn, row))
            bank_ids.append(row["bank_id"])
        return bank_ids

    async def pay_qr(self, qr_id: str) -> str:
        """Somebody pays by a QR code; the bank's id of the credit. Raises: BankObjectNotFound, BankStateRefuses."""
        async with self.database.engine.begin() as conn:
            return await self.pay_qr_in(conn, qr_id)

    async def pay_qr_in(self, conn: AsyncConnection, qr_id: str) -> str:
        """As `pay_qr`, in a transaction of the caller."""
        now = self.clock.now()
        qr = await sbp.qr_to_pay(conn, qr_id, now)
        (bank_id,) = await self.receive_in(
            conn,
            [(qr.amount_kopecks, sbp.purpose_of(qr, now))],
            payer_account=sbp.PAYER_ACCOUNT,
            payer_name=sbp.PAYER_NAME,
        )
        await sbp.note_paid(conn, qr, (await conn.execute(_GET_CREDIT, {"bank_id": bank_id})).one())
        return bank_id

    async def tell_again(
        self, bank_id: str, *, amount_kopecks: int | None = None, other_id: str | None = None
    ) -> None:
        """Tell of a credit once more: truly, with another sum, or under another id. No money moves."""
        async with self.database.engine.begin() as conn:
            credit = (await conn.execute(_GET_CREDIT, {"bank_id": bank_id})).one()
            row = {
                "bank_id": other_id or bank_id,
                "amount": amount_kopecks or credit.amount_kopecks,
                "purpose": credit.purpose,
                "account": credit.payer_account,
                "name": credit.payer_name,
                "at": credit.credited_at,
            }
            await tell(conn, row)

    async def take_fee(self, amount_kopecks: int) -> None:
        """Change the balance without a word (negative: money appears): a difference for the reconciliation."""
        async with self.database.engine.begin() as conn:
            await conn.execute(_CHANGE_BALANCE, {"change": -amount_kopecks})

    async def script(
        self, behaviour: Behaviour, *, account: str | None = None, times: int = 1, reason: str | None = None
    ) -> None:
        """Treat the next new payouts (to `account`, or to any) this way; earlier lines go first."""
        values = {"account": account, "behaviour": behaviour.value, "reason": reason, "times": times}
        async with self.database.engine.begin() as conn:
            await conn.execute(_SCRIPT, values)

    async def go_down(self) -> None:
        """From now on every call of the port is met with silence."""
        async with self.database.engine.begin() as conn:
            await conn.execute(_SET_DOWN, {"down": True})

    async def come_up(self) -> None:
        """Answer again."""
        async with self.database.engine.begin() as conn:
            await conn.execute(_SET_DOWN, {"down": False})

    async def score(self, beneficiary_id: str, *reasons: str) -> None:
        """The bank's people look at a beneficiary: with reasons it is not served, without any it is."""
        async with self.database.engine.begin() as conn:
            await shares.score(conn, beneficiary_id, reasons, self.clock.now())

    async def work_off(self, *, reject_with: str | None = None) -> int:
        """End every pending payout: pay it, or reject it with a reason; returns how many."""
        async with self.database.engine.begin() as conn:
            return await end_pending(conn, reject_with=reject_with, now=self.clock.now())

    async def paid(self) -> dict[str, int]:
        """What was paid out, in kopecks by reference."""
        async with self.database.engine.begin() as conn:
            return {row.reference: row.amount_kopecks for row in await conn.execute(_PAID)}

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of a call from outside. Raises: BankSilent while the bank is down or its database away."""
        try:
            async with self.database.engine.begin() as conn:
                if (await conn.execute(_IS_DOWN)).scalar_one():
                    raise BankSilent
                yield conn
        except Exception as error:
            if isinstance(problem_of(error), Unavailable):
                raise BankSilent from error
            raise
