"""The sandbox bank: the four calls of the port, and what a test or a demonstration does behind the counter."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Unavailable, ensure
from kapital.platform.database import Database
from kapital.platform.problems import problem_of
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus

DATABASE: Final = "sandbox_bank"
PAGE_MAX: Final = 1_000


class Behaviour(StrEnum):
    """How the bank treats the next payouts that a line of the script applies to."""

    REJECT = "reject"
    PENDING = "pending"  # takes it and pays only on `work_off`
    SILENT_BEFORE = "silent_before"  # the request is lost on its way: nothing happens
    SILENT_AFTER = "silent_after"  # pays, and the answer is lost on its way back
    REJECT_SILENTLY = "reject_silently"  # rejects, and the answer is lost on its way back


_SILENT_AFTERWARDS: Final = frozenset({Behaviour.SILENT_AFTER, Behaviour.REJECT_SILENTLY})
_COLUMNS: Final = "bank_id, amount_kopecks, purpose, payer_account, payer_name, credited_at"

_LOCK: Final = text("SELECT balance_kopecks, down FROM account FOR UPDATE")
_IS_DOWN: Final = text("SELECT down FROM account")
_SET_DOWN: Final = text("UPDATE account SET down = :down")
_BALANCE: Final = text("SELECT balance_kopecks FROM account")
_CHANGE_BALANCE: Final = text("UPDATE account SET balance_kopecks = balance_kopecks + :change")
_NEXT_CREDIT: Final = text("UPDATE account SET last_credit = last_credit + 1 RETURNING last_credit")
# The place in the list is drawn under the account's row lock: a later place is never visible before an earlier one.
_NEXT_NOTICE: Final = text("UPDATE account SET last_notice = last_notice + 1 RETURNING last_notice")
_ADD_CREDIT: Final = text(
    f"INSERT INTO credit ({_COLUMNS}) VALUES (:bank_id, :amount, :purpose, :account, :name, :at)"  # noqa: S608 - constants of this module; values are bound
)
_ADD_NOTICE: Final = text(
    f"INSERT INTO notice (cursor, {_COLUMNS}) VALUES (:cursor, :bank_id, :amount, :purpose, :account, :name, :at)"  # noqa: S608 - constants of this module; values are bound
)
_GET_CREDIT: Final = text(f"SELECT {_COLUMNS} FROM credit WHERE bank_id = :bank_id")  # noqa: S608 - constants of this module; values are bound
_LIST_NOTICES: Final = text(
    f"SELECT cursor, {_COLUMNS} FROM notice WHERE cursor > :after ORDER BY cursor LIMIT :limit"  # noqa: S608 - constants of this module; values are bound
)
_GET_PAYOUT: Final = text(
    "SELECT amount_kopecks, bic, account, state, reason FROM payout WHERE reference = :reference"
)
_ADD_PAYOUT: Final = text(
    """
    INSERT INTO payout (reference, amount_kopecks, bic, account, purpose, state, reason, received_at)
    VALUES (:reference, :amount, :bic, :account, :purpose, :state, :reason, :now)
    """
)
_SCRIPT: Final = text(
    "INSERT INTO script (account, behaviour, reason, times_left) VALUES (:account, :behaviour, :reason, :times)"
)
_NEXT_OF_SCRIPT: Final = text(
    """
    UPDATE script SET times_left = times_left - 1
    WHERE id = (SELECT min(id) FROM script WHERE times_left > 0 AND (account IS NULL OR account = :account))
    RETURNING behaviour, reason
    """
)
_PENDING: Final = text("SELECT reference, amount_kopecks FROM payout WHERE state = 'pending' ORDER BY reference")
_END_PAYOUT: Final = text("UPDATE payout SET state = :state, reason = :reason WHERE reference = :reference")
_PAID: Final = text("SELECT reference, amount_kopecks FROM payout WHERE state = 'executed' ORDER BY reference")


class SandboxBank:
    """Implements `kapital.settlement.ports.Bank` over the database kapital_sandbox_bank.

    Promise: state survives restarts; any number of processes may use one bank.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Notices after a place in the list, at most 1,000. Raises: BankSilent."""
        async with self._answering() as conn:
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
        self, reference: str, amount_kopecks: int, account: PayoutAccount, purpose: str
    ) -> PayoutStatus:
        """Pay once per reference, unless the script or the balance says otherwise. Raises: BankSilent."""
        async with self._answering() as conn:
            balance = int((await conn.execute(_LOCK)).one().balance_kopecks)
            known = (await conn.execute(_GET_PAYOUT, {"reference": reference})).one_or_none()
            if known is not None:
                same = (known.amount_kopecks, known.bic, known.account) == (
                    amount_kopecks,
                    account.bic,
                    account.account,
                )
                ensure(same, f"payout {reference} came again with other content")
                return PayoutStatus(PayoutState(known.state), known.reason)
            line = (await conn.execute(_NEXT_OF_SCRIPT, {"account": account.account})).one_or_none()
            behaviour = Behaviour(line.behaviour) if line else None
            if behaviour is Behaviour.SILENT_BEFORE:
                status = None
            else:
                status = _decide(behaviour, line.reason if line else None, balance, amount_kopecks)
                await self._keep(conn, reference, amount_kopecks, account, purpose, status)
        if status is None or behaviour in _SILENT_AFTERWARDS:
            raise BankSilent
        return status

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What became of a payout. Raises: BankSilent."""
        async with self._answering() as conn:
            row = (await conn.execute(_GET_PAYOUT, {"reference": reference})).one_or_none()
            if row is None:
                return PayoutStatus(PayoutState.NOT_FOUND)
            return PayoutStatus(PayoutState(row.state), row.reason)

    async def balance_kopecks(self) -> int:
        """The present balance. Raises: BankSilent."""
        async with self._answering() as conn:
            return int((await conn.execute(_BALANCE)).scalar_one())

    # The other side of the counter.

    async def receive(
        self,
        amount_kopecks: int,
        purpose: str,
        *,
        payer_account: str = "40817810000000000001",
        payer_name: str = "Плательщик",
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
        payer_account: str = "40817810000000000001",
        payer_name: str = "Плательщик",
        at: datetime | None = None,
    ) -> list[str]:
        """Many pay in, each a sum in kopecks with its purpose; returns the bank's ids in order."""
        credited_at = at or self._clock.now()
        bank_ids: list[str] = []
        async with self._database.engine.begin() as conn:
            for amount_kopecks, purpose in payments:
                number = (await conn.execute(_NEXT_CREDIT)).scalar_one()
                row: dict[str, Any] = {
                    "bank_id": f"SB{number:012d}",
                    "amount": amount_kopecks,
                    "purpose": purpose,
                    "account": payer_account,
                    "name": payer_name,
                    "at": credited_at,
                }
                await conn.execute(_ADD_CREDIT, row)
                await conn.execute(_CHANGE_BALANCE, {"change": amount_kopecks})
                await self._notify(conn, row)
                bank_ids.append(row["bank_id"])
        return bank_ids

    async def tell_again(
        self, bank_id: str, *, amount_kopecks: int | None = None, other_id: str | None = None
    ) -> None:
        """Tell of a credit once more: truly, with another sum, or under another id. No money moves."""
        async with self._database.engine.begin() as conn:
            credit = (await conn.execute(_GET_CREDIT, {"bank_id": bank_id})).one()
            row = {
                "bank_id": other_id or bank_id,
                "amount": amount_kopecks or credit.amount_kopecks,
                "purpose": credit.purpose,
                "account": credit.payer_account,
                "name": credit.payer_name,
                "at": credit.credited_at,
            }
            await self._notify(conn, row)

    async def take_fee(self, amount_kopecks: int) -> None:
        """Change the balance without a word (negative: money appears): a difference for the reconciliation."""
        async with self._database.engine.begin() as conn:
            await conn.execute(_CHANGE_BALANCE, {"change": -amount_kopecks})

    async def script(
        self, behaviour: Behaviour, *, account: str | None = None, times: int = 1, reason: str | None = None
    ) -> None:
        """Treat the next new payouts (to `account`, or to any) this way; earlier lines go first."""
        values = {"account": account, "behaviour": behaviour.value, "reason": reason, "times": times}
        async with self._database.engine.begin() as conn:
            await conn.execute(_SCRIPT, values)

    async def go_down(self) -> None:
        """From now on every call of the port is met with silence."""
        async with self._database.engine.begin() as conn:
            await conn.execute(_SET_DOWN, {"down": True})

    async def come_up(self) -> None:
        """Answer again."""
        async with self._database.engine.begin() as conn:
            await conn.execute(_SET_DOWN, {"down": False})

    async def work_off(self, *, reject_with: str | None = None) -> int:
        """End every pending payout: pay it, or reject it with a reason; returns how many."""
        async with self._database.engine.begin() as conn:
            await conn.execute(_LOCK)
            pending = (await conn.execute(_PENDING)).all()
            for row in pending:
                state = PayoutState.REJECTED if reject_with else PayoutState.EXECUTED
                values = {"reference": row.reference, "state": state.value, "reason": reject_with}
                await conn.execute(_END_PAYOUT, values)
                if state is PayoutState.EXECUTED:
                    await conn.execute(_CHANGE_BALANCE, {"change": -row.amount_kopecks})
            return len(pending)

    async def paid(self) -> dict[str, int]:
        """What was paid out, in kopecks by reference."""
        async with self._database.engine.begin() as conn:
            return {row.reference: row.amount_kopecks for row in await conn.execute(_PAID)}

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.engine.begin() as conn:
                if (await conn.execute(_IS_DOWN)).scalar_one():
                    raise BankSilent
                yield conn
        except Exception as error:
            if isinstance(problem_of(error), Unavailable):
                raise BankSilent from error
            raise

    async def _keep(
        self,
        conn: AsyncConnection,
        reference: str,
        amount_kopecks: int,
        account: PayoutAccount,
        purpose: str,
        status: PayoutStatus,
    ) -> None:
        values = {
            "reference": reference,
            "amount": amount_kopecks,
            "bic": account.bic,
            "account": account.account,
            "purpose": purpose,
            "state": status.state.value,
            "reason": status.reason,
            "now": self._clock.now(),
        }
        await conn.execute(_ADD_PAYOUT, values)
        if status.state is PayoutState.EXECUTED:
            await conn.execute(_CHANGE_BALANCE, {"change": -amount_kopecks})

    @staticmethod
    async def _notify(conn: AsyncConnection, row: dict[str, Any]) -> None:
        cursor = (await conn.execute(_NEXT_NOTICE)).scalar_one()
        await conn.execute(_ADD_NOTICE, {**row, "cursor": cursor})


def _decide(behaviour: Behaviour | None, reason: str | None, balance: int, amount_kopecks: int) -> PayoutStatus:
    if behaviour in {Behaviour.REJECT, Behaviour.REJECT_SILENTLY}:
        return PayoutStatus(PayoutState.REJECTED, reason or "account_closed")
    if balance < amount_kopecks:
        return PayoutStatus(PayoutState.REJECTED, "insufficient_funds")
    if behaviour is Behaviour.PENDING:
        return PayoutStatus(PayoutState.PENDING)
    return PayoutStatus(PayoutState.EXECUTED)
