"""All that settlement does, bound to its parts: for the composition, demonstrations and tests in one process."""

from dataclasses import dataclass

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.settlement.domain.bank_directory import DirectoryVersion
from kapital.settlement.domain.problems import BankMessagesNotAwaited
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.ports import MessageParts, Parts
from kapital.settlement.use_cases import (
    book_incoming,
    collect_tax,
    decide_tax_residency,
    finish_bank_messages,
    finish_decisions,
    load_bank_directory,
    note_issuers,
    open_nominal_account,
    reconcile,
    record_tax_residency,
    request_withdrawals,
    run_escrow,
    run_withdrawals,
    settle_due,
    settle_waiting,
    take_in_statement,
    tell_shares,
)
from kapital.settlement.use_cases.decide_tax_residency import DecideTaxResidency
from kapital.settlement.use_cases.load_bank_directory import LoadBankDirectory
from kapital.settlement.use_cases.message_admission import TakeInStatement
from kapital.settlement.use_cases.record_tax_residency import RecordTaxResidency
from kapital.settlement.use_cases.request_withdrawals import RequestWithdrawals, WithdrawalAnswer
from kapital.settlement.use_cases.take_in_statement import TakenIn


@dataclass(frozen=True, slots=True)
class SettlementUseCases:
    """Each method is the use case of the same name; see there for promises and refusals."""

    parts: Parts
    messages: MessageParts | None = None

    async def open_nominal_account(self) -> None:
        """Once at start, before anything else."""
        await open_nominal_account.open_nominal_account(self.parts.ledger)

    async def note_issuers(self) -> None:
        """Once at start: whose the assets are that were delivered before it was noted."""
        await note_issuers.note_issuers(self.parts)

    async def open_shares(self) -> None:
        """Once at start, before anything is paid."""
        await tell_shares.open_shares(self.parts)

    async def tell_shares(self) -> None:
        """Tick: tell a bank that keeps shares whose the money is."""
        await tell_shares.tell_shares(self.parts)

    async def book_incoming(self) -> int:
        """Tick: book what came to the bank; returns how many credits were booked here."""
        return await book_incoming.book_incoming(self.parts)

    async def run_withdrawals(self) -> None:
        """Tick: bring every withdrawal one step further."""
        await run_withdrawals.run_withdrawals(self.parts)

    async def finish_decisions(self) -> None:
        """Tick: carry out what two persons decided about money."""
        await finish_decisions.finish_decisions(self.parts)

    async def settle_waiting(self) -> None:
        """Tick: settle what waited for a frozen issuer."""
        await settle_waiting.settle_waiting(self.parts)

    async def settle_due(self) -> settle_due.DvpRun:
        """Enter what is due of the settlement queue, end what is overdue."""
        return await settle_due.settle_due(self.parts)

    async def run_escrow(self) -> None:
        """Tick: bring the instructions of the escrow rail on."""
        await run_escrow.run_escrow(self.parts)

    async def collect_tax(self) -> int:
        """Tick: collect what corrections of tax made due."""
        return await collect_tax.collect_tax(self.parts)

    async def tax_payable_bounds(self) -> tuple[int, int]:
        """The least and the most kopecks that the tax wallet may hold by what was withheld."""
        async with self.parts.uow.database.connect() as conn:
            return await self.parts.payouts.tax_payable(conn)

    async def record_tax_residency(self, cmd: RecordTaxResidency) -> contract.TaxResidency:
        """Record a residency for another person to confirm."""
        return await record_tax_residency.record_tax_residency(cmd, self.parts)

    async def decide_tax_residency(self, cmd: DecideTaxResidency) -> contract.TaxResidency:
        """Confirm or reject a residency."""
        return await decide_tax_residency.decide_tax_residency(cmd, self.parts)

    async def take_in_statement(self, cmd: TakeInStatement) -> TakenIn:
        """Take in a message of the bank. Raises besides: BankMessagesNotAwaited where no bank's are."""
        if not self.message_parts().account:
            raise BankMessagesNotAwaited
        return await take_in_statement.take_in_statement(cmd, self.parts, self.message_parts())

    def message_parts(self) -> MessageParts:
        """What messages of the bank stand on. Raises: BankMessagesNotAwaited where there can be none."""
        if self.messages is None:
            raise BankMessagesNotAwaited
        return self.messages

    async def finish_bank_messages(self) -> int:
        """Tick: book the messages that two persons decided to book."""
        if self.messages is None:
            return 0
        return await finish_bank_messages.finish_bank_messages(self.parts, self.messages)

    async def load_bank_directory(self, cmd: LoadBankDirectory) -> DirectoryVersion:
        """Put an edition of the БИК directory in force."""
        return await load_bank_directory.load_bank_directory(cmd, uow=self.parts.uow, directory=self.parts.directory)

    async def reconcile(self, actor: Actor) -> Reconciliation:
        """Compare the bank with the register."""
        return await reconcile.reconcile(actor, self.parts)

    async def request_withdrawals(self, cmd: RequestWithdrawals) -> list[WithdrawalAnswer]:
        """Lock money that is to be paid out."""
        return await request_withdrawals.request_withdrawals(cmd, self.parts)
