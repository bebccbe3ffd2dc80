"""Puts the parts of settlement together; the only place that chooses adapters."""

from kapital.kernel.clock import Clock
from kapital.ledger.api import Ledger
from kapital.platform.database import Database
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.adapters.bank_edge import PostgresBankEdge
from kapital.settlement.adapters.beneficiary_table import BeneficiaryTable
from kapital.settlement.adapters.incoming_payment_table import IncomingPaymentTable
from kapital.settlement.adapters.reconciliation_table import ReconciliationTable
from kapital.settlement.adapters.settlement_job_table import SettlementJobTable
from kapital.settlement.adapters.withdrawal_table import WithdrawalTable
from kapital.settlement.ports import Bank, Parts

NAME = "settlement"
MIGRATIONS = "kapital.settlement.migrations"


def parts_of(database: Database, clock: Clock, ledger: Ledger, bank: Bank) -> Parts:
    """Settlement over its own database, a ledger and a bank."""
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
