"""What settlement needs from outside: the bank, the ledger, its own tables, and one hand on the bank at a time."""

from dataclasses import dataclass

from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.ports.bank import (
    Bank,
    BankDirectory,
    BankEdge,
    DirectoryEdition,
    DirectorySource,
    PayoutState,
    PayoutStatus,
)
from kapital.settlement.ports.messages import (
    BankSignatures,
    IncomingMessages,
    MessageParts,
    MessageReading,
    MessageStore,
)
from kapital.settlement.ports.money import (
    Beneficiaries,
    Beneficiary,
    IncomingPayments,
    KnownNotices,
    Measures,
    Reconciliations,
    SettlementJob,
    SettlementJobs,
    Withdrawals,
)
from kapital.settlement.ports.payouts import Collection, Payouts, TaxParts, TaxRecords

__all__ = [
    "Bank",
    "BankDirectory",
    "BankEdge",
    "BankSignatures",
    "Beneficiaries",
    "Beneficiary",
    "Collection",
    "DirectoryEdition",
    "DirectorySource",
    "IncomingMessages",
    "IncomingPayments",
    "KnownNotices",
    "Measures",
    "MessageParts",
    "MessageReading",
    "MessageStore",
    "Parts",
    "PayoutState",
    "PayoutStatus",
    "Payouts",
    "Reconciliations",
    "SettlementJob",
    "SettlementJobs",
    "TaxParts",
    "TaxRecords",
    "Withdrawals",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use cases of settlement stand on."""

    uow: UnitOfWork
    ledger: Ledger
    bank: Bank
    edge: BankEdge
    beneficiaries: Beneficiaries
    incoming: IncomingPayments
    withdrawals: Withdrawals
    jobs: SettlementJobs
    measures: Measures
    reconciliations: Reconciliations
    acts: Acts
    directory: BankDirectory
    payouts: Payouts
    tax: TaxParts
