"""Puts the parts of settlement together; the only place that chooses adapters."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from litestar.di import Provide

from kapital.kernel.actor import machine_actor
from kapital.kernel.clock import Clock
from kapital.kernel.roles import Role
from kapital.ledger.api import Ledger
from kapital.platform.bus import Handler
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.adapters.bank_edge import PostgresBankEdge
from kapital.settlement.adapters.beneficiary_table import BeneficiaryTable
from kapital.settlement.adapters.incoming_payment_table import IncomingPaymentTable
from kapital.settlement.adapters.reconciliation_table import ReconciliationTable
from kapital.settlement.adapters.settlement_job_table import SettlementJobTable
from kapital.settlement.adapters.withdrawal_table import WithdrawalTable
from kapital.settlement.ports import Bank, Parts
from kapital.settlement.reactions import subscriptions
from kapital.settlement.routes import HANDLERS
from kapital.settlement.use_cases.bound import SettlementUseCases

NAME: Final = "settlement"
MIGRATIONS: Final = "kapital.settlement.migrations"
RECONCILE_EVERY: Final = timedelta(minutes=1)
"""A break is to be seen within five minutes (scenario 20)."""

Tick = Callable[[datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementService:
    """Settlement of one process. Call `use_cases.open_nominal_account` at start and `ticks` from time to time.

    A tick raises `Unavailable` (BankSilent and others) when it can do no more now; the next one goes on.
    """

    parts: Parts
    use_cases: SettlementUseCases
    routes: ServiceRoutes
    subscriptions: Sequence[tuple[Sequence[str], Handler]]
    ticks: Sequence[Tick]


def settlement_of(database: Database, clock: Clock, *, ledger: Ledger, bank: Bank) -> SettlementService:
    """Settlement over its own database, a ledger and a bank."""
    parts = parts_of(database, clock, ledger, bank)
    use_cases = SettlementUseCases(parts)
    return SettlementService(
        parts=parts,
        use_cases=use_cases,
        routes=ServiceRoutes(
            name=NAME,
            handlers=HANDLERS,
            dependencies={"settlement": Provide(lambda: parts, sync_to_thread=False)},
        ),
        subscriptions=subscriptions(parts),
        ticks=_ticks(use_cases),
    )


def parts_of(database: Database, clock: Clock, ledger: Ledger, bank: Bank) -> Parts:
    """What the use cases stand on."""
    return Parts(
        uow=UnitOfWork(database, clock),
        ledger=ledger,
        bank=bank,
        edge=PostgresBankEdge(database),
        beneficiaries=BeneficiaryTable(),
        incoming=IncomingPaymentTable(),
        withdrawals=WithdrawalTable(),
        jobs=SettlementJobTable(),
        reconciliations=ReconciliationTable(),
    )


def _ticks(use_cases: SettlementUseCases) -> tuple[Tick, ...]:
    compared_at: datetime | None = None

    async def book(_now: datetime) -> None:
        await use_cases.book_incoming()

    async def pay(_now: datetime) -> None:
        await use_cases.run_withdrawals()

    async def compare(now: datetime) -> None:
        nonlocal compared_at
        if compared_at is None or now - compared_at >= RECONCILE_EVERY:
            await use_cases.reconcile(machine_actor(Role.SCHEDULER))
            compared_at = now

    return book, pay, compare
