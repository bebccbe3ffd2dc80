"""A bank that is spoken to by files: the port `Bank` over an exchange folder and the messages that were taken in.

Nothing is asked here: an order is laid down, and what the bank says is what its messages have told so far. The taking
in of messages (`use_cases/take_in_folder.py`) fills the tables that this reads.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.kernel.clock import Clock
from kapital.kernel.problems import InvariantBroken, Problem, ensure
from kapital.platform.database import Database
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.settlement.adapters.bank_file_table import BankFileTable, KeptOrder, NewOrder
from kapital.settlement.adapters.bank_messages.order_files import OrderFile
from kapital.settlement.adapters.exchange_folder import ExchangeFolder
from kapital.settlement.domain.bank_files import UNNAMED_PAYEE
from kapital.settlement.domain.bank_message import Party, PaymentState
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.file_problems import BankBalanceNotTold, SbpNotOffered
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.payment_order import NO_UIN, PaymentOrder, name_is_writable
from kapital.settlement.domain.payout_account import Payee, PayoutAccount, ReturnToPayer, SbpPayee
from kapital.settlement.domain.problems import BankSettingsUnusable, BankSilent
from kapital.settlement.ports import PayoutState, PayoutStatus, RegisteredQr

FilePayee = PayoutAccount | ReturnToPayer | BudgetPayment
PAGE_MAX: Final = 1_000
PAYER_BANK_NOT_TOLD: Final = "payer_bank_not_told"
"""Why money does not go back to its payer: no message told the bank of the account that it came from."""
NUMBER_MAX: Final = 999_999

_STATES: Final = {
    PaymentState.PENDING: PayoutState.PENDING,
    PaymentState.EXECUTED: PayoutState.EXECUTED,
    PaymentState.REJECTED: PayoutState.REJECTED,
}
_log = get_logger(__name__)


class FilesBank:
    """Implements `kapital.settlement.ports.Bank`. `payer`: we, with our nominal account.

    Promise: a reference is one order and one file: its bytes are kept before they are laid down, and a crash at any
    line is ended by the same call. NOT_FOUND means that no file of the reference was ever laid before the bank.
    """

    def __init__(
        self, database: Database, clock: Clock, folder: ExchangeFolder, orders: OrderFile, *, payer: Party
    ) -> None:
        self._database, self._clock, self._folder = database, clock, folder
        self._orders, self._payer = orders, payer
        self._table = BankFileTable()

    async def open(self) -> None:
        """At start: mark a new folder; where orders were written, it must be the one they were laid down in.

        Else all that a crash left staged would count as handed to the bank. Raises: BankSettingsUnusable.
        """
        try:
            if await self._folder.is_marked():
                return
            async with self._database.connect() as conn:
                has_orders = await self._table.has_orders(conn)
            if has_orders:
                raise BankSettingsUnusable(
                    "bank_files_dir: not the folder of the orders written before: is it mounted?"
                )
            await self._folder.mark()
        except OSError as error:
            raise BankSettingsUnusable(str(error)[:300]) from error

    async def incoming(self, after_cursor: int, limit: int) -> Sequence[BankCredit]:
        """Credits that notices and reports of the day have told, in the order in which they were taken in."""
        async with self._database.connect() as conn:
            return await self._table.credits(conn, after_cursor, min(limit, PAGE_MAX))

    async def pay_out(
        self,
        reference: str,
        amount_kopecks: int,
        account: Payee,
        purpose: str,
        beneficiary_id: str | None = None,  # noqa: ARG002 - a bank by files keeps no shares
    ) -> PayoutStatus:
        """Write the order and lay it before the bank, once per reference. Raises: BankSilent, StorageFull."""
        if isinstance(account, SbpPayee):
            return PayoutStatus(PayoutState.REJECTED, SbpNotOffered.code)
        try:
            refused = await self._write(reference, amount_kopecks, account, purpose)
            if refused is not None:
                return PayoutStatus(PayoutState.REJECTED, refused)
            failpoint("settlement.file_order.kept")
            await self._lay_down(reference)
        except OSError as error:
            # The order is kept: the next enquiry says whether the bank has it, and it is laid down again if not.
            _log.error("settlement.bank_folder_failed", code="bank_folder_failed", errno=error.errno or 0)
            raise BankSilent from error
        return await self.payout_status(reference)

    async def payout_status(self, reference: str) -> PayoutStatus:
        """What the bank's messages have told of an order. Raises: BankSilent."""
        async with self._database.connect() as conn:
            kept = await self._table.find(conn, reference)
        try:
            if kept is None or not await self._is_handed(kept):
                return PayoutStatus(PayoutState.NOT_FOUND)
        except OSError as error:
            _log.error("settlement.bank_folder_failed", code="bank_folder_failed", errno=error.errno or 0)
            raise BankSilent from error
        rejected = kept.state is PaymentState.REJECTED
        return PayoutStatus(_STATES[kept.state], (kept.reason or kept.state.value) if rejected else None)

    async def register_sbp_qr(
        self,
        reference: str,  # noqa: ARG002 - no answer depends on it
        amount_kopecks: int,  # noqa: ARG002
        purpose: str,  # noqa: ARG002
        expires_at: datetime,  # noqa: ARG002
    ) -> RegisteredQr:
        """Raises: SbpNotOffered, always."""
        raise SbpNotOffered

    async def balance_kopecks(self) -> int:
        """The newest statement's balance with what the bank's notices have told since. Raises: BankBalanceNotTold."""
        async with self._database.connect() as conn:
            kopecks, in_work = await self._table.balance(conn, self._payer.account)
        if in_work:
            raise BankBalanceNotTold(facts={"reason": "being_taken_in"})
        if kopecks is None:
            raise BankBalanceNotTold(facts={"reason": "no_statement"})
        return kopecks

    async def _write(self, reference: str, amount_kopecks: int, account: FilePayee, purpose: str) -> str | None:
        """Keep the order and its bytes; why it cannot be written, or None."""
        async with self._database.connect() as conn, conn.begin():
            kept = await self._table.find(conn, reference)
            if kept is not None:
                _require_same(kept, amount_kopecks, account, purpose)
                return None
            now = self._clock.now()
            drawn_on = moscow_day(now)
            number = await self._table.next_number(conn, drawn_on)
            # Of two callers with one reference the second has waited for the first one's commit.
            if (kept := await self._table.find(conn, reference)) is not None:
                _require_same(kept, amount_kopecks, account, purpose)
                return None
            ensure(number <= NUMBER_MAX, "a day has fewer than a million orders")
            payee = await self._payee(conn, account)
            if payee is None:
                return PAYER_BANK_NOT_TOLD
            order = PaymentOrder(
                reference=reference,
                number=str(number),
                drawn_on=drawn_on,
                amount_kopecks=amount_kopecks,
                payer=self._payer,
                payee=payee,
                purpose=purpose,
                uin=account.uin if isinstance(account, BudgetPayment) else NO_UIN,
                tax=account.tax if isinstance(account, BudgetPayment) else None,
            )
            try:
                content = self._orders.write(order, created_at=now)
            except Problem as refused:
                _log.error("settlement.payment_order_refused", code=refused.code)
                return refused.code
            fresh = NewOrder(
                reference=reference,
                number=number,
                drawn_on=drawn_on,
                amount_kopecks=amount_kopecks,
                payee_bic=payee.bic,
                payee_account=payee.account,
                returns_bank_id=account.bank_id if isinstance(account, ReturnToPayer) else None,
                purpose=purpose,
                file_name=f"{reference}{self._orders.suffix}",
                content=content,
            )
            await self._table.add(conn, fresh, now)
        return None

    async def _payee(self, conn: AsyncConnection, account: FilePayee) -> Party | None:
        """Who is paid, with the name that the bank told of the account; None where it told no bank of it."""
        match account:
            case BudgetPayment():
                return account.receiver
            case ReturnToPayer(bank_id):
                told = await self._table.payer_of(conn, bank_id)
                if told is None or not told[0].bic:
                    return None
                payee, name = told
            case PayoutAccount():
                payee, name = account, await self._table.owner_of(conn, account)
        return Party(name=name if name_is_writable(name) else UNNAMED_PAYEE, account=payee.account, bic=payee.bic)

    async def _lay_down(self, reference: str) -> None:
        """Bring the file of a kept order before the bank. The row is locked: nobody else does it meanwhile."""
        async with self._database.connect() as conn, conn.begin():
            kept = await self._table.find(conn, reference, lock=True)
            if kept is None or kept.handed:
                return
            if not kept.staged:
                # The bank never saw it: writing it again replaces what a crash may have left.
                await self._folder.stage(kept.file_name, kept.content)
                await self._table.note_staged(conn, reference, self._clock.now())
        failpoint("settlement.file_order.staged")
        async with self._database.connect() as conn, conn.begin():
            kept = await self._table.find(conn, reference, lock=True)
            if kept is None or kept.handed:
                return
            if await self._folder.is_staged(kept.file_name):
                await self._folder.hand_over(kept.file_name)
                failpoint("settlement.file_order.handed")
            await self._table.note_handed(conn, reference, self._clock.now())

    async def _is_handed(self, kept: KeptOrder) -> bool:
        """Whether the bank has the file: noted, or gone from where it was staged before a crash."""
        return kept.handed or (kept.staged and not await self._folder.is_staged(kept.file_name))


def _require_same(kept: KeptOrder, amount_kopecks: int, account: FilePayee, purpose: str) -> None:
    if isinstance(account, ReturnToPayer):
        same = kept.returns_bank_id == account.bank_id
    else:
        same = (kept.returns_bank_id, kept.payee_bic, kept.payee_account) == (None, account.bic, account.account)
    if not same or (kept.amount_kopecks, kept.purpose) != (amount_kopecks, purpose):
        raise InvariantBroken(f"payout {kept.reference} came again with other content")
