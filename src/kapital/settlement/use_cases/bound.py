"""All that settlement does, bound to its parts: for the composition, demonstrations and tests in one process."""

from dataclasses import dataclass

from kapital.kernel.actor import Actor
from kapital.settlement.domain.reconciliation import Reconciliation
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases import (
    book_incoming,
    open_nominal_account,
    reconcile,
    request_withdrawals,
    run_withdrawals,
)
from kapital.settlement.use_cases.request_withdrawals import RequestWithdrawals, WithdrawalAnswer


@dataclass(frozen=True, slots=True)
class SettlementUseCases:
    """Each method is the use case of the same name; see there for promises and refusals."""

    parts: Parts

    async def open_nominal_account(self) -> None:
        """Once at start, before anything else."""
        await open_nominal_account.open_nominal_account(self.parts.ledger)

    async def book_incoming(self) -> int:
        """Tick: book what came to the bank; returns how many credits were booked here."""
        return await book_incoming.book_incoming(self.parts)

    async def run_withdrawals(self) -> None:
        """Tick: bring every withdrawal one step further."""
        await run_withdrawals.run_withdrawals(self.parts)

    async def reconcile(self, actor: Actor) -> Reconciliation:
        """Compare the bank with the register."""
        return await reconcile.reconcile(actor, self.parts)

    async def request_withdrawals(self, cmd: RequestWithdrawals) -> list[WithdrawalAnswer]:
        """Lock money that is to be paid out."""
        return await request_withdrawals.request_withdrawals(cmd, self.parts)
